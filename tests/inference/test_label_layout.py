"""Labels find places near their faces, inside the picture, off other faces and each other."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference import label_layout
from inference.domain import FaceBox
from inference.label_layout import Layout, place_labels

SIZE = (1000, 800)


def tags_of(layout: Layout) -> list[FaceBox]:
    return [placement.box for placement in layout.placements]


def overlaps(layout: Layout, frames: list[FaceBox]) -> list[tuple[int, int]]:
    """Pairs of tags, and of a tag and another's frame, that share area."""
    tags = tags_of(layout)
    pairs = [(a, b) for a, b in itertools.combinations(range(len(tags)), 2) if tags[a].intersection(tags[b])]
    return pairs + [
        (a, b)
        for a, tag in enumerate(tags)
        for b, frame in enumerate(frames)
        if a != b and tag.intersection(frame)
    ]


def square(x: float, y: float, side: float) -> FaceBox:
    return FaceBox(x, y, x + side, y + side)


frames_anywhere = st.builds(
    square,
    st.floats(-50, SIZE[0]),
    st.floats(-50, SIZE[1]),
    st.floats(0, 600),
).map(lambda box: box.clipped(*SIZE))
tag_sizes = st.tuples(st.integers(10, 300), st.integers(10, 60))


@given(st.lists(st.tuples(frames_anywhere, tag_sizes), max_size=12))
@settings(max_examples=80, deadline=None)
def test_every_tag_keeps_its_size_and_lies_in_the_picture_on_whole_pixels(
    faces: list[tuple[FaceBox, tuple[int, int]]],
) -> None:
    frames, tags = [frame for frame, _ in faces], [tag for _, tag in faces]
    layout = place_labels(SIZE, frames, tags)
    assert len(layout.placements) == len(faces)
    for box, (width, height) in zip(tags_of(layout), tags, strict=True):
        assert (box.width, box.height) == (width, height)
        assert box.clipped(*SIZE) == box
        assert all(value == int(value) for value in box.xyxy)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_where_there_is_room_no_tag_overlaps_anything_and_all_touch_their_frames(data: st.DataObject) -> None:
    cell = (SIZE[0] / 4, SIZE[1] / 4)
    cells = data.draw(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1))
    frames, tags = [], []
    for column, row in sorted(cells):
        side = data.draw(st.floats(30, 100))
        x = column * cell[0] + data.draw(st.floats(0, cell[0] - side))
        y = row * cell[1] + data.draw(st.floats(0, cell[1] - side - 40))
        frames.append(square(x, y, side))
        tags.append((data.draw(st.integers(20, 120)), data.draw(st.integers(10, 30))))
    layout = place_labels(SIZE, frames, tags)
    assert overlaps(layout, frames) == []
    assert layout.covered == 0
    assert not any(placement.moved for placement in layout.placements)


@given(st.lists(st.tuples(frames_anywhere, tag_sizes), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_favourite_places_are_those_that_all_tags_would_choose(
    faces: list[tuple[FaceBox, tuple[int, int]]],
) -> None:
    frames, tags = [frame for frame, _ in faces], [tag for _, tag in faces]
    found = place_labels(SIZE, frames, tags[:5])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(label_layout, "_FEW", -1)
        assert place_labels(SIZE, frames, tags[:5]) == found


@given(st.lists(st.tuples(frames_anywhere, st.tuples(st.integers(90, 300), st.integers(40, 90))), max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_tag_covers_others_only_when_there_is_no_wide_free_place_in_the_picture(
    faces: list[tuple[FaceBox, tuple[int, int]]],
) -> None:
    frames, tags = [frame for frame, _ in faces], [tag for _, tag in faces]
    layout = place_labels(SIZE, frames, tags)
    placed = tags_of(layout)
    for index, (width, height) in enumerate(tags):
        others = [box for i, box in enumerate(placed) if i != index]
        others += [box for i, box in enumerate(frames) if i != index]
        if sum(placed[index].intersection(other) for other in others) <= 0.02 * width * height:
            continue
        windows = (
            FaceBox(x, y, x + 1.6 * width, y + 1.6 * height)
            for x in range(0, int(SIZE[0] - 1.6 * width) + 1, 20)
            for y in range(0, int(SIZE[1] - 1.6 * height) + 1, 20)
        )
        assert all(any(window.intersection(other) for other in others) for window in windows)


def test_no_faces_need_no_places() -> None:
    assert place_labels(SIZE, [], []) == Layout((), 0.0)


@pytest.mark.parametrize(
    ("face", "side"),
    [
        (square(400, 300, 200), "below"),
        (square(400, 600, 200), "above"),
        (square(0, 300, 200), "below"),
        (square(800, 300, 200), "below"),
        (FaceBox(300, 0, 500, 800), "beside"),
        (FaceBox(0, 0, 1000, 800), "inside"),
    ],
)
def test_a_lone_tag_takes_the_best_side_that_the_picture_has(face: FaceBox, side: str) -> None:
    layout = place_labels(SIZE, [face], [(150, 40)])
    (tag,) = tags_of(layout)
    found = {
        "below": tag.y1 == face.y2,
        "above": tag.y2 == face.y1,
        "beside": tag.x1 == face.x2 or tag.x2 == face.x1,
        "inside": tag.intersection(face) == tag.area,
    }
    assert found[side]
    assert not layout.placements[0].moved


def test_a_tag_avoids_the_face_below_it() -> None:
    frames = [square(400, 300, 200), square(400, 500, 200)]
    assert overlaps(place_labels(SIZE, frames, [(150, 40)] * 2), frames) == []


def test_faces_without_tags_are_kept_free() -> None:
    frames = [square(400, 300, 200), square(400, 500, 200), square(400, 100, 200)]
    layout = place_labels(SIZE, frames, [(150, 40)])
    assert len(layout.placements) == 1
    assert overlaps(layout, frames) == []


def test_a_face_walled_in_by_faces_sends_its_tag_to_a_free_place_or_wears_it_itself() -> None:
    frames = [square(400 + 60 * dx, 400 + 60 * dy, 60) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    frames.insert(0, frames.pop(4))
    layout = place_labels(SIZE, frames, [(140, 30)] * 9)
    assert overlaps(layout, frames) == []
    assert layout.placements[0].moved
    assert layout.placements[0].distance > 0


def test_a_tag_that_is_larger_than_the_picture_begins_at_its_corner() -> None:
    (tag,) = tags_of(place_labels((50, 30), [FaceBox(10, 10, 40, 25)], [(90, 40)]))
    assert tag == FaceBox(0, 0, 90, 40)


def test_overlap_that_cannot_be_avoided_is_reported() -> None:
    assert (
        place_labels((100, 40), [FaceBox(0, 0, 50, 40), FaceBox(50, 0, 100, 40)], [(90, 30)] * 2).covered
        > 0.5
    )


def test_sixty_four_faces_in_a_crowd_have_tags_that_overlap_nothing() -> None:
    frames = [square(20 + 120 * column, 15 + 98 * row, 55) for row in range(8) for column in range(8)]
    assert overlaps(place_labels(SIZE, frames, [(100, 24)] * 64), frames) == []
