"""What can be wrong with a gallery's file, and what of it can be mended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.domain import EmbeddingContract, FaceCrop, Scope, as_embeddings
from inference.errors import CharacterExistsError, UserError
from inference.gallery.base import Reembed
from inference.gallery.names import name_key
from inference.gallery.projection import Projection, ScopeView
from inference.gallery.store import VECTOR_TYPE, Store, usable_rows

_CROPS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Problem:
    """`kind` is one of `Finding.kind`."""

    kind: str
    subject: str
    detail: str = ""
    seq: int = 0
    """Key of the face or character it is about."""


def inspect(store: Store, contract: EmbeddingContract) -> tuple[Problem, ...]:
    """Everything that is wrong with the rows, as seen under the contract."""
    return (
        *_damage(store),
        *_orphans(store),
        *_crops(store),
        *_embeddings(store, contract),
        *_names(store),
        *_empty_characters(store),
    )


async def embed_again(
    problems: Sequence[Problem],
    reembed: Reembed | None,
    contract: EmbeddingContract,
    crops_of: Callable[[Sequence[int]], Awaitable[Sequence[FaceCrop]]],
) -> dict[Problem, NDArray[np.float32]]:
    """New embeddings for the faces that lack a usable one and have a usable crop."""
    hopeless = {p.seq for p in problems if p.kind in ("missing_crop", "unreadable_crop")}
    wanted = [
        p for p in problems if p.kind in ("missing_embedding", "bad_embedding") and p.seq not in hopeless
    ]
    made: dict[Problem, NDArray[np.float32]] = {}
    if reembed:
        for start in range(0, len(wanted), _CROPS_AT_ONCE):
            some = wanted[start : start + _CROPS_AT_ONCE]
            rows = await reembed(await crops_of([problem.seq for problem in some]))
            made.update(zip(some, as_embeddings(rows, contract.dimension), strict=True))
    return made


def mend(
    store: Store,
    problems: Sequence[Problem],
    vectors: Mapping[Problem, NDArray[np.float32]],
    contract: EmbeddingContract,
) -> frozenset[Problem]:
    """Mends what it can, in the caller's transaction; returns what it has mended."""
    kinds = {problem.kind for problem in problems}
    mended: set[Problem] = set()
    if "damaged_file" in kinds:
        store.connection.execute("REINDEX")
        if not any(_damage(store)):
            mended.update(p for p in problems if p.kind == "damaged_file")
    if "orphan" in kinds:
        while orphans := store.connection.execute("PRAGMA foreign_key_check").fetchall():
            for table, rowid, _, _ in orphans:
                store.connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (rowid,))
        mended.update(p for p in problems if p.kind == "orphan")
    mended.update(p for p in problems if p.kind == "name_disagreement" and _named_again(store, p.seq))
    for problem, vector in vectors.items():
        store.add_embedding(problem.seq, store.contract_seq(contract), vector)
        mended.add(problem)
    if mended:
        store.log.add(
            Scope(""), "", "repair", kinds=sorted({problem.kind for problem in mended}), count=len(mended)
        )
    return frozenset(mended)


def different_scopes(projection: Projection, truth: Projection) -> tuple[Scope, ...]:
    """The scopes in which the projection would not answer as the truth."""
    scopes = sorted({*projection.views, *truth.views})
    return tuple(scope for scope in scopes if not _same_view(projection.view(scope), truth.view(scope)))


def _damage(store: Store) -> Iterator[Problem]:
    for (message,) in store.connection.execute("PRAGMA integrity_check"):
        if message != "ok":
            yield Problem("damaged_file", "database", message)


def _orphans(store: Store) -> Iterator[Problem]:
    for table, rowid, parent, _ in store.connection.execute("PRAGMA foreign_key_check"):
        yield Problem("orphan", f"{table} {rowid}", f"its row in {parent} is gone")


