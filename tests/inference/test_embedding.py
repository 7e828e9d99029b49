"""Crops are cut the same way everywhere, and both runners embed them alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.options import ImageLimits, ModelOptions
from inference.domain import FaceBox, ImageRGB
from inference.drawing import draw_cast, draw_portrait
from inference.embedding.align import align_crop, align_kept, cut_square, keep_crop
from inference.embedding.base import Embedder
from inference.images import decode
from inference.models import Pack, Runtime, find_pack
from inference.models.runners import embedder_on
from inference.scaling import resized

MODELS = ModelOptions(threads=1)
MARGIN, SIDE = 1.4, 144


@pytest.fixture(scope="module")
def pack() -> Pack:
    return find_pack("dareda-1", Path("no installed packs"))


@pytest.fixture(scope="module")
def onnx_embedder(pack: Pack) -> Embedder:
    return embedder_on(Runtime("onnx", "cpu"), pack, MODELS)


@pytest.fixture(scope="module")
def drawn_faces() -> list[tuple[ImageRGB, FaceBox]]:
    """Pictures with the box of the face in them."""
    portraits = [draw_portrait(one, seed=seed) for one in draw_cast(10, seed=5) for seed in (1, 2)]
    return [(portrait.image, portrait.faces[0].box) for portrait in portraits]


@pytest.fixture(scope="module")
def shared_faces(shared_data: Path) -> list[tuple[ImageRGB, FaceBox]]:
    paths = sorted((shared_data / "recognition" / "faces").glob("*/*.webp"))[::500]
    return [(decode(p.read_bytes(), ImageLimits()).frames[0], FaceBox(40, 40, 120, 120)) for p in paths]


# ── align ───────────────────────────────────────────────────────────────────────────────────────


def noise(width: int, height: int) -> ImageRGB:
    return np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_square_box_of_the_crops_size_is_cut_without_touching_a_pixel() -> None:
    image = noise(300, 200)
    crop = align_crop(image, FaceBox(50, 60, 150, 160), margin=1.12, side=112)
    assert np.array_equal(crop, image[54:166, 44:156])


def test_a_flat_box_gets_a_square_around_its_centre() -> None:
    image = noise(300, 200)
    crop = align_crop(image, FaceBox(100, 90, 200, 110), margin=1.0, side=100)
    assert np.array_equal(crop, image[50:150, 100:200])


@pytest.mark.parametrize("corner", [(0, 0), (280, 0), (0, 180), (280, 180)])
def test_where_the_square_leaves_the_picture_its_edge_is_repeated(corner: tuple[int, int]) -> None:
    image = noise(300, 200)
    x, y = corner
    crop = align_crop(image, FaceBox(x, y, x + 20, y + 20), margin=3.0, side=60)
    bordered = np.pad(image, ((60, 60), (60, 60), (0, 0)), mode="edge")
    assert np.array_equal(crop, bordered[y + 40 : y + 100, x + 40 : x + 100])


@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_a_face_drawn_larger_gives_the_same_crop(times: int) -> None:
    small = noise(96, 96)
    large = small.repeat(times, axis=0).repeat(times, axis=1)
    crop = align_crop(large, FaceBox(0, 0, *large.shape[:2]), margin=1.0, side=96)
    assert np.array_equal(crop, small)


@pytest.mark.parametrize("size", [193, 251, 383, 777])
def test_halving_a_large_face_first_is_as_good_as_averaging_it_at_once(size: int) -> None:
    drawing = draw_portrait(draw_cast(1, seed=2)[0], seed=1).image
    large = resized(drawing, size, size)
    crop = align_crop(large, FaceBox(0, 0, size, size), margin=1.0, side=96)
    assert np.abs(crop.astype(int) - resized(large, 96, 96)).mean() <= 2


@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    box=st.tuples(*[st.floats(-0.2, 1.1)] * 2, *[st.floats(0.001, 1.2)] * 2),
    margin=st.floats(1, 4),
)
def test_any_box_that_touches_the_picture_gives_a_crop(
    size: tuple[int, int], box: tuple[float, float, float, float], margin: float
) -> None:
    width, height = size
    x, y, across, down = box[0] * width, box[1] * height, box[2] * width, box[3] * height
    face = FaceBox(x, y, x + across, y + down).clipped(width, height)
    crop = align_crop(noise(width, height), face, margin=margin, side=32)
    assert crop.shape == (32, 32, 3)
    assert crop.dtype == np.uint8


@settings(max_examples=300, deadline=None)
@given(
    size=st.tuples(st.integers(1, 130), st.integers(1, 130)),
    corner=st.tuples(st.integers(-60, 140), st.integers(-60, 140)),
    face_side=st.integers(1, 90),
    side=st.integers(4, 40),
)
def test_halving_what_is_inside_the_picture_is_the_same_as_halving_all(
    size: tuple[int, int], corner: tuple[int, int], face_side: int, side: int
) -> None:
    image, (x, y) = noise(*size), corner
    box = FaceBox(x, y, x + face_side, y + face_side).clipped(*size)
    square, _ = cut_square(image, box, 1.7)
    while (half := square.shape[0] // 2) >= side:
        square = resized(square[: 2 * half, : 2 * half], half, half)
    assert np.array_equal(align_crop(image, box, margin=1.7, side=side), resized(square, side, side))


@pytest.mark.parametrize("margin", [1.3, 3.0])
@pytest.mark.parametrize("size", [60, 400])
def test_a_stored_crop_keeps_the_box_in_its_place_and_has_room(margin: float, size: int) -> None:
    image = np.full((900, 900, 3), 200, dtype=np.uint8)
    image[300 : 300 + size, 350 : 350 + size] = (200, 30, 30)
    kept = keep_crop(image, FaceBox(350, 300, 350 + size, 300 + size), margin=margin)
    stored = decode(kept.data, ImageLimits()).frames[0]
    assert stored.shape[0] == stored.shape[1] <= 320
    assert stored.shape[0] >= margin * kept.box.width - 1
    rows, columns = np.nonzero(stored[..., 1] < 115)
    painted = FaceBox(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert painted.xyxy == pytest.approx(kept.box.xyxy, abs=1.5)


@pytest.mark.parametrize("source", ["drawn_faces", "shared_faces"])
@pytest.mark.parametrize("factor", [0.7, 1.0, 4.0])
def test_a_stored_crop_embeds_like_the_face_it_was_cut_from(
    source: str, factor: float, request: pytest.FixtureRequest, onnx_embedder: Embedder
) -> None:
    direct, stored = [], []
    for image, box in request.getfixturevalue(source):
        height, width = image.shape[:2]
        scaled = resized(image, round(width * factor), round(height * factor))
        face = box.scaled(factor)
        direct.append(align_crop(scaled, face, margin=MARGIN, side=SIDE))
        stored.append(align_kept(keep_crop(scaled, face, margin=MARGIN), margin=MARGIN, side=SIDE))
    similarity = np.sum(onnx_embedder.embed(direct) * onnx_embedder.embed(stored), axis=1)
    assert similarity.min() >= 0.99


# ── embed ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("source", ["drawn_faces", "shared_faces"])
def test_torch_and_onnx_give_the_same_embeddings(
    source: str, request: pytest.FixtureRequest, pack: Pack, onnx_embedder: Embedder
) -> None:
    pytest.importorskip("torch")
    torch_embedder = embedder_on(Runtime("torch", "cpu"), pack, MODELS)
    assert torch_embedder.contract == onnx_embedder.contract
    crops = [
        align_crop(image, box, margin=MARGIN, side=SIDE) for image, box in request.getfixturevalue(source)
    ]
    assert len(crops) >= 20
    similarity = np.sum(torch_embedder.embed(crops) * onnx_embedder.embed(crops), axis=1)
    assert similarity.min() >= 0.999


def test_embeddings_are_unit_rows_whatever_the_batch(
    onnx_embedder: Embedder, drawn_faces: list[tuple[ImageRGB, FaceBox]]
) -> None:
    crops = [align_crop(image, box, margin=MARGIN, side=SIDE) for image, box in drawn_faces[:11]]
    together = onnx_embedder.embed(crops)
    assert together.shape == (11, 512)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(11), abs=1e-5)
    for crop, row in zip(crops, together, strict=True):
        assert onnx_embedder.embed([crop])[0] == pytest.approx(row, abs=1e-4)


def test_flip_averaging_makes_the_embedding_of_a_mirrored_crop_the_same(
    pack: Pack, onnx_embedder: Embedder, drawn_faces: list[tuple[ImageRGB, FaceBox]]
) -> None:
    crops = [align_crop(image, box, margin=MARGIN, side=SIDE) for image, box in drawn_faces[:4]]
    mirrored = [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]
    assert onnx_embedder.embed(crops) == pytest.approx(onnx_embedder.embed(mirrored), abs=1e-4)
    plain = embedder_on(Runtime("onnx", "cpu"), pack, ModelOptions(threads=1, flip_average=False))
    similarity = np.sum(plain.embed(crops) * plain.embed(mirrored), axis=1)
    assert similarity.max() < 0.9999
    assert plain.contract.id != onnx_embedder.contract.id
