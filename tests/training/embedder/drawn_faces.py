"""A small set of drawn faces with their manifest, for the tests of training."""

from __future__ import annotations

from pathlib import Path

from inference.drawing import draw_cast, draw_portrait
from inference.images import encode
from training.dataset.manifest import LabelledFace, LabelledPicture, Split, write_manifest


def write_drawn_faces(folder: Path, *, characters: int, portraits: int) -> Path:
    """Portraits on disk and the manifest that lists them; every fourth character is for validation."""
    pictures = []
    for number, character in enumerate(draw_cast(characters, seed=11)):
        split: Split = "val" if number % 4 == 3 else "train"
        for seed in range(portraits):
            drawing = draw_portrait(character, seed=seed)
            path = folder / "pictures" / f"{number}-{seed}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(drawing.image, format="png"))
            height, width = drawing.image.shape[:2]
            faces = tuple(LabelledFace(face.box, character.name) for face in drawing.faces)
            pictures.append(LabelledPicture(path, width, height, "drawn", split, faces))
    manifest = folder / "faces.jsonl"
    write_manifest(manifest, pictures)
    return manifest
