"""Embeddings with known structure, and manifests of drawn pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.domain import Embeddings, FaceBox, as_embeddings
from inference.drawing import Drawing, draw_cast, draw_group, draw_portrait
from inference.images import encode
from training.dataset.manifest import LabelledFace, LabelledPicture, write_manifest


def make_faces(
    characters: int, pictures: int, spread: float, *, dimension: int = 32, seed: int = 1
) -> tuple[Embeddings, NDArray[np.intp]]:
    """Faces scattered around one random centre a character."""
    generator = np.random.default_rng(seed)
    labels = np.repeat(np.arange(characters), pictures)
    rows = generator.normal(size=(characters, dimension))[labels]
    return as_embeddings(rows + spread * generator.normal(size=rows.shape), dimension), labels


def make_picture(
    boxes: Sequence[tuple[float, float, float, float]] = (),
    *,
    size: tuple[int, int] = (200, 200),
    source: str = "made",
    state: str = "sure",
    path: str = "a.png",
) -> LabelledPicture:
    faces = tuple(LabelledFace(FaceBox(*box), state=state) for box in boxes)
    return LabelledPicture(Path(path), *size, source, "val", faces)


def draw_manifest(folder: Path, *, portraits: int = 3, characters: int = 6) -> Path:
    """Portraits of each drawn character, a group picture of all, and an empty one; `faces.jsonl`."""
    folder.mkdir(parents=True, exist_ok=True)
    cast = draw_cast(characters, seed=6)
    pictures = []

    def add(name: str, drawing: Drawing, source: str) -> None:
        path = folder / name
        path.write_bytes(encode(drawing.image, format="png"))
        height, width = drawing.image.shape[:2]
        faces = tuple(LabelledFace(face.box, face.character.name) for face in drawing.faces)
        pictures.append(LabelledPicture(path, width, height, source, "val", faces))

    for number, character in enumerate(cast):
        for seed in range(portraits):
            drawing = draw_portrait(character, seed=seed, size=320)
            add(f"{number}-{seed}.png", drawing, ("even", "odd")[number % 2])
    add("group.png", draw_group(cast, seed=3), "group")
    empty = folder / "empty.png"
    ramp = np.linspace(90, 200, 400, dtype=np.uint8)
    empty.write_bytes(encode(np.stack([np.tile(ramp, (300, 1))] * 3, axis=2), format="png"))
    pictures.append(LabelledPicture(empty, 400, 300, "empty", "val"))
    manifest = folder / "faces.jsonl"
    write_manifest(manifest, pictures)
    return manifest
