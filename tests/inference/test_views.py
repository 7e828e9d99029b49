"""A picture of any size becomes a few canvases, and what is found on them comes back in its pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from config.options import DetectionOptions
from inference.detection.views import View, cut_canvas, merge_views, plan_views, suppress
from inference.domain import Detection, FaceBox

SHAPES = ((640, 640), (640, 448), (448, 640), (320, 320), (320, 224), (224, 320))
OPTIONS = DetectionOptions()
sides = st.integers(1, 9_000) | st.sampled_from([1, 320, 640, 641, 2_560, 2_561, 16_000, 32_000])


def on_canvas(box: FaceBox, view: View) -> FaceBox:
    x, y, width, height = view.placed
    across, down = width / view.width, height / view.height
    return FaceBox(
        x + (box.x1 - view.left) * across,
        y + (box.y1 - view.top) * down,
        x + (box.x2 - view.left) * across,
        y + (box.y2 - view.top) * down,
    )


def holds(view: View, box: FaceBox) -> bool:
    return (
        view.left <= box.x1
        and view.top <= box.y1
        and box.x2 <= view.left + view.width
        and box.y2 <= view.top + view.height
    )


@given(width=sides, height=sides, max_tiles=st.integers(1, 60), overlap=st.floats(0, 0.9))
@settings(deadline=None)
def test_the_views_cover_the_picture_within_their_limits(
    width: int, height: int, max_tiles: int, overlap: float
) -> None:
    options = DetectionOptions(max_tiles=max_tiles, tile_overlap=overlap)
    views = plan_views(width, height, SHAPES, options)
    whole, *tiles = views
    assert (whole.left, whole.top, whole.width, whole.height) == (0, 0, width, height)
    assert len(tiles) <= max_tiles
    for view in views:
        assert view.canvas_wh in SHAPES
        assert view.left >= 0
        assert view.top >= 0
        assert view.left + view.width <= width
        assert view.top + view.height <= height
        x, y, placed_width, placed_height = view.placed
        assert 0 <= x <= x + placed_width <= view.canvas_wh[0]
        assert 0 <= y <= y + placed_height <= view.canvas_wh[1]
    if tiles:
        seen = np.zeros((-(-height // 8), -(-width // 8)), dtype=bool)
        for tile in tiles:
            seen[
                tile.top // 8 : -(-(tile.top + tile.height) // 8),
                tile.left // 8 : -(-(tile.left + tile.width) // 8),
            ] = True
        assert seen.all()


@given(width=st.integers(60, 12_000), height=st.integers(60, 12_000), data=st.data())
@settings(deadline=None, max_examples=200)
@example(800, 12_000, None)
def test_a_face_of_any_size_is_whole_and_large_enough_in_some_view(
    width: int, height: int, data: st.DataObject | None
) -> None:
    assume(width * height <= 50_000_000)
    if data is None:
        faces = [FaceBox(250, 450 + step, 550, 750 + step) for step in range(0, 11_000, 50)]
    else:
        size = data.draw(st.integers(50, min(width, height)))
        x, y = data.draw(st.integers(0, width - size)), data.draw(st.integers(0, height - size))
        faces = [FaceBox(x, y, x + size, y + size)]
    views = plan_views(width, height, SHAPES, OPTIONS)
    for face in faces:
        found = [
            (view, [Detection(on_canvas(face, view), 0.9)])
            for view in views
            if holds(view, face) and on_canvas(face, view).width >= min(24, face.width * 0.249)
        ]
        (only,) = merge_views(width, height, found, OPTIONS)
        assert only.box.iou(face) > 0.97


@given(
    width=st.integers(40, 4_000),
    height=st.integers(40, 4_000),
    place=st.tuples(*[st.floats(0, 1)] * 3),
)
@settings(deadline=None, max_examples=30)
@example(300, 4_000, (0.5, 0.97, 1))
@example(2_000, 2_000, (1, 1, 1))
@example(100, 100, (0, 0, 0))
def test_what_is_painted_is_found_again_within_a_pixel(
    width: int, height: int, place: tuple[float, float, float]
) -> None:
    size = round(20 + place[2] * (min(width, height) / 2 - 20))
    left, top = round(place[0] * (width - size)), round(place[1] * (height - size))
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[top : top + size, left : left + size] = 255
    painted = FaceBox(left, top, left + size, top + size)
    for view in plan_views(width, height, SHAPES, OPTIONS):
        if not holds(view, painted):
            continue
        canvas = cut_canvas(image, view)
        assert canvas.shape == (view.canvas_wh[1], view.canvas_wh[0], 3)
        rows, columns = np.nonzero(canvas[..., 0] > 127)
        assume(rows.size)
        box = FaceBox(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        options = DetectionOptions(smallest_face=0)
        back = merge_views(width, height, [(view, [Detection(box, 0.5)])], options)
        pixel = max(1.0, 1 / view.scale)
        for found in back:  # none when the square touches an inner edge of its tile
            assert found.box.xyxy == pytest.approx(painted.xyxy, abs=pixel)
        if view.width == width and view.height == height:
            assert len(back) == 1


def test_small_pictures_are_seen_once_on_the_smallest_canvas() -> None:
    for size in ((1, 1), (160, 160), (320, 200), (320, 20)):
        (view,) = plan_views(*size, SHAPES, OPTIONS)
        assert max(view.canvas_wh) == 320


def test_a_larger_picture_is_seen_once_as_large_as_a_canvas_allows() -> None:
    (view,) = plan_views(1_200, 800, SHAPES, OPTIONS)
    assert view.canvas_wh == (640, 448)
    assert view.placed == (0, 10, 640, 427)
    (view,) = plan_views(200, 321, SHAPES, OPTIONS)
    assert view.canvas_wh == (448, 640)


def test_the_ground_around_a_picture_is_grey() -> None:
    view = plan_views(640, 300, SHAPES, OPTIONS)[-1]
    canvas = cut_canvas(np.zeros((300, 640, 3), dtype=np.uint8), view)
    assert set(canvas[0].ravel()) == {114}
    assert set(canvas[canvas.shape[0] // 2].ravel()) == {0}


def at(x: float, y: float, size: float, score: float) -> Detection:
    return Detection(FaceBox(x, y, x + size, y + size), score)


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ([], []),
        ([at(0, 0, 10, 0.5)], [0]),
        ([at(0, 0, 10, 0.5), at(50, 0, 10, 0.9)], [1, 0]),
        ([at(0, 0, 10, 0.5), at(1, 1, 10, 0.9)], [1]),
        ([at(0, 0, 10, 0.5), at(0, 0, 10, 0.5)], [0]),
        ([at(0, 0, 100, 0.9), at(10, 10, 30, 0.5)], [0]),
        ([at(0, 0, 100, 0.5), at(10, 10, 30, 0.9)], [1, 0]),
        ([at(0, 0, 10, 0.9), at(4, 0, 10, 0.8), at(8, 0, 10, 0.7)], [0, 1, 2]),
    ],
    ids=["none", "one", "two apart", "same", "equal", "inside a better", "around a better", "chain"],
)
def test_overlapping_boxes_become_the_best_of_them(given_: list[Detection], kept: list[int]) -> None:
    assert suppress(given_, 0.5, contained=0.7) == tuple(given_[index] for index in kept)


def test_the_same_face_in_two_views_is_one_and_limits_hold() -> None:
    views = plan_views(800, 3_000, SHAPES, OPTIONS)
    face = FaceBox(300, 400, 420, 520)
    seen = [
        (view, [Detection(on_canvas(face, view), 0.5 + index / 100)])
        for index, view in enumerate(views)
        if holds(view, face)
    ]
    assert len(seen) > 1
    (only,) = merge_views(800, 3_000, seen, OPTIONS)
    assert only.box.xyxy == pytest.approx(face.xyxy, abs=0.01)
    whole = views[0]
    row = [Detection(on_canvas(FaceBox(x, 50, x + 40, 90), whole), 0.9 - x / 1e4) for x in range(0, 800, 80)]
    tiny = Detection(on_canvas(FaceBox(5, 2_000, 16, 2_011), whole), 0.99)
    merged = merge_views(800, 3_000, [(whole, [tiny, *row])], DetectionOptions(max_faces=3))
    assert [round(d.box.x1) for d in merged] == [0, 80, 160]


def test_a_face_cut_by_the_edge_of_its_tile_is_left_to_the_tile_that_sees_it_whole() -> None:
    _, first, second, *_ = plan_views(800, 3_000, SHAPES, OPTIONS)
    cut = FaceBox(100, first.top + first.height - 60, 200, first.top + first.height)
    whole = FaceBox(100, cut.y1, 200, cut.y1 + 110)
    assert holds(second, whole)
    found_ = [
        (first, [Detection(on_canvas(cut, first), 0.9)]),
        (second, [Detection(on_canvas(whole, second), 0.6)]),
    ]
    (only,) = merge_views(800, 3_000, found_, OPTIONS)
    assert only.score == 0.6


def test_a_face_at_the_edge_of_the_picture_is_kept_and_clipped() -> None:
    view = plan_views(600, 400, SHAPES, OPTIONS)[-1]
    over = FaceBox(-8, -5, 60, 70)
    (only,) = merge_views(600, 400, [(view, [Detection(on_canvas(over, view), 0.8)])], OPTIONS)
    assert only.box.xyxy == pytest.approx((0, 0, 60, 70))


def test_a_face_seen_in_two_views_gets_a_box_between_theirs_whichever_scored_best() -> None:
    whole = View(0, 0, 400, 400, (400, 400), 1.0)
    first, second = FaceBox(100, 100, 200, 200), FaceBox(106, 100, 210, 204)

    def merged(score: float, other: float) -> tuple[Detection, ...]:
        found = [(whole, [Detection(first, score)]), (whole, [Detection(second, other)])]
        return merge_views(400, 400, found, DetectionOptions())

    (one,), (other,) = merged(0.8001, 0.8), merged(0.8, 0.8001)
    assert one.score == other.score == 0.8001
    assert one.box.iou(other.box) > 0.999
    assert one.box.xyxy == pytest.approx((103, 100, 205, 202), abs=0.1)
