"""`track_faces` on made-up animations of points on a sphere."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.domain import Detection, Embeddings, FaceBox, as_embeddings
from inference.tracking import Track, track_faces

HERE, BESIDE, FAR = (0.0, 0.0), (60.0, 0.0), (500.0, 300.0)

Face = tuple[float, tuple[float, float], float, float]


def face(degrees: float, at: tuple[float, float] = HERE, *, score: float = 0.9, side: float = 100.0) -> Face:
    """A face that looks like the angle says: 0° and 45° have the cosine 0.71, 0° and 90° have 0."""
    return degrees, at, score, side


def tracked(*frames: Sequence[Face]) -> list[Track]:
    detections = [
        [Detection(FaceBox(x, y, x + side, y + side), score) for _, (x, y), score, side in frame]
        for frame in frames
    ]
    return track_faces(detections, [looks(*(degrees for degrees, *_ in frame)) for frame in frames])


def looks(*degrees: float) -> Embeddings:
    radians = np.radians(np.array(degrees, dtype=np.float64).reshape(-1, 1))
    return as_embeddings(np.hstack([np.cos(radians), np.sin(radians), np.zeros_like(radians)]), 3)


def members(tracks: Sequence[Track]) -> list[list[tuple[int, int]]]:
    return [[(member.frame, member.index) for member in track.members] for track in tracks]


def test_embeddings_that_do_not_belong_to_the_detections_are_refused() -> None:
    detection = Detection(FaceBox(0, 0, 9, 9), 0.9)
    with pytest.raises(ValueError, match="1 detections and 2 embeddings in frame 0"):
        track_faces([[detection]], [looks(0, 1)])
    with pytest.raises(ValueError, match="zip"):
        track_faces([[detection]], [])


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([], []),
        ([[]], []),
        ([[], [], []], []),
        # Two faces of one frame are two people, however alike.
        ([[face(0), face(0)]], [[(0, 0)], [(0, 1)]]),
        # The same place and looks.
        ([[face(0)], [face(0)], [face(0)]], [[(0, 0), (1, 0), (2, 0)]]),
        # The same place, and she turned her head; the same change at another place; a cut to somebody else.
        ([[face(0)], [face(60)]], [[(0, 0), (1, 0)]]),
        ([[face(0)], [face(60, FAR)]], [[(0, 0)], [(1, 0)]]),
        ([[face(0)], [face(85)]], [[(0, 0)], [(1, 0)]]),
        # Looks alone suffice when they are very close.
        ([[face(0)], [face(30, FAR)]], [[(0, 0), (1, 0)]]),
        # Two people who change places.
        (
            [[face(0, HERE), face(90, FAR)], [face(90, HERE), face(0, FAR)]],
            [[(0, 0), (1, 1)], [(0, 1), (1, 0)]],
        ),
        # Look-alikes side by side are told apart by their places, in whatever order they are found.
        (
            [[face(0, HERE), face(20, FAR)], [face(10, FAR), face(10, HERE)]],
            [[(0, 0), (1, 1)], [(0, 1), (1, 0)]],
        ),
        # Best overall: the first face fits the first track better, but can do with the other.
        (
            [[face(0, HERE), face(20, FAR)], [face(10, BESIDE), face(-35, BESIDE)]],
            [[(0, 0), (1, 1)], [(0, 1), (1, 0)]],
        ),
        # A gap is bridged by looks, and not by place.
        ([[face(0)], [], [], [face(20, FAR)]], [[(0, 0), (3, 0)]]),
        ([[face(0)], [], [face(60)]], [[(0, 0)], [(2, 0)]]),
        # Somebody comes, somebody goes; tracks are listed by first appearance.
        (
            [[face(0)], [face(90, FAR), face(0)], [face(90, FAR)]],
            [[(0, 0), (1, 1)], [(1, 0), (2, 0)]],
        ),
    ],
)
def test_faces_become_tracks(frames: list[list[Face]], expected: list[list[tuple[int, int]]]) -> None:
    assert members(tracked(*frames)) == expected


def test_a_slow_turn_is_followed_by_the_mean() -> None:
    (track,) = tracked(*([face(10 * step)] for step in range(8)))
    assert len(track.members) == 8
    assert math.degrees(math.atan2(track.embedding[1], track.embedding[0])) == pytest.approx(35, abs=0.1)


@pytest.mark.parametrize(
    ("faces", "best_frame"),
    [
        ([face(0, score=0.5), face(0, score=0.9), face(0, score=0.8)], 1),
        ([face(0, side=100), face(0, side=90), face(0, side=110)], 2),
        ([face(0, score=0.9, side=50), face(0, score=0.5, side=100)], 1),
        ([face(0), face(0)], 0),
        ([face(0, score=0.0), face(0, score=0.0)], 0),
    ],
)
def test_the_best_member_has_the_highest_score_times_area(faces: list[Face], best_frame: int) -> None:
    (track,) = tracked(*([one] for one in faces))
    assert track.best_frame == best_frame
    _, (x, y), score, side = faces[best_frame]
    assert track.best == Detection(FaceBox(x, y, x + side, y + side), score)


def test_a_surer_detection_counts_more_in_the_mean() -> None:
    (track,) = tracked([face(0, score=0.9)], [face(40, score=0.1)])
    expected = looks(0) * 0.9 + looks(40) * 0.1
    np.testing.assert_allclose(track.embedding, expected[0] / np.linalg.norm(expected), rtol=1e-6)


def test_in_a_still_picture_every_face_keeps_its_own_embedding_bit_by_bit() -> None:
    embeddings = looks(0, 7, 123)
    detections = [Detection(FaceBox(9 * i, 0, 9 * i + 9, 9), 0.5) for i in range(3)]
    for track, detection, row in zip(
        track_faces([detections], [embeddings]), detections, embeddings, strict=True
    ):
        assert track.best == detection
        assert track.best_frame == 0
        assert track.embedding.tobytes() == row.tobytes()


faces = st.builds(
    face,
    st.integers(0, 359),
    st.tuples(st.integers(0, 300).map(float), st.integers(0, 300).map(float)),
    score=st.sampled_from([0.0, 0.3, 0.9]),
    side=st.sampled_from([0.0, 40.0, 120.0]),
)


@given(st.lists(st.lists(faces, max_size=4), max_size=6))
def test_every_face_is_in_exactly_one_track_and_no_track_has_two_of_one_frame(
    frames: list[list[Face]],
) -> None:
    tracks = tracked(*frames)
    found = sorted(member for track in members(tracks) for member in track)
    assert found == [(f, i) for f, frame in enumerate(frames) for i in range(len(frame))]
    assert [track[0] for track in members(tracks)] == sorted(track[0] for track in members(tracks))
    for track in tracks:
        seen = [member.frame for member in track.members]
        assert seen == sorted(set(seen))
        assert track.best_frame in seen
        assert np.linalg.norm(track.embedding) == pytest.approx(1, abs=1e-6)


@given(st.lists(st.lists(faces, max_size=4), max_size=5), st.randoms())
def test_the_order_of_detections_within_a_frame_changes_no_track_of_clearly_different_people(
    frames: list[list[Face]], random: object
) -> None:
    # Four people at right angles: whoever is in a frame can only join themselves.
    cast = [[face(90 * person, FAR) for person in range(len(frame))] for frame in frames]
    for frame in cast:
        random.shuffle(frame)  # type: ignore[attr-defined]
    together = {tuple(sorted({cast[f][i][0] for f, i in track})) for track in members(tracked(*cast))}
    assert together == {(90.0 * person,) for person in range(max(map(len, cast), default=0))}
