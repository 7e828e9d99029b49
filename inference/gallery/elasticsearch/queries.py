"""What is asked of a gallery's documents, and the documents as values."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inference.domain import Character, CharacterId, SampleId, Scope
from inference.gallery.elasticsearch.client import Cluster, Document
from inference.gallery.elasticsearch.documents import (
    CHARACTER_WITHOUT_FACES,
    FACE_WITHOUT_PICTURE,
    CharacterDocument,
    EntryDocument,
    FaceDocument,
    character_from,
)
from inference.gallery.elasticsearch.mappings import IndexNames
from inference.gallery.names import letter_pairs, name_key

Fields = bool | Sequence[str]
Query = Mapping[str, Any]
_HITS_AT_ONCE = 1_000
_MOST_TERMS = 1_000
_MOST_SUGGESTED = 300


@dataclass(frozen=True, slots=True)
class Queries:
    """Questions to the indices of one gallery; faces are those of one contract."""

    cluster: Cluster
    names: IndexNames
    contract_id: str

    @property
    def faces_index(self) -> str:
        return self.names.faces(self.contract_id)

    # ── characters ──────────────────────────────────────────────────────────────────────────────

    async def characters(self, ids: Sequence[CharacterId]) -> list[CharacterDocument | None]:
        """In order; as they were written last."""
        found = await self._get(self.names.characters, ids, True)
        return [CharacterDocument.from_source(one.id, one.source) if one else None for one in found]

    async def characters_named(self, scope: Scope, keys: Sequence[str]) -> list[CharacterDocument]:
        """Those of the scope with one of these name keys."""
        found = []
        for some in _slices(keys, _MOST_TERMS):
            query = _all_of(_is("scope", scope), {"terms": {"keys": some}})
            found += [hit async for hit in self.every(self.names.characters, query, sort="name_key")]
        return [CharacterDocument.from_source(hit["_id"], hit["_source"]) for hit in found]

    async def listed_characters(
        self, scopes: Sequence[Scope], text: str, offset: int, limit: int | None
    ) -> list[Character]:
        """By name, then in the order of the scopes; `text` is a part of name, alias or series."""
        places = {scope: place for place, scope in enumerate(dict.fromkeys(scopes))}
        if not places:
            return []
        key = name_key(text)
        query = _all_of({"terms": {"scope": list(places)}}, *([_contains(key)] if key else []))
        found: list[tuple[str, int, Character]] = []
        # Of one name each scope has one character: so many more hits and the order is right up to the limit.
        wanted = None if limit is None else offset + limit + len(places)
        async for hit in self.every(
            self.names.characters, query, fields=[*CHARACTER_WITHOUT_FACES, "name_key"], sort="name_key"
        ):
            character = character_from(hit["_id"], hit["_source"])
            found.append((hit["_source"]["name_key"], places[character.scope], character))
            if wanted is not None and len(found) >= wanted:
                break
        found.sort(key=lambda one: one[:2])
        end = None if limit is None else offset + limit
        return [character for _, _, character in found[offset:end]]

    async def every_character(self) -> AsyncIterator[CharacterDocument]:
        """Of all scopes, by name."""
        async for hit in self.every(self.names.characters, {"match_all": {}}, sort="name_key"):
            yield CharacterDocument.from_source(hit["_id"], hit["_source"])

    async def similar_names(self, scopes: Sequence[Scope], name: str) -> list[str]:
        """Names and aliases that share letters with this one, those that share most among them."""
        pairs = sorted(letter_pairs(name_key(name)))[:200]
        if not pairs:
            return []
        likely = [{"constant_score": {"filter": _is("pairs", pair)}} for pair in pairs]
        answer = await self.cluster.search(
            self.names.characters,
            query={"bool": {"filter": [{"terms": {"scope": [*scopes]}}], "should": likely}},
            size=_MOST_SUGGESTED,
            source=["names"],
        )
        return [name for hit in answer["hits"]["hits"] for name in hit["_source"]["names"]]

    async def scopes(self) -> tuple[Scope, ...]:
        """Those with characters, in order."""
        counted = await self.counts(self.names.characters, ("scope",), None)
        return tuple(Scope(scope) for (scope,), _ in counted)

    # ── faces ───────────────────────────────────────────────────────────────────────────────────

    async def face_sources(self, ids: Sequence[SampleId], fields: Fields) -> list[Document | None]:
        """In order; as they were written last."""
        return await self._get(self.faces_index, ids, fields)

    async def faces(self, ids: Sequence[SampleId], fields: Fields) -> list[FaceDocument | None]:
        found = await self.face_sources(ids, fields)
        return [FaceDocument.from_source(one.id, one.source) if one else None for one in found]

    async def samples_with_content(self, scope: Scope, content_hashes: Sequence[str]) -> list[FaceDocument]:
        """The samples of the scope with one of these pixels."""
        found = []
        for some in _slices(content_hashes, _MOST_TERMS):
            query = _all_of(_is("scope", scope), _is("negative", False), {"terms": {"content_hash": some}})
            found += [hit async for hit in self.every_face(query, FACE_WITHOUT_PICTURE)]
        return [FaceDocument.from_source(hit["_id"], hit["_source"]) for hit in found]

    def every_face(
        self, query: Query, fields: Fields, *, page: int = _HITS_AT_ONCE
    ) -> AsyncIterator[Mapping[str, Any]]:
        """In the order in which they came."""
        return self.every(self.faces_index, query, fields=fields, sort="seq", page=page)

    # ── audit log ───────────────────────────────────────────────────────────────────────────────

    async def entry(self, entry_id: int) -> EntryDocument | None:
        found = await self.cluster.get(self.names.audit, str(entry_id))
        return EntryDocument.from_source(found.source) if found else None

    async def entries(self, scope: Scope | None, limit: int) -> list[EntryDocument]:
        """Newest first."""
        query = {"match_all": {}} if scope is None else _is("scope", scope)
        found: list[EntryDocument] = []
        async for hit in self.every(
            self.names.audit, query, sort="id", newest_first=True, page=min(limit, _HITS_AT_ONCE)
        ):
            found.append(EntryDocument.from_source(hit["_source"]))
            if len(found) == limit:
                break
        return found

    async def last_change(self, scope: Scope, *, without: Collection[int]) -> EntryDocument | None:
        """The newest that is in effect, apart from some."""
        answer = await self.cluster.search(
            self.names.audit,
            query={
                "bool": {
                    "filter": [_is("scope", scope)],
                    "must_not": [
                        _is("action", "undo"),
                        {"exists": {"field": "undone_by"}},
                        {"terms": {"id": [*without]}},
                    ],
                }
            },
            sort=[{"id": "desc"}],
            size=1,
        )
        hits = answer["hits"]["hits"]
        return EntryDocument.from_source(hits[0]["_source"]) if hits else None

    async def changes_of(self, scope: Scope, character: CharacterId) -> list[EntryDocument]:
        """Those that can still be taken back."""
        return await self._all_entries(_all_of(_is("scope", scope), _is("delta_characters", character)))

    async def undoable_changes(self, scope: Scope) -> list[EntryDocument]:
        return await self._all_entries(_all_of(_is("scope", scope), {"exists": {"field": "undo_from_us"}}))

    async def signed_entries(self, scope: Scope, signatures: Sequence[str]) -> list[EntryDocument]:
        return await self._all_entries(_all_of(_is("scope", scope), {"terms": {"actor": [*signatures]}}))

    async def changes_until(self, at_us: int) -> list[EntryDocument]:
        """Those that can still be taken back and are not younger."""
        return await self._all_entries({"range": {"undo_from_us": {"lte": at_us}}})

    async def _all_entries(self, query: Query) -> list[EntryDocument]:
        hits = self.every(self.names.audit, query, sort="id", page=100)
        return [EntryDocument.from_source(hit["_source"]) async for hit in hits]

    # ── how ─────────────────────────────────────────────────────────────────────────────────────

    async def every(
        self,
        index: str,
        query: Query,
        *,
        sort: str,
        then: str = "scope",
        fields: Fields = True,
        newest_first: bool = False,
        page: int = _HITS_AT_ONCE,
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Every hit, page by page. Every document must have `sort`; those alike in it differ in `then`.

        Documents that are written meanwhile may be missing or come twice, unless they sort behind.
        """
        order = "desc" if newest_first else "asc"
        sorting: list[Mapping[str, str]] = [{sort: order}]
        if sort not in _UNIQUE:
            sorting.append({then: "asc"})
        after: Sequence[object] | None = None
        while True:
            more = {} if after is None else {"search_after": after}
            answer = await self.cluster.search(
                index, query=query, sort=sorting, size=page, source=_as_source(fields), version=True, **more
            )
            hits = answer["hits"]["hits"]
            for hit in hits:
                yield hit
            if len(hits) < page:
                return
            after = hits[-1]["sort"]

    async def counts(
        self, index: str, fields: Sequence[str], query: Query | None
    ) -> list[tuple[tuple[Any, ...], int]]:
        """How many documents there are with each combination of values, in order of the values."""
        found: list[tuple[tuple[Any, ...], int]] = []
        after: Mapping[str, object] = {}
        while True:
            composite: dict[str, object] = {
                "size": _HITS_AT_ONCE,
                "sources": [{field: {"terms": {"field": field}}} for field in fields],
                **({"after": after} if after else {}),
            }
            answer = await self.cluster.search(
                index,
                query=query or {"match_all": {}},
                size=0,
                aggregations={"values": {"composite": composite}},
            )
            values = answer.get("aggregations", {}).get("values", {})
            found += [
                (tuple(bucket["key"][field] for field in fields), bucket["doc_count"])
                for bucket in values.get("buckets", [])
            ]
            after = values.get("after_key")
            if not after:
                return found

    async def _get(self, index: str, ids: Sequence[str], fields: Fields) -> list[Document | None]:
        found: list[Document | None] = []
        for some in _slices(ids, _HITS_AT_ONCE):
            found += await self.cluster.get_many([(index, one, fields) for one in some])
        return found


_UNIQUE = frozenset({"seq", "id"})
"""Fields that no two documents share; of name and scope no two characters do."""


def _is(field: str, value: object) -> Query:
    return {"term": {field: {"value": value}}}


def _all_of(*queries: Query) -> Query:
    return {"bool": {"filter": [*queries]}}


def _contains(key: str) -> Query:
    """A part of a name, an alias or the series."""
    escaped = "".join(f"\\{c}" if c in "*?\\" else c for c in key)
    wildcards = [{"wildcard": {field: {"value": f"*{escaped}*"}}} for field in ("keys", "series_key")]
    return {"bool": {"should": wildcards, "minimum_should_match": 1}}


def _as_source(fields: Fields) -> bool | list[str]:
    return fields if isinstance(fields, bool) else [*fields]


def _slices(values: Iterable[Any], size: int) -> Iterable[list[Any]]:
    listed = list(values)
    return (listed[start : start + size] for start in range(0, len(listed), size))
