"""How well "the same picture" is told from "another picture of the same character".

    python -m benchmarks.duplicates FOLDER EMBEDDER.onnx [--variants 1200]

FOLDER has index.csv (path, character) and 160 × 160 crops whose centred half is the face. The embedder
takes `crops` N×3×112×112, ImageNet-normalised, cut 1.3 times as wide as the face. Takes a few minutes.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from inference.domain import FaceBox
from inference.gallery.fingerprint import is_same_picture, perceptual_hash

FACE = 80
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Fingerprints:
    """Perceptual hash and embedding of faces."""

    def __init__(self, embedder: Path) -> None:
        self._session = onnxruntime.InferenceSession(embedder)

    def of(
        self, picture: Image.Image, side: float = FACE, dx: float = 0, dy: float = 0
    ) -> tuple[int, np.ndarray]:
        center_x, center_y = picture.width / 2 + dx, picture.height / 2 + dy
        box = FaceBox(center_x - side / 2, center_y - side / 2, center_x + side / 2, center_y + side / 2)
        half = 1.3 * side / 2
        cut = picture.crop(
            tuple(round(v) for v in (center_x - half, center_y - half, center_x + half, center_y + half))
        )
        pixels = np.asarray(cut.resize((112, 112), Image.Resampling.BICUBIC), np.float32) / 255
        crops = ((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        return perceptual_hash(np.asarray(picture), box), self._session.run(None, {"crops": crops})[0][0]


def variants(
    picture: Image.Image, rng: np.random.Generator
) -> Iterator[tuple[str, Image.Image, dict[str, float]]]:
    """Name, picture and how the face box lies in it."""
    for quality in (60, 75, 95):
        yield f"jpeg {quality}", saved(picture, "JPEG", quality), {}
    yield "webp 80", saved(picture, "WEBP", 80), {}
    half = picture.resize((80, 80), Image.Resampling.LANCZOS)
    yield "half", half, {"side": FACE / 2}
    yield "half, jpeg 75", saved(half, "JPEG", 75), {"side": FACE / 2}
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(1.5, 3.5)
    yield (
        "shift 2–4 %",
        picture,
        {"dx": round(distance * np.cos(angle)), "dy": round(distance * np.sin(angle))},
    )
    yield "box 97 %", picture, {"side": FACE * 0.97}
    yield "box 103 %", picture, {"side": FACE * 1.03}


def saved(picture: Image.Image, format_: str, quality: int) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, format_, quality=quality)
    return Image.open(file).convert("RGB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("embedder", type=Path)
    parser.add_argument("--variants", type=int, default=1200)
    arguments = parser.parse_args()
    fingerprints, rng = Fingerprints(arguments.embedder), np.random.default_rng(1)
    with (arguments.folder / "index.csv").open() as file:
        rows = list(csv.DictReader(file))

    found: dict[str, list[bool]] = {}
    for number in rng.choice(len(rows), min(arguments.variants, len(rows)), replace=False):
        picture = Image.open(arguments.folder / rows[number]["path"]).convert("RGB")
        known_hash, known = fingerprints.of(picture)
        for name, other, placed in variants(picture, rng):
            other_hash, embedding = fingerprints.of(other, **placed)
            found.setdefault(name, []).append(
                is_same_picture(known_hash, other_hash, float(known @ embedding))
            )
    for name, hits in found.items():
        print(f"found again: {name:14} {100 * np.mean(hits):6.2f} %")

    known_faces: dict[str, list[tuple[int, np.ndarray]]] = {}
    pairs = mistaken = 0
    for row in rows:
        picture = Image.open(arguments.folder / row["path"]).convert("RGB")
        here = fingerprints.of(picture)
        others = known_faces.setdefault(row["character"], [])
        pairs += len(others)
        mistaken += sum(is_same_picture(here[0], other[0], float(here[1] @ other[1])) for other in others)
        others.append(here)
    print(
        f"different pictures of one character taken for the same: {100 * mistaken / pairs:.3f} % of {pairs:,}"
    )


if __name__ == "__main__":
    main()
