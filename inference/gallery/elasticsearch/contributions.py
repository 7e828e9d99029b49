"""Who has contributed what to a gallery in Elasticsearch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from inference.domain import SampleId, Scope
from inference.gallery.base import Contributions
from inference.gallery.contributions import Counted, tally_up
from inference.gallery.elasticsearch.queries import Queries

_OWNED: Mapping[str, object] = {"exists": {"field": "character"}}
_REMOVED: Mapping[str, object] = {"bool": {"must_not": [_OWNED]}}


async def list_contributions(
    queries: Queries, contributor: str | None, scope: Scope | None
) -> tuple[Contributions, ...]:
    """Of everybody everywhere, or of one, or in one scope; by contributor, then by scope."""
    counted: list[Counted] = []
    for (where, who, negative), count in await queries.counts(
        queries.faces_index, ("scope", "added_by", "negative"), _OWNED
    ):
        counted.append((Scope(where), who, "negatives" if negative else "samples", count))
    removed = Counter((where, who) for _, who, where in await _removed_faces(queries))
    counted += [(where, who, "removed", count) for (where, who), count in removed.items()]
    for (where, who), count in await queries.counts(queries.names.audit, ("scope", "actor"), None):
        counted.append((Scope(where), who, "changes", count))
    return tally_up(counted, contributor, scope)


async def signed_faces(queries: Queries, scope: Scope, signatures: Sequence[str]) -> tuple[SampleId, ...]:
    """Samples and negatives of the scope that were added by one of these, also removed ones that are kept."""
    query = {"bool": {"filter": [{"term": {"scope": scope}}, {"terms": {"added_by": [*signatures]}}]}}
    there = [SampleId(hit["_id"]) async for hit in queries.every_face(query, False)]
    removed = await _removed_faces(queries)
    return (*there, *(face for face, who, where in removed if where == scope and who in signatures))


async def _removed_faces(queries: Queries) -> list[tuple[SampleId, str, Scope]]:
    """Each with its signature, and the scope of the line of the audit log that removed it."""
    found = [
        (SampleId(hit["_id"]), str(hit["_source"]["added_by"]), hit["_source"]["removed_by"])
        async for hit in queries.every_face(_REMOVED, ["added_by", "removed_by"])
    ]
    entries = {one: await queries.entry(one) for one in {entry for _, _, entry in found}}
    return [(face, who, entry.scope) for face, who, one in found if (entry := entries[one])]
