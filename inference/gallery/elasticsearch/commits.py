"""How a change of many documents counts as a whole or not at all, whoever dies in the middle.

Elasticsearch changes one document at a time. So a change is first written down as a list of writes; it counts
from the moment in which the head, a single document, is replaced by one that refers to that list, which only
succeeds when nobody else has replaced it since it was read (`if_seq_no`). Then the writes are made and the
list is struck off. Who finds a list that nobody works on any more makes its writes: they carry the number of
the change as their version, so making them twice, or late, changes nothing (`external_gte`).
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from inference.domain import EmbeddingContract, SampleId
from inference.errors import GalleryDamagedError, GalleryServerError, GalleryUnavailableError
from inference.gallery.elasticsearch.client import Cluster, Document
from inference.gallery.elasticsearch.documents import Head, vector_of, with_vector
from inference.gallery.elasticsearch.mappings import SCHEMA_VERSION, IndexNames
from inference.gallery.elasticsearch.refusals import ConflictError, RefusedError
from inference.gallery.store import new_id

HEAD = "head"
Write = list[Any]
"""One of put(index, id, source), own(face, fields), delete_face(id), delete(index, id), alias(contract)."""
MOST_INLINE_BYTES = 512 * 1024
MOST_BYTES = 4 * 1024 * 1024
"""Of one part of a long list of writes."""
_WRITES_AT_ONCE = 100
_ABANDONED_AFTER_S = 2.0
_LONGEST_PATIENCE_S = 30.0


def put(index: str, document_id: str, source: dict[str, Any]) -> Write:
    return ["put", index, document_id, source]


def own(face: SampleId, fields: dict[str, Any]) -> Write:
    """Other values for these fields of a face, under every contract."""
    return ["own", face, fields]


def delete_face(face: SampleId) -> Write:
    """Under every contract."""
    return ["delete_face", face]


def delete(index: str, document_id: str) -> Write:
    return ["delete", index, document_id]


def alias(contract_id: str) -> Write:
    """The faces of that contract are the active ones."""
    return ["alias", contract_id]


def size_of(writes: Iterable[Write]) -> int:
    """Roughly, in bytes of JSON."""
    return sum(len(json.dumps(write)) for write in writes)


class Commits:
    """The head of one gallery, and how it is moved on."""

    def __init__(
        self, cluster: Cluster, names: IndexNames, *, abandoned_after_s: float = _ABANDONED_AFTER_S
    ) -> None:
        self._cluster = cluster
        self._names = names
        self._abandoned_after_s = abandoned_after_s
        self._unfinished: set[str] = set()
        """Tokens of our own changes that count, but were not written to the end."""

    async def head(self) -> Head | None:
        found = await self._cluster.get(self._names.meta, HEAD)
        return None if found is None else self._head_in(found)

    def _head_in(self, found: Document) -> Head:
        schema = found.source["state"]["schema"]
        if schema > SCHEMA_VERSION:
            raise GalleryServerError(
                address=self._cluster.address,
                reason=f"the gallery there has version {schema}, this program knows up to {SCHEMA_VERSION}",
                fix="Update Dareda.",
            )
        return Head.from_source(found.source, found.place)

    async def begin(self, contract: EmbeddingContract) -> Head:
        """The head of a new gallery, or the one that is there."""
        head = Head(0, 1, 1, (contract,), "")
        with suppress(ConflictError):
            await self._cluster.create(self._names.meta, HEAD, head.to_source(SCHEMA_VERSION))
        found = await self.head()
        if found is None:
            raise GalleryUnavailableError(reason=f"{self._cluster.address}: the gallery's head is gone")
        return found

    async def settled(self) -> Head:
        """The head, once all that it refers to is written; by us if nobody else goes on with it."""
        seen: object = None
        since = started = time.monotonic()
        while True:
            head = await self.head()
            if head is None:
                raise GalleryUnavailableError(reason=f"{self._cluster.address}: the gallery's head is gone")
            if head.pending is None:
                return head
            state = (head.token, head.pending.get("done"))
            now = time.monotonic()
            if state != seen:
                seen, since = state, now
            if head.token in self._unfinished or now - since > self._abandoned_after_s:
                await self.finish(head)
                continue
            if now - started > _LONGEST_PATIENCE_S:
                raise GalleryUnavailableError(reason="another long change is being written")
            await asyncio.sleep(random.uniform(0.01, 0.05))  # noqa: S311 - no secret

    async def raise_to(self, number: int) -> None:
        """Makes the next change count higher: what was written under a higher number would not be changed."""
        head = await self.settled()
        raised = replace(head, commit=max(head.commit, number))
        await self._cluster.replace(self._names.meta, HEAD, raised.to_source(SCHEMA_VERSION), head.place)

    async def write_part(self, token: str, number: int, writes: Sequence[Write]) -> None:
        """Writes down a part of a long list; it counts when `commit()` says so."""
        done = await self._cluster.bulk(
            [
                {"index": {"_index": self._names.meta, "_id": f"{token}-{number}"}},
                {"state": {"writes": writes}},
            ]
        )
        self._require_written(done)

    async def delete_parts(self, token: str) -> None:
        """Those of a change that is written to the end, or never will count."""
        number = 0
        while True:
            done = await self._cluster.bulk(
                [
                    {"delete": {"_index": self._names.meta, "_id": f"{token}-{number + n}"}}
                    for n in range(_WRITES_AT_ONCE)
                ]
            )
            if done[-1][1]["status"] == 404:
                return
            number += _WRITES_AT_ONCE

    async def commit(self, head: Head, after: Head, writes: list[Write], *, token: str, parts: int) -> None:
        """Makes `after` the head and all these writes, and returns when every search sees them.

        `parts` were written down before. Raises ConflictError when `head` is the head no longer. After any
        other error it is not known whether the change counts; if it does, it will be written to the end.
        """
        pending: dict[str, Any] = {"writes": writes, "done": 0}
        if parts or size_of(writes) > MOST_INLINE_BYTES:
            for part in in_parts(writes):
                await self.write_part(token, parts, part)
                parts += 1
            pending = {"parts": parts, "done": 0}
        after = replace(after, commit=head.commit + 1, token=token, pending=pending)
        self._unfinished.add(token)
        try:
            place = await self._cluster.replace(
                self._names.meta, HEAD, after.to_source(SCHEMA_VERSION), head.place
            )
        except (ConflictError, GalleryUnavailableError):
            now = await self.head()
            if now is None or now.token != token:
                raise
            place = now.place
        await self.finish(replace(after, place=place))

    async def finish(self, head: Head) -> None:
        """Makes the writes that the head refers to, and strikes them off."""
        pending = head.pending
        if pending is None:
            return
        number = head.commit
        parts = pending.get("parts", 0)
        try:
            if not parts:
                await self._apply(pending["writes"], number, head, wait=True)
            for part in range(pending.get("done", 0), parts):
                found = await self._cluster.get(self._names.meta, f"{head.token}-{part}")
                if found is None:
                    await self._require_written_by_others(head, part)
                    return
                await self._apply(found.source["state"]["writes"], number, head, wait=False)
                progressed = replace(head, pending={**pending, "done": part + 1})
                place = await self._cluster.replace(
                    self._names.meta, HEAD, progressed.to_source(SCHEMA_VERSION), head.place
                )
                head = replace(progressed, place=place)
            if parts:
                await self._cluster.refresh(self._names.everything)
            settled = replace(head, pending=None)
            await self._cluster.replace(self._names.meta, HEAD, settled.to_source(SCHEMA_VERSION), head.place)
        except ConflictError:
            # Somebody else went on with it. It is written to the end when the head is another one.
            await self._wait_for_others(head.token)
        self._unfinished.discard(head.token)
        if parts:
            await self.delete_parts(head.token)

    async def _require_written_by_others(self, head: Head, part: int) -> None:
        """Raises GalleryDamagedError when a part that nobody has written yet is gone."""
        now = await self.head()
        if now and now.token == head.token and now.pending and now.pending["done"] <= part:
            raise GalleryDamagedError(
                path=self._names.meta,
                reason=f"part {part} of a change that was being written is gone",
                fix="Restore a snapshot.",
            )
        await self._wait_for_others(head.token)

    async def _wait_for_others(self, token: str) -> None:
        self._unfinished.discard(token)
        head = await self.settled()
        assert head.pending is None, "it is settled"  # noqa: S101

    async def _apply(self, writes: Sequence[Write], number: int, head: Head, *, wait: bool) -> None:
        slices = [writes[n : n + _WRITES_AT_ONCE] for n in range(0, len(writes), _WRITES_AT_ONCE)]
        for some in slices:
            operations = [line async for line in self._operations(some, number, head)]
            done = await self._cluster.bulk(operations, wait_for_searches=wait and len(slices) == 1)
            self._require_written(done)
        if wait and len(slices) > 1:
            await self._cluster.refresh(self._names.everything)

    async def _operations(
        self, writes: Sequence[Write], number: int, head: Head
    ) -> AsyncIterator[dict[str, Any]]:
        version = {"version": number, "version_type": "external_gte"}
        indices = [self._names.faces(contract.id) for contract in head.contracts]
        dimensions = dict(zip(indices, (c.dimension for c in head.contracts), strict=True))
        owned = {write[1]: write[2] for write in writes if write[0] == "own"}
        for write in writes:
            if write[0] == "put":
                _, index, document_id, source = write
                yield {"index": {"_index": index, "_id": document_id, **version}}
                yield source
            elif write[0] == "delete":
                yield {"delete": {"_index": write[1], "_id": write[2], **version}}
            elif write[0] == "delete_face":
                for index in indices:
                    yield {"delete": {"_index": index, "_id": write[1], **version}}
            elif write[0] == "alias":
                await self._cluster.point_alias(self._names.faces_alias, self._names.faces(write[1]))
        wanted = [(index, face) for face in owned for index in indices]
        found = await self._cluster.get_many([(index, face, True) for index, face in wanted])
        for (index, face), document in zip(wanted, found, strict=True):
            if document is None or document.version > number:
                continue
            source = {**document.source, **owned[face]}
            vector = vector_of(source, dimensions[index])
            yield {"index": {"_index": index, "_id": face, **version}}
            yield source if vector is None else with_vector(source, vector)

    def _require_written(self, done: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Conflicts are fine (something newer is there), as is deleting what is gone already."""
        for action, item in done:
            error, status = item.get("error"), item["status"]
            if error and status != 409 and (action, status) != ("delete", 404):
                if status in (403, 429, 500, 502, 503, 504):
                    raise self._cluster.refusals.by_status(status, error)
                raise RefusedError(error["type"], f"{item['_index']}: {error['reason']}")


def in_parts(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """The writes in lists of at most about `MOST_BYTES`."""
    part: list[Write] = []
    size = 0
    for write in writes:
        part.append(write)
        size += len(json.dumps(write))
        if size >= MOST_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def new_token() -> str:
    """For one attempt at a change."""
    return new_id() + new_id()
