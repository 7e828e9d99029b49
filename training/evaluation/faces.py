"""Labelled faces of a manifest as embeddings, cut and embedded as serving does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from config.options import ModelOptions
from inference.domain import Embeddings, FaceBox, ImageRGB
from inference.embedding.align import align_crop
from inference.errors import AppError
from inference.models import Pack, open_embedder
from training.dataset.manifest import LabelledFace, LabelledPicture
from training.dataset.picture_files import read_picture
from training.errors import DatasetError, TrainingError
from training.evaluation.rates import Flags, Indices

_BATCH = 32


@dataclass(frozen=True, slots=True)
class NamedFace:
    """Where a face of a known character is."""

    picture: LabelledPicture
    box: FaceBox
    character: str


@dataclass(frozen=True, slots=True)
class FaceTable:
    """Faces of known characters and their embeddings, row by row."""

    faces: tuple[NamedFace, ...]
    embeddings: Embeddings
    characters: Indices
    """0…n - 1 for each face."""
    names: tuple[str, ...]
    """Of the characters."""

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(face.picture.source for face in self.faces)

    def only(self, rows: Indices | Flags) -> FaceTable:
        """Some of the faces, their characters numbered anew."""
        chosen = np.arange(len(self.faces))[rows]
        return face_table([self.faces[row] for row in chosen], Embeddings(self.embeddings[chosen]))


def face_table(faces: Sequence[NamedFace], embeddings: Embeddings) -> FaceTable:
    names, characters = np.unique([face.character for face in faces], return_inverse=True)
    return FaceTable(tuple(faces), embeddings, characters.astype(np.intp), tuple(names.tolist()))


def named_faces(pictures: Sequence[LabelledPicture]) -> list[NamedFace]:
    """The faces whose character is known for sure, in order."""
    return [
        NamedFace(picture, face.box, face.character)
        for picture in pictures
        for face in picture.faces
        if face.character is not None and is_evidence(face)
    ]


def is_evidence(face: LabelledFace) -> bool:
    """Whether a label is good enough to measure with."""
    return face.state != "unsure"


def embed_faces(faces: Sequence[NamedFace], pack: Pack, models: ModelOptions) -> FaceTable:
    """The faces as the pack's embedder has them. Raises TrainingError."""
    if not faces:
        raise TrainingError("there is no face of a known character in that split")
    embedder = open_embedder(pack, models)
    crops: list[ImageRGB] = []
    parts = []
    for crop in track(
        face_crops(faces, pack),
        total=len(faces),
        description=f"Faces as {pack.name} sees them",
        console=Console(stderr=True),
        transient=True,
    ):
        crops.append(crop)
        if len(crops) == _BATCH:
            parts.append(embedder.embed(crops))
            crops.clear()
    parts.append(embedder.embed(crops))
    return face_table(faces, Embeddings(np.concatenate(parts)))


def open_picture(path: Path) -> ImageRGB:
    """The picture, upright; of an animation, its first frame. Raises DatasetError."""
    try:
        return read_picture(path)
    except (OSError, AppError) as error:
        raise DatasetError(path, str(error)) from error


def face_crops(faces: Sequence[NamedFace], pack: Pack) -> Iterator[ImageRGB]:
    """The faces as the pack's embedder takes them, in order."""
    table = pack.manifest.embedder
    picture, image = None, None
    for face in faces:
        if image is None or face.picture is not picture:
            picture, image = face.picture, open_picture(face.picture.path)
        yield align_crop(image, face.box, margin=table.margin, side=table.side)
