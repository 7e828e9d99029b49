"""How well "the same picture" is told from "another picture of the same character".

    python -m benchmarks.duplicates FACES.jsonl [--pack NAME] [--split val] [--variants 1200]

FACES.jsonl is a face manifest (see docs/training.md). Some faces are saved again, made smaller, moved and
scaled a little, and must be found again; pairs of different pictures of one character must not be taken for
the same. The last lines say how near such pairs come, by how far their perceptual hashes differ.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np

from config.options import ImageLimits, ModelOptions
from inference.domain import Embedding, FaceBox, ImageRGB
from inference.embedding.align import align_crop
from inference.embedding.base import Embedder
from inference.gallery.fingerprint import MAX_DISTANCE, is_same_picture, perceptual_hash
from inference.images import decode, encode
from inference.models import Pack, find_pack, open_embedder
from inference.scaling import resized
from training.dataset.manifest import read_manifest
from training.dataset.picture_files import read_picture
from training.evaluation.faces import named_faces

_AT_ONCE = 32
_BANDS = ((0, 2), (3, 5), (6, 8), (9, MAX_DISTANCE))

Face = tuple[ImageRGB, FaceBox]
Print = tuple[int, Embedding]


class Fingerprints:
    """Perceptual hash and embedding of faces, as enrolling takes them."""

    def __init__(self, pack: Pack, embedder: Embedder) -> None:
        self._spec = pack.manifest.embedder.spec
        self._embedder = embedder

    def of(self, faces: list[Face]) -> list[Print]:
        prints: list[Print] = []
        for start in range(0, len(faces), _AT_ONCE):
            some = faces[start : start + _AT_ONCE]
            crops = [align_crop(*face, margin=self._spec.margin, side=self._spec.side) for face in some]
            rows = self._embedder.embed(crops)
            prints += [(perceptual_hash(*face), Embedding(row)) for face, row in zip(some, rows, strict=True)]
        return prints


def variants(image: ImageRGB, box: FaceBox, rng: np.random.Generator) -> Iterator[tuple[str, Face]]:
    """The same face again: saved, made smaller, found a little elsewhere."""
    for quality in (60, 75, 95):
        yield f"jpeg {quality}", (_saved(image, quality), box)
    yield "webp 80", (_decoded(encode(image, format="webp", quality=80)), box)
    half = resized(image, image.shape[1] // 2, image.shape[0] // 2)
    yield "half", (half, box.scaled(0.5))
    yield "half, jpeg 75", (_saved(half, 75), box.scaled(0.5))
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.02, 0.04) * box.width
    yield "shift 2–4 %", (image, box.shifted(distance * np.cos(angle), distance * np.sin(angle)))
    x, y = box.center
    for percent in (97, 103):
        half_width, half_height = box.width * percent / 200, box.height * percent / 200
        scaled = FaceBox(x - half_width, y - half_height, x + half_width, y + half_height)
        yield f"box {percent} %", (image, scaled)


def _saved(image: ImageRGB, quality: int) -> ImageRGB:
    return _decoded(encode(image, format="jpeg", quality=quality))


def _decoded(data: bytes) -> ImageRGB:
    return decode(data, ImageLimits()).frames[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faces", type=Path)
    parser.add_argument("--pack", default=ModelOptions().pack)
    parser.add_argument("--packs", type=Path, default=Path("data/models"), help="folder of installed packs")
    parser.add_argument("--split", choices=("train", "val", "test"))
    parser.add_argument("--variants", type=int, default=1200)
    arguments = parser.parse_args()
    pack = find_pack(arguments.pack, arguments.packs)
    fingerprints = Fingerprints(pack, open_embedder(pack, ModelOptions(pack=pack.name)))
    named = named_faces(read_manifest(arguments.faces, split=arguments.split))
    rng = np.random.default_rng(1)

    found: dict[str, list[bool]] = defaultdict(list)
    for number in rng.choice(len(named), min(arguments.variants, len(named)), replace=False):
        image, box = read_picture(named[number].picture.path), named[number].box
        names, faces = zip(*variants(image, box, rng), strict=True)
        known, *others = fingerprints.of([(image, box), *faces])
        for name, other in zip(names, others, strict=True):
            found[name].append(is_same_picture(known[0], other[0], float(known[1] @ other[1])))
    for name, hits in found.items():
        print(f"found again: {name:14} {100 * np.mean(hits):6.2f} %")

    by_character: dict[str, list[Print]] = defaultdict(list)
    for face in named:
        by_character[face.character] += fingerprints.of([(read_picture(face.picture.path), face.box)])
    pairs = [pair for prints in by_character.values() for pair in combinations(prints, 2)]
    distances = np.array([(one[0] ^ other[0]).bit_count() for one, other in pairs])
    similarities = np.array([float(one[1] @ other[1]) for one, other in pairs])
    mistaken = [is_same_picture(one[0], other[0], float(one[1] @ other[1])) for one, other in pairs]
    print(f"different pictures taken for the same: {100 * np.mean(mistaken):.3f} % of {len(pairs):,}")
    for least, most in _BANDS:
        band = similarities[(distances >= least) & (distances <= most)]
        nearest = ", ".join(f"{np.quantile(band, q):.3f}" for q in (0.5, 0.9, 0.99)) if len(band) else "none"
        print(f"{least}–{most} bits apart: {len(band):,} pairs, cosine at 50, 90, 99 %: {nearest}")


if __name__ == "__main__":
    main()
