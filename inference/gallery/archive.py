"""The portable archive of a gallery: written whole or not at all, believed only after everything was checked.

A zip of five members, stored without compression: so no member can be larger than the file itself, and
nothing is ever unpacked to a path that the archive names.
    manifest.json     format, version, contract, counts, sha256 of the other members
    characters.jsonl  id, scope, name, series, aliases
    samples.jsonl     one face a line: a sample of its character, or a negative
    crops.bin         the crops of these lines, one after the other
    vectors.npy       the embeddings of these lines, float32
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from inference.domain import (
    Character,
    CharacterId,
    Embedding,
    EmbeddingContract,
    FaceBox,
    FaceCrop,
    SampleId,
    Scope,
)
from inference.errors import (
    AppError,
    ArchiveInvalidError,
    ContractMismatchError,
    FileUnreadableError,
    FileUnwritableError,
)
from inference.gallery.base import NewSample, Report
from inference.gallery.names import clean_name, clean_series, name_key
from inference.gallery.records import ArchiveSource, Records
from inference.gallery.store import VECTOR_TYPE, signed_hash, unsigned_hash, usable_rows

_FORMAT = "dareda-gallery"
_VERSION = 1
_CHARACTERS, _SAMPLES, _CROPS, _VECTORS = "characters.jsonl", "samples.jsonl", "crops.bin", "vectors.npy"
_MANIFEST = "manifest.json"
_MAX_MANIFEST_BYTES = 64 * 1024
_MAX_CROP_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ArchivedCharacter:
    id: CharacterId
    scope: Scope
    name: str
    series: str
    aliases: tuple[str, ...]

    @classmethod
    def of(cls, character: Character) -> ArchivedCharacter:
        return cls(character.id, character.scope, character.name, character.series, character.aliases)


@dataclass(frozen=True, slots=True)
class ArchivedFace:
    """One line of samples.jsonl; its crop is the next `crop_bytes` of crops.bin."""

    id: SampleId
    character: CharacterId
    negative: bool
    content_hash: str
    perceptual_hash: int
    added_by: str
    added_at: datetime
    source: str
    box: FaceBox
    crop_bytes: int

    def enrolled_as(self, crop: bytes, embedding: Embedding) -> NewSample:
        """What enrolls the face as it was."""
        return NewSample(
            FaceCrop(crop, self.box),
            embedding,
            self.content_hash,
            self.perceptual_hash,
            self.added_by,
            self.source,
        )


@dataclass(frozen=True, slots=True)
class Archive:
    """A checked archive; usable until its members are closed."""

    characters: tuple[ArchivedCharacter, ...]
    faces: tuple[ArchivedFace, ...]
    vectors: NDArray[np.float32]
    members: zipfile.ZipFile

    def samples(self) -> Iterator[tuple[ArchivedFace, NewSample]]:
        """Every face with what enrolls it."""
        with self.members.open(_CROPS) as crops:
            for face, vector in zip(self.faces, self.vectors, strict=True):
                yield face, face.enrolled_as(crops.read(face.crop_bytes), Embedding(vector))


def write(
    path: Path,
    store: ArchiveSource,
    contract: EmbeddingContract,
    scopes: Sequence[Scope] | None,
    *,
    report: Report | None = None,
) -> int:
    """Write the archive of these scopes (of all by default); returns how many samples it holds.

    The share that is reported is that of samples whose crops are written; little comes after them. Faces
    without crop or embedding are left out: `verify` tells about those. Raises FileUnwritableError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as members:
                samples = _write_members(members, store, contract, scopes, report)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise FileUnwritableError(path=str(path), reason=str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)
    return samples


def read(path: Path, contract: EmbeddingContract) -> Archive:
    """The archive at that path, everything in it checked; the caller closes its members.

    Raises FileUnreadableError, ArchiveInvalidError, ContractMismatchError.
    """
    try:
        members = zipfile.ZipFile(path)
    except OSError as error:
        raise FileUnreadableError(path=str(path), reason=str(error)) from error
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise ArchiveInvalidError(path=str(path), reason="it is not a zip file") from error
    with ExitStack() as undo:
        undo.enter_context(members)
        try:
            archive = _read_members(members, path.stat().st_size, contract)
        except _InvalidError as error:
            raise ArchiveInvalidError(path=str(path), reason=str(error)) from error
        except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise ArchiveInvalidError(path=str(path), reason="it is damaged") from error
        undo.pop_all()
        return archive


class Content(Protocol):
    """Characters and faces of theirs."""

    @property
    def characters(self) -> tuple[ArchivedCharacter, ...]: ...

    def samples(self) -> Iterator[tuple[ArchivedFace, NewSample]]: ...


@dataclass(frozen=True, slots=True)
class Added:
    """What `add()` did."""

    samples: int
    negatives: int
    characters: Mapping[Scope, Set[CharacterId]]
    """Those that are as they were archived or were added to."""


