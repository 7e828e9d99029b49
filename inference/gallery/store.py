"""The gallery's rows: what is read from and written to its tables, inside a transaction of the caller."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.domain import (
    Character,
    CharacterId,
    Embedding,
    EmbeddingContract,
    FaceBox,
    FaceCrop,
    Sample,
    SampleId,
    Scope,
)
from inference.errors import CharacterExistsError, CharacterNotFoundError, SampleNotFoundError
from inference.gallery.audit import AuditLog, Clock, utc_now
from inference.gallery.base import Contributions, NewSample
from inference.gallery.contributions import list_contributions, signed_faces
from inference.gallery.names import distinct_names, name_key, suggest_names

VECTOR_TYPE = np.dtype("<f4")
_UNIT_TOLERANCE = 1e-3  # half-precision embedders normalise to about 1e-4


class Store:
    """The tables through one connection."""

    def __init__(self, connection: sqlite3.Connection, *, undo_days: int = 0, clock: Clock = utc_now) -> None:
        self.connection = connection
        self.log = AuditLog(connection, undo_days=undo_days, clock=clock)
        self._clock = clock

    # ── contracts ───────────────────────────────────────────────────────────────────────────────

    def active_contract(self) -> EmbeddingContract | None:
        row = self._one("SELECT model, digest, dimension, preprocessing FROM contracts WHERE active = 1")
        return EmbeddingContract(*row) if row else None

    def contract_seq(self, contract: EmbeddingContract) -> int:
        """Its key in this file; it is added (not active) when it is new."""
        row = self._one("SELECT seq FROM contracts WHERE id = ?", contract.id)
        if row:
            return int(row[0])
        return self._insert(
            "contracts(id, model, digest, dimension, preprocessing, active)",
            contract.id,
            contract.model,
            contract.digest,
            contract.dimension,
            contract.preprocessing,
            0,
        )

    def activate(self, contract: EmbeddingContract) -> None:
        """Make it the one that counts. The embeddings of the one before stay, so that going back is quick."""
        before = self._one("SELECT seq FROM contracts WHERE active = 1")
        seq = self.contract_seq(contract)
        self.connection.execute("UPDATE contracts SET active = 0 WHERE active = 1")
        self.connection.execute("UPDATE contracts SET active = 1 WHERE seq = ?", (seq,))
        kept = json.dumps([seq, before[0] if before else seq])
        for table, column in (("embeddings", "contract"), ("contracts", "seq")):
            self.connection.execute(
                f"DELETE FROM {table} WHERE {column} NOT IN (SELECT value FROM json_each(?))", (kept,)
            )

    # ── characters and names ────────────────────────────────────────────────────────────────────

    def find(self, scopes: Sequence[Scope], name_or_id: str) -> int | None:
        """The character of that id, else of that name or alias in the first scope that has it."""
        row = self._one("SELECT seq, scope FROM characters WHERE id = ?", name_or_id)
        if row and row[1] in scopes:
            return int(row[0])
        for scope in scopes:
            seq = self.find_name(scope, name_or_id)
            if seq is not None:
                return seq
        return None

    def find_name(self, scope: Scope, name: str) -> int | None:
        row = self._one("SELECT character FROM names WHERE scope = ? AND key = ?", scope, name_key(name))
        return int(row[0]) if row else None

    def require(self, scopes: Sequence[Scope], name_or_id: str) -> int:
        """Like `find()`; raises CharacterNotFoundError with suggestions."""
        seq = self.find(scopes, name_or_id)
        if seq is None:
            known = self.connection.execute(
                "SELECT spelling FROM names WHERE scope IN (SELECT value FROM json_each(?))",
                (json.dumps(scopes),),
            )
            suggestions = suggest_names(name_or_id, (row[0] for row in known))
            raise CharacterNotFoundError(name=name_or_id[:100], suggestions=suggestions)
        return seq

    def list_characters(
        self, scopes: Sequence[Scope], query: str, offset: int, limit: int | None
    ) -> list[int]:
        """By name, then in the order of the scopes."""
        rows = self.connection.execute(
            """SELECT c.seq FROM json_each(:scopes) s
               JOIN characters c ON c.scope = s.value
               JOIN names own ON own.character = c.seq AND own.position = 0
               WHERE :key = '' OR instr(c.series_key, :key) OR EXISTS(
                   SELECT 1 FROM names n WHERE n.character = c.seq AND instr(n.key, :key))
               ORDER BY own.key, s.key LIMIT :limit OFFSET :offset""",
            {
                "scopes": json.dumps(list(dict.fromkeys(scopes))),
                "key": name_key(query),
                "limit": -1 if limit is None else limit,
                "offset": offset,
            },
        )
        return [row[0] for row in rows]

    def characters(self, seqs: Sequence[int]) -> list[Character]:
        """In the given order."""
        given = json.dumps(seqs)
        among = "IN (SELECT value FROM json_each(?))"
        names: dict[int, list[str]] = {}
        for seq, spelling in self.connection.execute(
            f"SELECT character, spelling FROM names WHERE character {among} ORDER BY character, position",
            (given,),
        ):
            names.setdefault(seq, []).append(spelling)
        counts = dict(
            self.connection.execute(
                f"""SELECT character, count(*) FROM faces WHERE character {among} AND negative = 0
                    GROUP BY character""",
                (given,),
            )
        )
        found = {
            seq: Character(
                CharacterId(character_id),
                Scope(scope),
                # A character without a name is damage that `verify` reports; it must not stop the start.
                name=names.get(seq, [character_id])[0],
                series=series,
                aliases=tuple(names.get(seq, ())[1:]),
                sample_count=counts.get(seq, 0),
            )
            for seq, character_id, scope, series in self.connection.execute(
                f"SELECT seq, id, scope, series FROM characters WHERE seq {among}", (given,)
            )
        }
        return [found[seq] for seq in seqs]

    def character(self, seq: int) -> Character:
        return self.characters([seq])[0]

    def add_character(self, scope: Scope, name: str, character_id: CharacterId | None = None) -> int:
        seq = self._insert(
            "characters(id, scope, series, series_key)", character_id or new_id(), scope, "", ""
        )
        self.set_names(seq, [name])
        return seq

    def set_series(self, seq: int, series: str) -> None:
        self.connection.execute(
            "UPDATE characters SET series = ?, series_key = ? WHERE seq = ?", (series, name_key(series), seq)
        )

    def set_names(self, seq: int, spellings: Sequence[str]) -> None:
        """The first is the name, the others are aliases. Raises CharacterExistsError."""
        (scope,) = self.connection.execute("SELECT scope FROM characters WHERE seq = ?", (seq,)).fetchone()
        for spelling in spellings:
            owner = self.find_name(scope, spelling)
            if owner not in (None, seq):
                raise CharacterExistsError(name=spelling, existing=self.character(owner).name)
        self.release_names(seq)
        for position, spelling in enumerate(distinct_names(spellings)):
            self._insert(
                "names(scope, key, spelling, position, character)",
                scope,
                name_key(spelling),
                spelling,
                position,
                seq,
            )

    def release_names(self, seq: int) -> None:
        """Until `set_names()` the character has none, so another can take them."""
        self.connection.execute("DELETE FROM names WHERE character = ?", (seq,))

    def character_seq(self, character_id: CharacterId) -> int | None:
        row = self._one("SELECT seq FROM characters WHERE id = ?", character_id)
        return int(row[0]) if row else None

    def scope_characters(self, scope: Scope) -> list[int]:
        return [
            row[0] for row in self.connection.execute("SELECT seq FROM characters WHERE scope = ?", (scope,))
        ]

    def remove_character(self, seq: int) -> None:
        self.connection.execute("DELETE FROM characters WHERE seq = ?", (seq,))

    # ── faces ───────────────────────────────────────────────────────────────────────────────────

    def add_face(
        self,
        character: int,
        face: NewSample,
        contract: EmbeddingContract,
        *,
        negative: bool = False,
        sample_id: SampleId | None = None,
        at: datetime | None = None,
    ) -> Sample:
        check_embedding(face.embedding, contract)
        (character_id,) = self.connection.execute(
            "SELECT id FROM characters WHERE seq = ?", (character,)
        ).fetchone()
        sample = Sample(
            sample_id or SampleId(new_id()),
            CharacterId(character_id),
            added_by=face.added_by,
            added_at=at or self._clock(),
            source=face.source,
        )
        seq = self._insert(
            "faces(id, character, negative, content_hash, perceptual_hash, added_by, added_at, source)",
            sample.id,
            character,
            int(negative),
            face.content_hash,
            signed_hash(face.perceptual_hash),
            sample.added_by,
            sample.added_at.isoformat(),
            sample.source,
        )
        self._insert("crops(face, data, x1, y1, x2, y2)", seq, face.crop.data, *face.crop.box.xyxy)
        self.add_embedding(seq, self.contract_seq(contract), face.embedding)
        return sample

    def add_embedding(self, face: int, contract: int, vector: NDArray[np.float32]) -> None:
        """Replaces an older one; does nothing when the face is gone meanwhile."""
        self.connection.execute(
            """INSERT OR REPLACE INTO embeddings(face, contract, vector)
               SELECT seq, ?, ? FROM faces WHERE seq = ?""",
            (contract, vector.astype(VECTOR_TYPE).tobytes(), face),
        )

    def add_embeddings(self, faces: Sequence[int], contract: int, vectors: NDArray[np.float32]) -> int:
        """Returns how many there were."""
        for face, vector in zip(faces, vectors, strict=True):
            self.add_embedding(face, contract, vector)
        return len(faces)

    def find_content(
        self, scope: Scope, content_hash: str, *, negative_of: int | None = None
    ) -> tuple[int, SampleId] | None:
        """The sample (or the negative of that character) with the same pixels: its character and its id."""
        row = self._one(
            """SELECT f.character, f.id FROM faces f JOIN characters c ON c.seq = f.character
               WHERE f.content_hash = ? AND c.scope = ? AND f.negative = ? AND ? IN (f.character, -1)""",
            content_hash,
            scope,
            int(negative_of is not None),
            -1 if negative_of is None else negative_of,
        )
        return (int(row[0]), SampleId(row[1])) if row else None

    def samples(self, scopes: Sequence[Scope], character_id: CharacterId) -> tuple[Sample, ...]:
        """Oldest first."""
        rows = self.connection.execute(
            """SELECT f.id, f.added_by, f.added_at, f.source
               FROM faces f JOIN characters c ON c.seq = f.character
               WHERE c.id = ? AND c.scope IN (SELECT value FROM json_each(?)) AND f.negative = 0
               ORDER BY f.added_at, f.seq""",
            (character_id, json.dumps(scopes)),
        )
        return tuple(
            Sample(SampleId(row[0]), character_id, row[1], datetime.fromisoformat(row[2]), row[3])
            for row in rows
        )

    def crop(self, scopes: Sequence[Scope], sample_id: SampleId) -> FaceCrop:
        """Raises SampleNotFoundError."""
        row = self._one(
            """SELECT k.data, k.x1, k.y1, k.x2, k.y2
               FROM faces f JOIN characters c ON c.seq = f.character JOIN crops k ON k.face = f.seq
               WHERE f.id = ? AND c.scope IN (SELECT value FROM json_each(?))""",
            sample_id,
            json.dumps(scopes),
        )
        if not row:
            raise SampleNotFoundError(sample_id=sample_id)
        return FaceCrop(row[0], FaceBox(*row[1:]))

    def crops(self, faces: Sequence[int]) -> list[FaceCrop]:
        """In the given order; all must be there."""
        found = {
            row[0]: FaceCrop(row[1], FaceBox(*row[2:]))
            for row in self.connection.execute(
                """SELECT face, data, x1, y1, x2, y2 FROM crops
                   WHERE face IN (SELECT value FROM json_each(?))""",
                (json.dumps(faces),),
            )
        }
        return [found[face] for face in faces]

    def scope_of_face(self, sample_id: SampleId) -> Scope | None:
        """None when there is no such face, or it was removed."""
        row = self._one(
            "SELECT c.scope FROM faces f JOIN characters c ON c.seq = f.character WHERE f.id = ?", sample_id
        )
        return Scope(row[0]) if row else None

    def is_face_id_free(self, sample_id: SampleId) -> bool:
        """False also when a removed face that is still kept has it."""
        return self._one("SELECT 1 FROM faces WHERE id = ?", sample_id) is None

    def owners(self, faces: Sequence[SampleId]) -> dict[SampleId, CharacterId | None]:
        """Whose they are: None when they were removed; those that are gone are missing."""
        rows = self.connection.execute(
            """SELECT f.id, c.id FROM faces f LEFT JOIN characters c ON c.seq = f.character
               WHERE f.id IN (SELECT value FROM json_each(?))""",
            (json.dumps(faces),),
        )
        return {SampleId(row[0]): row[1] for row in rows}

    def face_ids(self, character: int) -> tuple[SampleId, ...]:
        """Her samples and negatives."""
        rows = self.connection.execute("SELECT id FROM faces WHERE character = ? ORDER BY seq", (character,))
        return tuple(SampleId(row[0]) for row in rows)

    def sample_owner(self, scope: Scope, sample_id: SampleId) -> int:
        """Its character. Raises SampleNotFoundError."""
        row = self._one(
            """SELECT c.seq FROM faces f JOIN characters c ON c.seq = f.character
               WHERE f.id = ? AND f.negative = 0 AND c.scope = ?""",
            sample_id,
            scope,
        )
        if not row:
            raise SampleNotFoundError(sample_id=sample_id)
        return int(row[0])

    def content_hashes(self, faces: Sequence[SampleId]) -> list[str]:
        """Of their pixels, in any order."""
        rows = self.connection.execute(
            "SELECT content_hash FROM faces WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(faces),),
        )
        return [row[0] for row in rows]

    def negatives_among(self, character: int, content_hashes: Sequence[str]) -> tuple[SampleId, ...]:
        """Those of her negatives that have one of these pixels."""
        rows = self.connection.execute(
            """SELECT id FROM faces WHERE character = ? AND negative = 1
               AND content_hash IN (SELECT value FROM json_each(?)) ORDER BY seq""",
            (character, json.dumps(content_hashes)),
        )
        return tuple(SampleId(row[0]) for row in rows)

    def exported_faces(self, scopes: Sequence[Scope], contract: EmbeddingContract) -> Iterator[Any]:
        """Every whole face of the scopes: its id, its character's id, its columns, its box and its crop."""
        return self._whole_faces(
            """f.id, c.id, f.negative, f.content_hash, f.perceptual_hash, f.added_by, f.added_at, f.source,
               k.x1, k.y1, k.x2, k.y2, k.data""",
            scopes,
            contract,
        )

    def exported_vectors(self, scopes: Sequence[Scope], contract: EmbeddingContract) -> Iterator[bytes]:
        """The embeddings of the same faces in the same order."""
        return (row[0] for row in self._whole_faces("e.vector", scopes, contract))

    def _whole_faces(
        self, columns: str, scopes: Sequence[Scope], contract: EmbeddingContract
    ) -> Iterator[Any]:
        # CROSS JOIN: faces outermost, so that they come in order without sorting their crops.
        return self.connection.execute(
            f"""SELECT {columns} FROM faces f CROSS JOIN characters c ON c.seq = f.character
                JOIN crops k ON k.face = f.seq JOIN embeddings e ON e.face = f.seq
                WHERE c.scope IN (SELECT value FROM json_each(?)) AND length(e.vector) = ?
                AND e.contract = (SELECT seq FROM contracts WHERE id = ?) ORDER BY f.seq""",
            (json.dumps(scopes), contract.dimension * VECTOR_TYPE.itemsize, contract.id),
        )

    def enrolled_again(self, scope: Scope, faces: Sequence[SampleId]) -> int | None:
        """A character of the scope who has a sample with the pixels of one of these samples."""
        row = self._one(
            """SELECT f.character FROM faces old JOIN faces f ON f.content_hash = old.content_hash
               JOIN characters c ON c.seq = f.character
               WHERE old.id IN (SELECT value FROM json_each(?)) AND old.negative = 0 AND f.negative = 0
               AND c.scope = ?""",
            json.dumps(faces),
            scope,
        )
        return int(row[0]) if row else None

    def give_faces(self, faces: Sequence[SampleId], character: int) -> None:
        """They are hers from now on."""
        self._set_owner(faces, character, None)

    def remove_faces(self, faces: Sequence[SampleId], entry: int) -> None:
        """They are nobody's, and kept for as long as that line of the audit log can be taken back."""
        self._set_owner(faces, None, entry)

    def contributions(
        self, contributor: str | None = None, scope: Scope | None = None
    ) -> tuple[Contributions, ...]:
        """Of everybody everywhere, or of one, or in one scope; by contributor, then by scope."""
        return list_contributions(self.connection, contributor, scope)

    def signed_faces(self, scope: Scope, signatures: Sequence[str]) -> tuple[SampleId, ...]:
        """Samples and negatives that were added by one of these, also removed ones that are kept."""
        return signed_faces(self.connection, scope, signatures)

    def erase_faces(self, faces: Sequence[SampleId]) -> None:
        """They are gone for good, with crops and embeddings, whosever they are."""
        self.connection.execute(
            "DELETE FROM faces WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(faces),)
        )

    def _set_owner(self, faces: Sequence[SampleId], character: int | None, removed_by: int | None) -> None:
        self.connection.execute(
            """UPDATE faces SET character = ?, removed_by = ?
               WHERE id IN (SELECT value FROM json_each(?))""",
            (character, removed_by, json.dumps(faces)),
        )

    def without_embedding(self, contract: int, *, after: int, limit: int) -> list[tuple[int, FaceCrop]]:
        """Faces (samples, negatives and what is kept of both) with a crop but no such embedding, by key."""
        rows = self.connection.execute(
            """SELECT k.face, k.data, k.x1, k.y1, k.x2, k.y2 FROM crops k
               WHERE k.face > ? AND NOT EXISTS(
                   SELECT 1 FROM embeddings e WHERE e.face = k.face AND e.contract = ?)
               ORDER BY k.face LIMIT ?""",
            (after, contract, limit),
        )
        return [(row[0], FaceCrop(row[1], FaceBox(*row[2:]))) for row in rows]

    # ── everything ──────────────────────────────────────────────────────────────────────────────

    def scopes(self) -> tuple[Scope, ...]:
        rows = self.connection.execute("SELECT DISTINCT scope FROM characters ORDER BY scope")
        return tuple(Scope(row[0]) for row in rows)

    def count_characters(self) -> int:
        return int(self._one("SELECT count(*) FROM characters")[0])

    def count_faces(self, *, negative: bool) -> int:
        return int(
            self._one(
                "SELECT count(*) FROM faces WHERE negative = ? AND character IS NOT NULL", int(negative)
            )[0]
        )

    def count_embedded(self, contract: int) -> tuple[int, int]:
        """Faces with a crop: how many have an embedding under the contract, and how many there are."""
        embedded, crops = self._one(
            """SELECT count(e.seq), count(*) FROM crops k
               LEFT JOIN embeddings e ON e.face = k.face AND e.contract = ?""",
            contract,
        )
        return int(embedded), int(crops)

    def _one(self, query: str, *values: object) -> Any:
        return self.connection.execute(query, values).fetchone()

    def _insert(self, table_and_columns: str, *values: object) -> int:
        places = ", ".join("?" * len(values))
        cursor = self.connection.execute(f"INSERT INTO {table_and_columns} VALUES ({places})", values)
        return cursor.lastrowid or 0


def new_id() -> str:
    """For a character or a face; never given before."""
    return secrets.token_hex(8)


def check_embedding(vector: Embedding, contract: EmbeddingContract) -> None:
    """Raises ValueError when it cannot have been made under the contract."""
    if vector.shape != (contract.dimension,) or not bool(usable_rows(vector[np.newaxis])[0]):
        raise ValueError(f"expected a unit vector of {contract.dimension}, got shape {vector.shape}")


def usable_rows(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which rows are finite and of unit length."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    usable: NDArray[np.bool_] = np.abs(lengths - 1.0) <= _UNIT_TOLERANCE
    return usable


def signed_hash(value: int) -> int:
    """A 64-bit hash as SQLite's signed integer."""
    return value - (1 << 64) if value >= 1 << 63 else value


def unsigned_hash(value: int) -> int:
    return value % (1 << 64)
