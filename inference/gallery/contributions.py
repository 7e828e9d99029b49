"""Who has contributed what, read from the signatures of faces and of lines of the audit log."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from inference.domain import SampleId, Scope
from inference.gallery.base import Contributions

_IDENTITY = re.compile(r"\(([a-z]+:[^()\s]+)\)\Z")


def contributor_of(signature: str) -> str:
    """Whom a signature stands for, whatever they called themselves: "discord:7" of "Oreki (discord:7)".

    A signature without such an end, like "cli", stands for itself.
    """
    # Only what stands last counts: a name may hold anything, also somebody else's identity.
    found = _IDENTITY.search(signature)
    return found[1] if found else signature


@dataclass(slots=True)
class Tally:
    """Counts up what one contributor has given to one scope."""

    signatures: set[str] = field(default_factory=set)
    samples: int = 0
    negatives: int = 0
    removed: int = 0
    changes: int = 0


def list_contributions(
    connection: sqlite3.Connection, contributor: str | None, scope: Scope | None
) -> tuple[Contributions, ...]:
    """Of everybody everywhere, or of one, or in one scope; by contributor, then by scope."""
    tallies: dict[tuple[str, Scope], Tally] = {}
    # Signatures that may be theirs are chosen here, among hundreds of thousands; which are is decided below.
    maybe = "(:who IS NULL OR {0} = :who OR substr({0}, -length(:who) - 2) = '(' || :who || ')')"
    for where, signature, what, count in connection.execute(
        f"""SELECT c.scope, f.added_by, iif(f.negative, 'negatives', 'samples') what, count(*)
            FROM faces f CROSS JOIN characters c ON c.seq = f.character
            WHERE {maybe.format("f.added_by")} GROUP BY c.scope, f.added_by, what
            UNION ALL SELECT a.scope, f.added_by, 'removed', count(*)
            FROM faces f JOIN audit a ON a.id = f.removed_by
            WHERE {maybe.format("f.added_by")} GROUP BY a.scope, f.added_by
            UNION ALL SELECT scope, actor, 'changes', count(*) FROM audit
            WHERE {maybe.format("actor")} GROUP BY scope, actor""",
        {"who": contributor},
    ):
        who = contributor_of(signature)
        if signature and contributor in (None, who) and scope in (None, where):
            tally = tallies.setdefault((who, Scope(where)), Tally())
            tally.signatures.add(signature)
            setattr(tally, what, getattr(tally, what) + count)
    return tuple(
        Contributions(
            who,
            where,
            tuple(sorted(tally.signatures)),
            samples=tally.samples,
            negatives=tally.negatives,
            removed=tally.removed,
            changes=tally.changes,
        )
        for (who, where), tally in sorted(tallies.items(), key=lambda one: one[0])
    )


def signed_faces(
    connection: sqlite3.Connection, scope: Scope, signatures: Sequence[str]
) -> tuple[SampleId, ...]:
    """Samples and negatives of the scope that were added by one of these, also removed ones that are kept."""
    rows = connection.execute(
        """SELECT f.id FROM faces f LEFT JOIN characters c ON c.seq = f.character
           LEFT JOIN audit a ON a.id = f.removed_by
           WHERE f.added_by IN (SELECT value FROM json_each(?)) AND ? IN (c.scope, a.scope) ORDER BY f.seq""",
        (json.dumps(signatures), scope),
    )
    return tuple(SampleId(row[0]) for row in rows)
