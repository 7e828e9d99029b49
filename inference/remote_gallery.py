"""`RemoteGallery`: the gallery of an inference service, over HTTP."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from inference.domain import (
    Character,
    CharacterId,
    EmbeddingContract,
    Embeddings,
    FaceCrop,
    Match,
    Sample,
    SampleId,
    Scope,
)
from inference.errors import (
    ArchiveInvalidError,
    FileUnreadableError,
    FileUnwritableError,
    StoppedError,
)
from inference.gallery.base import (
    AuditEntry,
    Changed,
    Contributions,
    Enrolled,
    Gallery,
    GalleryStats,
    NewSample,
    Report,
)
from inference.operations import EXPORT_PATH, IMPORT_PATH, SAMPLES_HEADER, operations
from inference.servers import Servers
from inference.wire import JSON, MSGPACK, decode, encode

_CHUNK_BYTES = 256 * 1024


class RemoteGallery:
    """The `Gallery` that asks others. It is looked after where it is kept: see `KeptGallery`."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._closed = False

    @property
    def contract(self) -> EmbeddingContract:
        return self._servers.about.contract

    async def close(self) -> None:
        self._closed = True

    # ── questions ───────────────────────────────────────────────────────────────────────────────

    async def search(
        self, probes: Embeddings, scopes: Sequence[Scope], *, top: int
    ) -> list[tuple[Match, ...]]:
        found: list[tuple[Match, ...]] = await self._ask("search", probes=probes, scopes=scopes, top=top)
        return found

    async def find_duplicate(self, scope: Scope, sample: NewSample) -> tuple[Character, SampleId, str] | None:
        found: tuple[Character, SampleId, str] | None = await self._ask(
            "find_duplicate", scope=scope, sample=sample
        )
        return found

    async def characters(
        self, scopes: Sequence[Scope], *, query: str = "", offset: int = 0, limit: int | None = None
    ) -> tuple[Character, ...]:
        found: tuple[Character, ...] = await self._ask(
            "characters", scopes=scopes, query=query, offset=offset, limit=limit
        )
        return found

    async def character(self, scopes: Sequence[Scope], name_or_id: str) -> Character:
        found: Character = await self._ask("character", scopes=scopes, name_or_id=name_or_id)
        return found

    async def samples(self, scopes: Sequence[Scope], character_id: CharacterId) -> tuple[Sample, ...]:
        found: tuple[Sample, ...] = await self._ask("samples", scopes=scopes, character_id=character_id)
        return found

    async def crop(self, scopes: Sequence[Scope], sample_id: SampleId) -> FaceCrop:
        found: FaceCrop = await self._ask("crop", scopes=scopes, sample_id=sample_id)
        return found

    async def audit(self, scope: Scope | None = None, *, limit: int = 100) -> tuple[AuditEntry, ...]:
        entries: tuple[AuditEntry, ...] = await self._ask("audit", scope=scope, limit=limit)
        return entries

    async def contributions(self, contributor: str | None = None) -> tuple[Contributions, ...]:
        found: tuple[Contributions, ...] = await self._ask("contributions", contributor=contributor)
        return found

    async def stats(self) -> GalleryStats:
        stats: GalleryStats = await self._ask("stats")
        return stats

    # ── changes ─────────────────────────────────────────────────────────────────────────────────

    async def enroll(
        self,
        scope: Scope,
        name: str,
        samples: Sequence[NewSample],
        *,
        series: str = "",
        aliases: Sequence[str] = (),
        actor: str = "",
        allow_alike: bool = False,
    ) -> Enrolled:
        enrolled: Enrolled = await self._ask(
            "enroll",
            scope=scope,
            name=name,
            samples=samples,
            series=series,
            aliases=aliases,
            actor=actor,
            allow_alike=allow_alike,
        )
        return enrolled

    async def rename(
        self, scope: Scope, name: str, new_name: str, *, series: str | None = None, actor: str = ""
    ) -> Changed:
        return await self._change(
            "rename", scope=scope, name=name, new_name=new_name, series=series, actor=actor
        )

    async def set_aliases(
        self, scope: Scope, name: str, aliases: Sequence[str], *, actor: str = ""
    ) -> Changed:
        return await self._change("set_aliases", scope=scope, name=name, aliases=aliases, actor=actor)

    async def merge(self, scope: Scope, source: str, target: str, *, actor: str = "") -> Changed:
        return await self._change("merge", scope=scope, source=source, target=target, actor=actor)

    async def move_samples(
        self,
        scope: Scope,
        source: str,
        sample_ids: Sequence[SampleId],
        target: str,
        *,
        series: str = "",
        actor: str = "",
    ) -> Changed:
        return await self._change(
            "move_samples",
            scope=scope,
            source=source,
            sample_ids=sample_ids,
            target=target,
            series=series,
            actor=actor,
        )

    async def forget(self, scope: Scope, name: str, *, for_good: bool = False, actor: str = "") -> Changed:
        return await self._change("forget", scope=scope, name=name, for_good=for_good, actor=actor)

    async def forget_sample(
        self, scope: Scope, sample_id: SampleId, *, for_good: bool = False, actor: str = ""
    ) -> Changed:
        return await self._change(
            "forget_sample", scope=scope, sample_id=sample_id, for_good=for_good, actor=actor
        )

    async def add_negative(self, scope: Scope, name: str, sample: NewSample, *, actor: str = "") -> Changed:
        return await self._change("add_negative", scope=scope, name=name, sample=sample, actor=actor)

    async def undo(self, scope: Scope, entry_id: int | None = None, *, actor: str = "") -> AuditEntry:
        entry: AuditEntry = await self._ask("undo", scope=scope, entry_id=entry_id, actor=actor)
        return entry

    async def forget_contributions(
        self, scope: Scope, contributor: str, *, actor: str = ""
    ) -> Contributions | None:
        forgotten: Contributions | None = await self._ask(
            "forget_contributions", scope=scope, contributor=contributor, actor=actor
        )
        return forgotten

    # ── archives ────────────────────────────────────────────────────────────────────────────────

    async def export(
        self, path: Path, scopes: Sequence[Scope] | None = None, *, report: Report | None = None
    ) -> int:
        self._require_open()
        body = encode({"scopes": scopes})
        headers = {"Content-Type": MSGPACK}
        async with self._servers.answered(EXPORT_PATH, harmless=True, data=body, headers=headers) as response:
            await _save(_received(response, report), path)
            return int(response.headers[SAMPLES_HEADER])

    async def import_(self, path: Path, *, scope: Scope | None = None, actor: str = "") -> int:
        self._require_open()
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except OSError as error:
            reason = error.strerror or str(error)
            raise FileUnreadableError(path=str(path), reason=reason) from error
        with file:
            form = aiohttp.FormData()
            arguments = encode({"scope": scope, "actor": actor}, JSON).decode()
            form.add_field("arguments", arguments, content_type=JSON)
            form.add_field("archive", file, content_type="application/zip", filename=path.name)
            try:
                async with self._servers.answered(IMPORT_PATH, harmless=False, data=form) as response:
                    answer: dict[str, int] = decode(await response.read(), dict[str, int], JSON)
            except ArchiveInvalidError as error:  # which names the server's own copy
                raise ArchiveInvalidError(path=str(path), reason=str(error.data["reason"])) from None
        return answer["samples"]

    async def _change(self, method: str, **arguments: object) -> Changed:
        changed: Changed = await self._ask(method, **arguments)
        return changed

    async def _ask(self, method: str, **arguments: object) -> Any:
        self._require_open()
        return await self._servers.ask(operations()[Gallery, method], arguments)

    def _require_open(self) -> None:
        if self._closed:
            raise StoppedError


async def _received(response: aiohttp.ClientResponse, report: Report | None) -> AsyncIterator[bytes]:
    """The body; what share of it has come is reported, not how far the server is with writing it."""
    total, come = response.content_length, 0
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        yield chunk
        come += len(chunk)
        if report and total:
            report(min(come / total, 1.0))


async def _save(chunks: AsyncIterator[bytes], path: Path) -> None:
    """Whole or not at all. Raises FileUnwritableError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            async for chunk in chunks:
                await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(temporary.replace, path)
    except aiohttp.ClientError:  # one kind of which is an OSError, too
        raise
    except OSError as error:
        raise FileUnwritableError(path=str(path), reason=error.strerror or str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)
