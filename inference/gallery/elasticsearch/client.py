"""The cluster that a gallery lives in: one call in, one typed answer or one of our errors out.

Every call ends within its timeout; what may be repeated
without harm is repeated after a jittered wait; a cluster that is dead is not asked at all for a while.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inference.errors import (
    AppError,
    GalleryAccessError,
    GalleryReadOnlyError,
    GalleryServerError,
    GalleryUnavailableError,
    StoppedError,
)
from inference.gallery.elasticsearch.access import ClusterAccess, make_client
from inference.gallery.elasticsearch.circuit_breaker import CircuitBreaker
from inference.gallery.elasticsearch.refusals import ConflictError, Refusals, RefusedError, UnreachableError

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch

OLDEST_SERVER = (8, 18)
"""Older ones cannot compare the best of a quantised search again."""
_FIRST_WAIT_S = 0.05
_LONGEST_WAIT_S = 1.0
_LONGEST_ID_BYTES = 512
_READ_AT_ONCE = 500
_READING_KEPT = "5m"


@dataclass(frozen=True, slots=True)
class Document:
    id: str
    source: Mapping[str, Any]
    version: int
    place: tuple[int, int]
    """Sequence number and primary term, for `replace()`."""


class Cluster:
    """A connection to Elasticsearch; the caller closes it."""

    def __init__(self, access: ClusterAccess, *, breaker: CircuitBreaker | None = None) -> None:
        self.address = ", ".join(access.addresses)
        self.timeout_s = access.timeout_s
        self.refusals = Refusals(self.address)
        self._client = make_client(access)
        self._breaker = breaker or CircuitBreaker()
        self._closed = False

    async def close(self) -> None:
        self._closed = True
        await self._client.close()

    def did_not_answer(self) -> None:
        """The caller's patience ended in the middle of a call."""
        self._breaker.failed()

    # ── documents ───────────────────────────────────────────────────────────────────────────────

    async def get(self, index: str, document_id: str) -> Document | None:
        """As it was written last, whether or not searches see that already."""
        [found] = await self.get_many([(index, document_id, True)])
        return found

    async def get_many(
        self, wanted: Sequence[tuple[str, str, bool | Sequence[str]]]
    ) -> list[Document | None]:
        """For each index, id and choice of fields the document as it was written last, or None."""
        docs = [
            {
                "_index": index,
                "_id": document_id,
                "_source": fields if isinstance(fields, bool) else [*fields],
            }
            for index, document_id, fields in wanted
            if _can_be_id(document_id)
        ]
        if not docs:
            return [None] * len(wanted)
        answer = await self._repeated(lambda client: client.mget(docs=docs))
        found = map(self._document, answer["docs"])
        return [next(found) if _can_be_id(document_id) else None for _, document_id, _ in wanted]

    async def search(self, index: str, **body: Any) -> Mapping[str, Any]:
        """What a search answers; an index that does not exist holds nothing."""
        answer: Mapping[str, Any] = await self._repeated(
            lambda client: client.search(
                index=index, ignore_unavailable=True, allow_partial_search_results=False, **body
            )
        )
        return answer

    async def search_many(self, index: str, bodies: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """One answer a body, in order; an index that does not exist holds nothing."""
        if not bodies:
            return []
        header: Mapping[str, Any] = {
            "index": index,
            "ignore_unavailable": True,
            "allow_partial_search_results": False,
        }
        searches = [part for body in bodies for part in (header, body)]

        async def ask(client: AsyncElasticsearch) -> Any:
            answer = await client.msearch(searches=searches)
            for one in answer["responses"]:
                if "error" in one:
                    raise self.refusals.by_status(one.get("status", 500), one["error"])
            return answer

        answers: list[Mapping[str, Any]] = (await self._repeated(ask))["responses"]
        return answers

    async def every_document(
        self, index: str, fields: Sequence[str]
    ) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
        """Id and fields of all documents of an index that is not ours, as they are at one moment."""
        opened = await self._repeated(
            lambda client: client.open_point_in_time(index=index, keep_alive=_READING_KEPT)
        )
        wanted: list[Any] = [*fields]
        point = {"id": opened["id"], "keep_alive": _READING_KEPT}
        sorting: list[Any] = ["_shard_doc"]
        after: Sequence[object] | None = None
        try:
            while True:
                more: dict[str, Any] = {} if after is None else {"search_after": after}
                answer = await self._repeated(
                    lambda client: client.search(
                        pit=point,
                        sort=sorting,
                        size=_READ_AT_ONCE,
                        source=True,
                        # Newer servers keep vectors out of `_source`, but give them as fields.
                        fields=wanted,
                        **more,  # noqa: B023
                    )
                )
                point["id"] = answer["pit_id"]
                for hit in answer["hits"]["hits"]:
                    yield hit["_id"], {**_single(hit.get("fields") or {}), **(hit.get("_source") or {})}
                if len(answer["hits"]["hits"]) < _READ_AT_ONCE:
                    return
                after = answer["hits"]["hits"][-1]["sort"]
        finally:
            await self._repeated(lambda client: client.close_point_in_time(id=point["id"]))

    async def count(self, index: str, query: Mapping[str, Any]) -> int:
        answer = await self._repeated(
            lambda client: client.count(index=index, query=query, ignore_unavailable=True)
        )
        return int(answer["count"])

    async def bulk(
        self, operations: Sequence[Mapping[str, Any]], *, wait_for_searches: bool = False
    ) -> list[tuple[str, Mapping[str, Any]]]:
        """For each item, in order, its action and what happened to it; items must bear being sent twice."""
        if not operations:
            return []
        answer = await self._repeated(
            lambda client: client.bulk(
                operations=operations,
                refresh="wait_for" if wait_for_searches else False,
                timeout=_milliseconds(self.timeout_s / 2),
            )
        )
        return [next(iter(item.items())) for item in answer["items"]]

    async def refresh(self, index: str) -> None:
        await self._repeated(
            lambda client: client.indices.refresh(index=index, ignore_unavailable=True, allow_no_indices=True)
        )

    async def create(self, index: str, document_id: str, source: Mapping[str, Any]) -> tuple[int, int]:
        """Where it is now, for `replace()`. Raises ConflictError when there is one already."""
        return await self._write_once(
            lambda client: client.create(index=index, id=document_id, document=source)
        )

    async def replace(
        self, index: str, document_id: str, source: Mapping[str, Any], place: tuple[int, int]
    ) -> tuple[int, int]:
        """Where it is now. Raises ConflictError unless it is still the one that was read at that place."""
        seq_no, term = place
        return await self._write_once(
            lambda client: client.index(
                index=index, id=document_id, document=source, if_seq_no=seq_no, if_primary_term=term
            )
        )

    # ── indices ─────────────────────────────────────────────────────────────────────────────────

    async def template_version(self, name: str) -> int | None:
        answer = await self._repeated(
            lambda client: client.options(ignore_status=404).indices.get_index_template(name=name)
        )
        templates = answer.get("index_templates") or []
        return int(templates[0]["index_template"].get("version", 0)) if templates else None

    async def put_template(self, name: str, body: Mapping[str, Any]) -> None:
        await self._repeated(lambda client: client.indices.put_index_template(name=name, **body))

    async def has_index(self, index: str) -> bool:
        return bool(await self._repeated(lambda client: client.indices.exists(index=index)))

    async def create_index(self, index: str) -> None:
        """As its template says; does nothing when there is one."""
        await self._repeated(
            lambda client: client.indices.create(index=index, timeout=_milliseconds(self.timeout_s)),
            fine={"resource_already_exists_exception"},
        )

    async def set_refresh_interval(self, index: str, interval: str) -> None:
        settings = {"index": {"refresh_interval": interval}}
        await self._repeated(lambda client: client.indices.put_settings(index=index, settings=settings))

    async def expunge_deleted(self, indices: str) -> None:
        """Has the segments that hold deleted documents merged without them; does not wait for it."""
        await self._repeated(
            lambda client: client.indices.forcemerge(
                index=indices, only_expunge_deletes=True, wait_for_completion=False
            )
        )

    async def delete_index(self, index: str) -> None:
        await self._repeated(
            lambda client: client.indices.delete(index=index), fine={"index_not_found_exception"}
        )

    async def delete_template(self, name: str) -> None:
        await self._repeated(
            lambda client: client.options(ignore_status=404).indices.delete_index_template(name=name)
        )

    async def alias_targets(self, alias: str) -> list[str]:
        """The indices that it stands for."""
        there = await self._repeated(
            lambda client: client.options(ignore_status=404).indices.get_alias(name=alias)
        )
        return [name for name in there if isinstance(there[name], dict)]

    async def point_alias(self, alias: str, index: str) -> None:
        """In one step: the alias stands for that index and for no other."""
        old = [name for name in await self.alias_targets(alias) if name != index]
        actions = [{"remove": {"index": name, "alias": alias}} for name in old]
        await self._repeated(
            lambda client: client.indices.update_aliases(
                actions=[*actions, {"add": {"index": index, "alias": alias}}]
            )
        )

    async def size_bytes(self, indices: str) -> int:
        """Of the primary shards on disk."""
        answer = await self._repeated(
            lambda client: client.indices.stats(index=indices, metric="store", expand_wildcards="open")
        )
        return int(answer["_all"]["primaries"].get("store", {}).get("size_in_bytes", 0))

    async def require_known_server(self) -> None:
        """Raises GalleryServerError for a version that is too old. One that may not be asked passes."""
        try:
            answer = await self._repeated(lambda client: client.nodes.info(filter_path="nodes.*.version"))
        except GalleryAccessError:
            return
        for node in answer.get("nodes", {}).values():
            version = str(node.get("version", ""))
            numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
            if len(numbers) == 2 and numbers < OLDEST_SERVER:
                raise GalleryServerError(
                    address=self.address,
                    reason=f"it is Elasticsearch {version}",
                    fix=f"Update it to {'.'.join(map(str, OLDEST_SERVER))} or newer.",
                )

    # ── calls ───────────────────────────────────────────────────────────────────────────────────

    async def _repeated(
        self,
        call: Callable[[AsyncElasticsearch], Awaitable[Any]],
        *,
        fine: Collection[str] = (),
    ) -> Any:
        """A call that does no harm when made twice. The errors named `fine` count as an empty answer."""
        end = time.monotonic() + self.timeout_s
        longest_wait = _FIRST_WAIT_S
        while True:
            left = end - time.monotonic()
            try:
                return await self._once(call, left)
            except GalleryReadOnlyError:
                raise
            except GalleryUnavailableError:
                wait = random.uniform(0, longest_wait)  # noqa: S311 - no secret
                if self._breaker.is_open or wait >= end - time.monotonic():
                    raise
                longest_wait = min(2 * longest_wait, _LONGEST_WAIT_S)
                await asyncio.sleep(wait)
            except RefusedError as error:
                if error.kind in fine:
                    return {}
                raise

    async def _write_once(self, call: Callable[[AsyncElasticsearch], Awaitable[Any]]) -> tuple[int, int]:
        """A call that must not be made twice. When it fails, it may have been done all the same."""
        answer = await self._once(call, self.timeout_s)
        return answer["_seq_no"], answer["_primary_term"]

    async def _once(self, call: Callable[[AsyncElasticsearch], Awaitable[Any]], timeout_s: float) -> Any:
        if self._closed:
            raise StoppedError
        if not self._breaker.allows():
            raise GalleryUnavailableError(reason=f"{self.address} has not answered lately")
        try:
            async with asyncio.timeout(timeout_s):
                answer = await call(self._client)
        except TimeoutError as error:
            self._breaker.failed()
            raise GalleryUnavailableError(
                reason=f"{self.address} did not answer within {self.timeout_s:g} s"
            ) from error
        except asyncio.CancelledError:
            self._breaker.gave_up()
            raise
        except (AppError, ConflictError):
            self._breaker.succeeded()
            raise
        except Exception as error:
            translated = self.refusals.of(error)
            if translated is None:
                self._breaker.gave_up()
                raise
            if isinstance(translated, UnreachableError):
                self._breaker.failed()
            else:
                self._breaker.succeeded()
            raise translated from error
        self._breaker.succeeded()
        return answer

    def _document(self, found: Mapping[str, Any]) -> Document | None:
        error = found.get("error")
        if error and error.get("type") != "index_not_found_exception":
            raise self.refusals.by_status(400, error)
        if not found.get("found"):
            return None
        place = (found["_seq_no"], found["_primary_term"])
        return Document(found["_id"], found.get("_source") or {}, found["_version"], place)


def _milliseconds(seconds: float) -> str:
    """As the server takes it; it knows no fractions."""
    return f"{max(round(seconds * 1_000), 1)}ms"


def _can_be_id(text: str) -> bool:
    """What somebody has typed for an id may be anything."""
    return 0 < len(text.encode(errors="replace")) <= _LONGEST_ID_BYTES


def _single(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields come as lists; a vector is one that has more than one value."""
    return {name: value[0] if len(value) == 1 else value for name, value in fields.items()}
