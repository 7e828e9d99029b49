"""An archive is believed only when everything in it is as it should be; else nothing is added."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.domain import Scope
from inference.errors import ArchiveInvalidError, FileUnwritableError
from inference.gallery.embedded import EmbeddedGallery, open_embedded_gallery
from tests.inference.gallery.samples import DIMENSION, make_contract, make_sample

HERE = Scope("here")
Members = dict[str, bytes]


@pytest.fixture
async def gallery(tmp_path: Path) -> AsyncIterator[EmbeddedGallery]:
    opened = await open_embedded_gallery(tmp_path / "gallery.sqlite", make_contract())
    yield opened
    await opened.close()


@pytest.fixture
async def members(tmp_path: Path) -> Members:
    """The members of a good archive."""
    source = await open_embedded_gallery(tmp_path / "source.sqlite", make_contract())
    await source.enroll(HERE, "A", [make_sample(1), make_sample(2)], aliases=["B"])
    await source.enroll(HERE, "C", [make_sample(3)])
    await source.add_negative(HERE, "C", make_sample(4))
    await source.export(tmp_path / "good.zip")
    await source.close()
    with zipfile.ZipFile(tmp_path / "good.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_archive(
    path: Path, members: Members, *, compression: int = zipfile.ZIP_STORED, sign: bool = True
) -> Path:
    if sign and b'"sha256"' in members.get("manifest.json", b""):
        manifest = json.loads(members["manifest.json"])
        for name in manifest["sha256"]:
            manifest["sha256"][name] = hashlib.sha256(members.get(name, b"")).hexdigest()
        members = {**members, "manifest.json": json.dumps(manifest).encode()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def edited(member: str, line: int, **fields: Any) -> Callable[[Members], Members]:
    def edit(members: Members) -> Members:
        lines = [json.loads(text) for text in members[member].splitlines()]
        lines[line].update(fields)
        return {**members, member: b"\n".join(json.dumps(text).encode() for text in lines)}

    return edit


def manifest_with(**fields: Any) -> Callable[[Members], Members]:
    return lambda members: {
        **members,
        "manifest.json": json.dumps({**json.loads(members["manifest.json"]), **fields}).encode(),
    }


def vectors_as(array: np.ndarray, **options: Any) -> Callable[[Members], Members]:
    file = io.BytesIO()
    np.save(file, array, **options)
    return lambda members: {**members, "vectors.npy": file.getvalue()}


def replaced(name: str, data: bytes) -> Callable[[Members], Members]:
    return lambda members: {**members, name: data}


def without(name: str) -> Callable[[Members], Members]:
    return lambda members: {key: data for key, data in members.items() if key != name}


HOSTILE: dict[str, Callable[[Members], Members]] = {
    "no manifest": without("manifest.json"),
    "no crops": without("crops.bin"),
    "another member": replaced("../../evil", b"x"),
    "an absolute member": replaced("/etc/evil", b"x"),
    "manifest is no json": replaced("manifest.json", b"{"),
    "manifest is no object": replaced("manifest.json", b"[]"),
    "manifest is too large": replaced("manifest.json", b" " * 100_000),
    "another format": manifest_with(format="zip"),
    "a newer version": manifest_with(version=2),
    "a contract that is none": manifest_with(contract={"model": "x"}),
    "no digests": manifest_with(sha256={}),
    "wrong counts": manifest_with(counts={"characters": 2, "samples": 4, "negatives": 0}),
    "negative counts": manifest_with(counts={"characters": -1, "samples": "x", "negatives": 0}),
    "a line that is no json": replaced("characters.jsonl", b"{}\n{"),
    "a line that is no object": replaced("characters.jsonl", b"[1]\n[2]"),
    "a line nested too deep": replaced("characters.jsonl", b"[" * 100_000),
    "not utf-8": replaced("samples.jsonl", b"\xff\xfe"),
    "an invalid name": edited("characters.jsonl", 0, name="a\u202eb"),
    "a name that is no text": edited("characters.jsonl", 0, name=["A"]),
    "an invalid alias": edited("characters.jsonl", 0, aliases=["\x00"]),
    "a shared name": edited("characters.jsonl", 0, aliases=["c"]),
    "an id given twice": edited("characters.jsonl", 0, id="x" * 3),  # its samples now belong to nobody
    "an id that is none": edited("samples.jsonl", 0, id="../x"),
    "a sample of nobody": edited("samples.jsonl", 0, character="nobody"),
    "a lone surrogate": edited("samples.jsonl", 0, source="\ud800"),
    "a broken time": edited("samples.jsonl", 0, added_at="yesterday"),
    "a time that is no text": edited("samples.jsonl", 0, added_at=5),
    "a hash too large": edited("samples.jsonl", 0, perceptual_hash="f" * 17),
    "a negative hash": edited("samples.jsonl", 0, perceptual_hash="-f" + "f" * 16),
    "an empty box": edited("samples.jsonl", 0, box=[5, 5, 5, 5]),
    "an endless box": edited("samples.jsonl", 0, box=[0, 0, 1, float("inf")]),
    "a box of three": edited("samples.jsonl", 0, box=[0, 0, 1]),
    "a crop too large": edited("samples.jsonl", 0, crop_bytes=10**12),
    "a crop too long": edited("samples.jsonl", 0, crop_bytes=2_000),
    "a crop of nothing": edited("samples.jsonl", 0, crop_bytes=0),
    "crops that are no pictures": lambda members: {**members, "crops.bin": bytes(len(members["crops.bin"]))},
    "crops missing": replaced("crops.bin", b""),
    "vectors of another shape": vectors_as(np.eye(3, DIMENSION, dtype=np.float32)),
    "vectors of another type": vectors_as(np.eye(4, DIMENSION)),
    "vectors in another order": vectors_as(np.asfortranarray(np.eye(4, DIMENSION, dtype=np.float32))),
    "vectors that are objects": vectors_as(np.array([[{}] * DIMENSION] * 4), allow_pickle=True),
    "vectors of other lengths": vectors_as(np.ones((4, DIMENSION), np.float32)),
    "vectors that are no numbers": vectors_as(np.full((4, DIMENSION), np.nan, np.float32)),
    "vectors cut short": lambda members: {**members, "vectors.npy": members["vectors.npy"][:-4]},
    "vectors that say they are huge": lambda members: {
        **members,
        "vectors.npy": members["vectors.npy"].replace(b"(4, 16)", b"(4000000000, 16)"),
    },
    "vectors that are none": replaced("vectors.npy", b"x"),
}


@pytest.mark.parametrize("spoil", list(HOSTILE.values()), ids=[name.replace(" ", "-") for name in HOSTILE])
async def test_a_spoiled_archive_is_refused_and_adds_nothing(
    gallery: EmbeddedGallery, members: Members, tmp_path: Path, spoil: Callable[[Members], Members]
) -> None:
    await gallery.enroll(HERE, "Z", [make_sample(9)])
    archive = write_archive(tmp_path / "bad.zip", spoil(members))
    with pytest.raises(ArchiveInvalidError) as caught:
        await gallery.import_(archive)
    assert len(str(caught.value)) < 500
    assert [c.name for c in await gallery.characters([HERE])] == ["Z"]
    assert (await gallery.stats()).samples == 1


async def test_the_archive_the_spoiled_ones_are_made_from_is_fine(
    gallery: EmbeddedGallery, members: Members, tmp_path: Path
) -> None:
    assert await gallery.import_(write_archive(tmp_path / "good.zip", members)) == 3


@pytest.mark.parametrize("name", ["characters.jsonl", "samples.jsonl", "crops.bin", "vectors.npy"])
async def test_a_changed_member_is_noticed(
    gallery: EmbeddedGallery, members: Members, tmp_path: Path, name: str
) -> None:
    changed = bytearray(members[name])
    changed[len(changed) // 2] ^= 1
    archive = write_archive(tmp_path / "bad.zip", {**members, name: bytes(changed)}, sign=False)
    with pytest.raises(ArchiveInvalidError, match=f"{name} was changed"):
        await gallery.import_(archive)


async def test_a_compressed_archive_is_refused_before_it_is_unpacked(
    gallery: EmbeddedGallery, members: Members, tmp_path: Path
) -> None:
    bomb = {**members, "crops.bin": bytes(50_000_000)}
    archive = write_archive(tmp_path / "bomb.zip", bomb, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ArchiveInvalidError, match="compressed"):
        await gallery.import_(archive)


async def test_a_torn_archive_is_refused(gallery: EmbeddedGallery, members: Members, tmp_path: Path) -> None:
    whole = write_archive(tmp_path / "good.zip", members).read_bytes()
    for part in (whole[: len(whole) // 2], whole[100:], whole[:-10], b""):
        torn = write_file(tmp_path / "torn.zip", part)
        with pytest.raises(ArchiveInvalidError):
            await gallery.import_(torn)
    assert (await gallery.stats()).samples == 0


async def test_a_member_given_twice_is_refused(
    gallery: EmbeddedGallery, members: Members, tmp_path: Path
) -> None:
    archive = write_archive(tmp_path / "bad.zip", members)
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(archive, "a") as again:
        again.writestr("crops.bin", b"x")
    with pytest.raises(ArchiveInvalidError):
        await gallery.import_(archive)


async def test_an_export_that_fails_leaves_the_older_archive(
    gallery: EmbeddedGallery, tmp_path: Path
) -> None:
    await gallery.enroll(HERE, "A", [make_sample(1)])
    with pytest.raises(FileUnwritableError):
        await gallery.export(tmp_path / "no such folder" / "a.zip")
    older = write_file(tmp_path / "a.zip", b"older")
    gallery._store.connection.execute("UPDATE names SET character = character")  # still readable
    gallery._store.connection.execute("ALTER TABLE crops RENAME TO lost")
    with pytest.raises(Exception, match="crops"):
        await gallery.export(older)
    assert contents(older) == b"older"
    assert sorted(p.name for p in listed(tmp_path) if "zip" in p.name) == ["a.zip"]


def write_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def contents(path: Path) -> bytes:
    return path.read_bytes()


def listed(folder: Path) -> list[Path]:
    return list(folder.iterdir())