def add(
    archive: Content,
    store: Records,
    contract: EmbeddingContract,
    scope: Scope | None,
    *,
    faces: Iterable[tuple[ArchivedFace, NewSample]] | None = None,
) -> Added:
    """Add what is not there yet, in the caller's transaction.

    Characters are matched by id, then by name; samples by id, then by their pixels. An alias that belongs
    to another character here is left out. `faces` are those of the archive, if they are given at all.
    """
    added = [0, 0]
    scopes = {one.id: scope or one.scope for one in archive.characters}
    seqs = {one.id: _add_character(store, one, scopes[one.id]) for one in archive.characters}
    for face, sample in archive.samples() if faces is None else faces:
        home, seq = scopes[face.character], seqs[face.character]
        if store.scope_of_face(face.id) == home or store.find_content(
            home, face.content_hash, negative_of=seq if face.negative else None
        ):
            continue
        store.add_face(
            seq,
            sample,
            contract,
            negative=face.negative,
            sample_id=face.id if store.is_face_id_free(face.id) else None,
            at=face.added_at,
        )
        added[face.negative] += 1
    touched: dict[Scope, set[CharacterId]] = {}
    for one in archive.characters:
        touched.setdefault(scopes[one.id], set()).add(store.character(seqs[one.id]).id)
    return Added(added[False], added[True], touched)


def _add_character(store: Records, archived: ArchivedCharacter, scope: Scope) -> int:
    seq = store.character_seq(archived.id)
    taken = seq is not None
    if seq is None or store.character(seq).scope != scope:
        seq = store.find_name(scope, archived.name)
    if seq is None:
        seq = store.add_character(scope, archived.name, None if taken else archived.id)
    there = store.character(seq)
    names = [there.name, *there.aliases, archived.name, *archived.aliases]
    store.set_names(seq, [name for name in names if store.find_name(scope, name) in (None, seq)])
    if archived.series and not there.series:
        store.set_series(seq, archived.series)
    return seq


# ── writing ─────────────────────────────────────────────────────────────────────────────────────


def _write_members(
    members: zipfile.ZipFile,
    store: ArchiveSource,
    contract: EmbeddingContract,
    scopes: Sequence[Scope] | None,
    report: Report | None,
) -> int:
    wanted = store.scopes() if scopes is None else tuple(dict.fromkeys(scopes))
    characters = [
        one for scope in wanted for one in store.characters(store.list_characters([scope], "", 0, None))
    ]
    total = sum(one.sample_count for one in characters)
    lines: list[bytes] = []
    counts = [0, 0]
    digests: dict[str, str] = {}

    def crops() -> Iterator[bytes]:
        for row in store.exported_faces(wanted, contract):
            counts[row[2]] += 1
            lines.append(
                _line(
                    id=row[0],
                    character=row[1],
                    negative=bool(row[2]),
                    content_hash=row[3],
                    perceptual_hash=f"{unsigned_hash(row[4]):016x}",
                    added_by=row[5],
                    added_at=row[6],
                    source=row[7],
                    box=row[8:12],
                    crop_bytes=len(row[12]),
                )
            )
            yield row[12]
            if report and total:
                report(min(counts[0] / total, 1.0))

    def vectors() -> Iterator[bytes]:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header,
            {"descr": VECTOR_TYPE.str, "fortran_order": False, "shape": (sum(counts), contract.dimension)},
        )
        yield header.getvalue()
        yield from store.exported_vectors(wanted, contract)

    named = (
        _line(id=one.id, scope=one.scope, name=one.name, series=one.series, aliases=one.aliases)
        for one in characters
    )
    for name, parts in ((_CHARACTERS, named), (_CROPS, crops()), (_SAMPLES, lines), (_VECTORS, vectors())):
        digests[name] = _write_member(members, name, parts)
    manifest = {
        "format": _FORMAT,
        "version": _VERSION,
        "contract": asdict(contract),
        "counts": {"characters": len(characters), "samples": counts[0], "negatives": counts[1]},
        "sha256": digests,
    }
    _write_member(members, _MANIFEST, [json.dumps(manifest, ensure_ascii=False, indent=1).encode()])
    return counts[0]


def _write_member(members: zipfile.ZipFile, name: str, parts: Iterable[bytes]) -> str:
    """Returns its sha256."""
    digest = hashlib.sha256()
    with members.open(name, "w", force_zip64=True) as member:
        for part in parts:
            digest.update(part)
            member.write(part)
    return digest.hexdigest()