def _crops(store: Store) -> Iterator[Problem]:
    from inference.embedding.align import align_kept  # noqa: PLC0415 - brings OpenCV, which opening never needs

    rows = store.connection.execute(
        """SELECT f.seq, f.id FROM faces f LEFT JOIN crops k ON k.face = f.seq
           WHERE k.face IS NULL AND f.character IS NOT NULL"""
    )
    for seq, face_id in rows:
        yield Problem("missing_crop", face_id, seq=seq)
    for seq, face_id in store.connection.execute(
        """SELECT f.seq, f.id FROM faces f JOIN crops k ON k.face = f.seq
           WHERE f.character IS NOT NULL ORDER BY f.seq"""
    ):
        try:
            align_kept(store.crops([seq])[0], margin=1.0, side=16)
        except (UserError, ValueError) as error:
            yield Problem("unreadable_crop", face_id, str(error), seq)


def _embeddings(store: Store, contract: EmbeddingContract) -> Iterator[Problem]:
    rows = store.connection.execute(
        """SELECT f.seq, f.id, e.vector FROM faces f LEFT JOIN embeddings e ON e.face = f.seq
           AND e.contract = (SELECT seq FROM contracts WHERE id = ?)
           WHERE f.character IS NOT NULL""",
        (contract.id,),
    )
    size = contract.dimension * VECTOR_TYPE.itemsize
    for seq, face_id, blob in rows:
        if blob is None:
            yield Problem("missing_embedding", face_id, seq=seq)
        elif len(blob) != size:
            yield Problem("bad_embedding", face_id, f"{len(blob)} bytes instead of {size}", seq)
        elif not usable_rows(np.frombuffer(blob, VECTOR_TYPE)[np.newaxis])[0]:
            yield Problem("bad_embedding", face_id, "not of unit length", seq)


def _names(store: Store) -> Iterator[Problem]:
    for seq, character_id, series, series_key in store.connection.execute(
        "SELECT seq, id, series, series_key FROM characters"
    ).fetchall():
        rows = store.connection.execute(
            """SELECT n.key, n.spelling, n.position, n.scope = c.scope
               FROM names n JOIN characters c ON c.seq = n.character WHERE c.seq = ? ORDER BY n.position""",
            (seq,),
        ).fetchall()
        if [row[2] for row in rows[:1]] != [0]:
            yield Problem("name_disagreement", character_id, "it has no name", seq)
        elif series_key != name_key(series) or any(
            key != name_key(spelling) or not same_scope for key, spelling, _, same_scope in rows
        ):
            yield Problem("name_disagreement", character_id, "its names are filed wrongly", seq)


def _named_again(store: Store, seq: int) -> bool:
    """False when somebody else has one of its names."""
    character = store.character(seq)
    try:
        store.set_names(seq, [character.name, *character.aliases])
    except CharacterExistsError:
        return False
    store.set_series(seq, character.series)
    return True


def _empty_characters(store: Store) -> Iterator[Problem]:
    for (character_id,) in store.connection.execute(
        """SELECT id FROM characters c WHERE NOT EXISTS(
               SELECT 1 FROM faces f WHERE f.character = c.seq AND f.negative = 0)"""
    ):
        yield Problem("empty_character", character_id)


def _same_view(one: ScopeView, other: ScopeView) -> bool:
    rows, others = one.rows(), other.rows()
    if rows.keys() != others.keys():
        return False
    here, there = list(rows.values()), [others[sample_id] for sample_id in rows]
    return (
        {c for c in one.characters if c} == {c for c in other.characters if c}
        and [one.characters[slot] for slot in one.owners[here]]
        == [other.characters[slot] for slot in other.owners[there]]
        and np.array_equal(one.hashes[here], other.hashes[there])
        and _same_vectors(one, here, other, there)
        and _negatives(one) == _negatives(other)
    )


def _negatives(view: ScopeView) -> dict[object, list[bytes]]:
    return {
        view.characters[slot]: sorted(row.tobytes() for row in rows) for slot, rows in view.negatives.items()
    }


def _same_vectors(one: ScopeView, here: list[int], other: ScopeView, there: list[int]) -> bool:
    """Of those rows that are in memory in both: the others are the file's own."""
    pairs = np.array([here, there], np.intp).reshape(2, -1) - [[one.stored_count], [other.stored_count]]
    ours, theirs = pairs[:, (pairs >= 0).all(axis=0)]
    return np.array_equal(one.vectors[ours], other.vectors[theirs])