def _line(**fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


class _InvalidError(Exception):
    """Why the archive is not believed."""


def _read_members(members: zipfile.ZipFile, file_bytes: int, contract: EmbeddingContract) -> Archive:
    sizes = _member_sizes(members, file_bytes)
    with _blaming(_MANIFEST):
        manifest = json.loads(members.read(_MANIFEST))
        if manifest["format"] != _FORMAT or manifest["version"] != _VERSION:
            raise ValueError("written by another program or a newer version")
        theirs = EmbeddingContract(**manifest["contract"])
        digests = {name: str(manifest["sha256"][name]) for name in sizes if name != _MANIFEST}
        counts = manifest["counts"]
        expected = [int(counts[name]) for name in ("characters", "samples", "negatives")]
    for name, digest in digests.items():
        if _member_digest(members, name) != digest:
            raise _InvalidError(f"{name} was changed")
    if theirs != contract:
        raise ContractMismatchError(gallery=theirs.model, running=contract.model)
    characters = tuple(_lines(members, _CHARACTERS, _parse_character))
    faces = tuple(_lines(members, _SAMPLES, _parse_face))
    negatives = sum(face.negative for face in faces)
    if expected != [len(characters), len(faces) - negatives, negatives]:
        raise _InvalidError("it does not hold as much as it says")
    _check_relations(characters, faces)
    _check_crops(members, faces, sizes[_CROPS])
    with _blaming(_VECTORS):
        vectors = _read_vectors(members, (len(faces), contract.dimension))
    return Archive(characters, faces, vectors, members)


def _member_sizes(members: zipfile.ZipFile, file_bytes: int) -> dict[str, int]:
    infos = members.infolist()
    if sorted(info.filename for info in infos) != sorted(
        (_MANIFEST, _CHARACTERS, _SAMPLES, _CROPS, _VECTORS)
    ):
        raise _InvalidError("it holds other files than a gallery archive does")
    for info in infos:
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise _InvalidError(f"{info.filename} is compressed")
    sizes = {info.filename: info.file_size for info in infos}
    if sum(sizes.values()) > file_bytes or sizes[_MANIFEST] > _MAX_MANIFEST_BYTES:
        raise _InvalidError("it says it is larger than it is")
    return sizes


def _member_digest(members: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with members.open(name) as member:
        while part := member.read(_CHUNK_BYTES):
            digest.update(part)
    return digest.hexdigest()


def _lines(members: zipfile.ZipFile, name: str, parse: Callable[[dict[str, Any]], T]) -> Iterator[T]:
    with members.open(name) as member:
        for number, line in enumerate(member, start=1):
            with _blaming(f"{name} line {number}"):
                yield parse(json.loads(line))


@contextmanager
def _blaming(where: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise _InvalidError(f"{where}: {error}") from error
    except AppError as error:  # an invalid name
        raise _InvalidError(f"{where}: {error}") from error


def _parse_character(line: dict[str, Any]) -> ArchivedCharacter:
    return ArchivedCharacter(
        CharacterId(_identifier(line["id"])),
        Scope(_text(line["scope"])),
        clean_name(_text(line["name"])),
        clean_series(_text(line["series"])),
        tuple(clean_name(_text(alias)) for alias in line["aliases"]),
    )


def _parse_face(line: dict[str, Any]) -> ArchivedFace:
    box = FaceBox(*(float(value) for value in line["box"]))
    if not (all(map(math.isfinite, box.xyxy)) and box.width > 0 and box.height > 0):
        raise ValueError("the face box is empty")
    perceptual_hash = int(_text(line["perceptual_hash"]), 16)
    signed_hash(perceptual_hash).to_bytes(8, "big", signed=True)
    crop_bytes = line["crop_bytes"]
    if type(crop_bytes) is not int or not 0 < crop_bytes <= _MAX_CROP_BYTES:
        raise ValueError("the crop is empty or too large")
    return ArchivedFace(
        SampleId(_identifier(line["id"])),
        CharacterId(_identifier(line["character"])),
        bool(line["negative"]),
        _text(line["content_hash"]),
        perceptual_hash,
        _text(line["added_by"]),
        datetime.fromisoformat(line["added_at"]),
        _text(line["source"]),
        box,
        crop_bytes,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {value!r:.50}")
    value.encode()  # a lone surrogate is no text; UnicodeEncodeError is a ValueError
    return value


def _identifier(value: object) -> str:
    text = _text(value)
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r:.50} is not an id")
    return text


def _check_relations(characters: Sequence[ArchivedCharacter], faces: Sequence[ArchivedFace]) -> None:
    ids = {one.id for one in characters}
    names = [(one.scope, key) for one in characters for key in {*map(name_key, (one.name, *one.aliases))}]
    if len(ids) != len(characters) or len({face.id for face in faces}) != len(faces):
        raise _InvalidError("an id is given twice")
    if len(set(names)) != len(names):
        raise _InvalidError("two characters share a name")
    if not all(face.character in ids for face in faces):
        raise _InvalidError("a sample belongs to no character")


def _check_crops(members: zipfile.ZipFile, faces: Sequence[ArchivedFace], size: int) -> None:
    if sum(face.crop_bytes for face in faces) != size:
        raise _InvalidError(f"{_CROPS} is shorter or longer than its crops")
    with members.open(_CROPS) as crops:
        for face in faces:
            data = crops.read(face.crop_bytes)
            if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
                raise _InvalidError(f"the crop of {face.id} is not a WebP picture")


def _read_vectors(members: zipfile.ZipFile, shape: tuple[int, int]) -> NDArray[np.float32]:
    with members.open(_VECTORS) as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise ValueError("another version of the npy format")
        found = np.lib.format.read_array_header_1_0(member)
        if found != (shape, False, VECTOR_TYPE):
            raise ValueError(f"expected shape {shape}, got {found[0]}")
        data = member.read()
    vectors = np.frombuffer(data, VECTOR_TYPE).reshape(shape)
    if not usable_rows(vectors).all():
        raise ValueError("an embedding is not of unit length")
    return vectors
