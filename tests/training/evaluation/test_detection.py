"""Detection figures: cases counted by hand, and the numbers of the COCO reference code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.domain import Detection, FaceBox
from tests.training.evaluation.made_faces import make_picture
from training.dataset.manifest import LabelledFace, LabelledPicture
from training.evaluation.detection import (
    SeenPicture,
    SizeRange,
    answered_share,
    average_precision,
    detection_figures,
    faces_of,
    picture_slices,
)

FACE = (10.0, 10.0, 60.0, 60.0)
OTHER = (110.0, 110.0, 160.0, 160.0)
NOWHERE = (10.0, 110.0, 60.0, 160.0)


def see(
    picture: LabelledPicture,
    found: list[tuple[tuple[float, float, float, float], float]],
    threshold: float = 0.5,
) -> SeenPicture:
    candidates = tuple(
        Detection(FaceBox(*box), score) for box, score in sorted(found, key=lambda one: -one[1])
    )
    served = tuple(one for one in candidates if one.score >= threshold)
    return SeenPicture(picture, candidates, served, greyscale=False)


def test_a_detector_that_is_right_is_perfect() -> None:
    figures = detection_figures([see(make_picture([FACE, OTHER]), [(FACE, 0.9), (OTHER, 0.8)])], 0.5)
    assert (figures.pictures, figures.faces) == (1, 2)
    assert (figures.at_pack.precision, figures.at_pack.recall, figures.at_pack.f1) == (1, 1, 1)
    assert figures.ap50 == figures.ap50_95 == 1
    assert figures.best.threshold == 0.8


def test_precision_recall_and_ap_are_those_counted_by_hand() -> None:
    """Right, wrong, right, missed: recalls 1/3, 2/3 at precisions 1, 2/3."""
    seen = [see(make_picture([FACE, OTHER, (0, 180, 20, 200)]), [(FACE, 0.9), (NOWHERE, 0.7), (OTHER, 0.4)])]
    figures = detection_figures(seen, 0.5)
    assert (figures.at_pack.precision, figures.at_pack.recall) == (0.5, pytest.approx(1 / 3))
    assert (figures.best.threshold, figures.best.f1) == (0.4, pytest.approx(2 / 3))
    # 34 of the 101 recalls are at most 1/3, and 33 more at most 2/3.
    assert figures.ap50 == pytest.approx((34 * 1 + 33 * 2 / 3) / 101)


def test_a_second_box_on_the_same_face_is_wrong() -> None:
    shifted = (12.0, 10.0, 62.0, 60.0)
    figures = detection_figures([see(make_picture([FACE]), [(FACE, 0.9), (shifted, 0.8)])], 0.5)
    assert (figures.at_pack.precision, figures.at_pack.recall) == (0.5, 1)
    assert figures.ap50 == 1


@pytest.mark.parametrize(("shift", "ap50", "ap50_95"), [(10.0, 1.0, 0.4), (16.0, 1.0, 0.1), (18.0, 0.0, 0.0)])
def test_a_shifted_box_is_right_up_to_its_overlap(shift: float, ap50: float, ap50_95: float) -> None:
    """IoU (50 - shift) / (50 + shift): 0.667 reaches 0.50 to 0.65, 0.515 reaches 0.50, 0.471 none."""
    box = (FACE[0] + shift, FACE[1], FACE[2] + shift, FACE[3])
    figures = detection_figures([see(make_picture([FACE]), [(box, 0.9)])], 0.5)
    assert (figures.ap50, figures.ap50_95) == (ap50, pytest.approx(ap50_95))


def test_a_label_that_is_unsure_counts_neither_way() -> None:
    picture = make_picture([FACE], state="unsure")
    seen = [see(picture, [(FACE, 0.9)]), see(make_picture([OTHER]), [(OTHER, 0.8)])]
    ignored = detection_figures(seen, 0.5)
    assert (ignored.faces, ignored.at_pack.precision, ignored.at_pack.recall, ignored.ap50) == (1, 1, 1, 1)
    nothing = detection_figures(seen[:1], 0.5)
    assert np.isnan([nothing.ap50, nothing.at_pack.precision, nothing.at_pack.recall]).all()


def test_a_slice_by_size_looks_for_such_faces_only() -> None:
    small = (100.0, 10.0, 120.0, 30.0)
    seen = [see(make_picture([FACE, small]), [(FACE, 0.9), (OTHER, 0.8), (small, 0.7)])]
    tiny = detection_figures(seen, 0.5, SizeRange(0, 32))
    assert (tiny.faces, tiny.at_pack.precision, tiny.at_pack.recall) == (1, 1, 1)  # the wrong box is large
    large = detection_figures(seen, 0.5, SizeRange(0.2, 1, relative=True))
    assert (large.faces, large.at_pack.precision, large.at_pack.recall) == (1, 0.5, 1)


def test_boxes_of_the_same_score_come_in_together() -> None:
    """Else the figure would hang on the order in which pictures are listed."""
    right, wrong = see(make_picture([FACE]), [(FACE, 0.9)]), see(make_picture(), [(FACE, 0.9)])
    one, other = (detection_figures(seen, 0.5).ap50 for seen in ([right, wrong], [wrong, right]))
    assert one == other == 0.5


def test_average_precision_of_nothing_found_is_nothing() -> None:
    assert average_precision(np.zeros(0), np.zeros(0)) == 0
    assert detection_figures([see(make_picture([FACE]), [])], 0.5).ap50 == 0


def test_the_figures_are_those_of_the_reference_code() -> None:
    """What pycocotools 2.0.11 says of the same boxes, whole and by size (area ranges of the longer side)."""
    seen = random_pictures()
    expected = {
        None: REFERENCE[0],
        SizeRange(0, 64): REFERENCE[1],
        SizeRange(64, 128): REFERENCE[2],
        SizeRange(128, 1e9): REFERENCE[3],
    }
    for size, figures in expected.items():
        found = detection_figures(seen, 0.5, size)
        assert (found.ap50, found.ap50_95) == pytest.approx(figures, abs=1e-9)


def test_the_share_of_empty_pictures_that_are_answered() -> None:
    empty = [see(make_picture(), found) for found in ([], [(FACE, 0.4)], [(FACE, 0.9)], [(FACE, 0.6)])]
    seen = [*empty, see(make_picture([FACE]), [(FACE, 0.9)])]
    assert answered_share(seen) == 0.5
    assert answered_share(seen, 0.7) == 0.25
    assert answered_share(seen, 0.3) == 0.75
    assert np.isnan(answered_share(seen[4:]))


def test_pictures_are_sliced_by_what_they_show_and_where_they_are_from() -> None:
    crowd = [(30.0 * n, 0.0, 30.0 * n + 20, 20.0) for n in range(5)]
    seen = [
        see(make_picture([FACE], source="a"), []),
        see(make_picture([FACE], source="b", state="pseudo"), []),
        see(make_picture(crowd, source="b"), []),
        see(make_picture(source="c"), []),
    ]
    slices = {name: len(entries) for name, entries in picture_slices(seen, {"both": ("a", "c")}).items()}
    assert slices == {
        "labelled by a person": 2,
        "crowded, 5 faces or more": 1,
        "both": 2,
        "source a": 1,
        "source b": 2,
        "source c": 1,
    }


def test_each_box_is_told_which_face_it_is() -> None:
    picture = make_picture([FACE, OTHER])
    shifted = (12.0, 10.0, 62.0, 60.0)
    found = see(picture, [(OTHER, 0.9), (shifted, 0.8), (FACE, 0.7), (NOWHERE, 0.6)]).candidates
    assert faces_of(found, picture) == [1, 0, None, None]


def random_pictures() -> list[SeenPicture]:
    generator = np.random.default_rng(3)
    seen = []
    for number in range(30):
        faces, found = [], []
        for _ in range(generator.integers(0, 6)):
            x, y, width, height = *generator.uniform(0, 500, 2), *generator.uniform(10, 200, 2)
            corners = np.array([x, y, x + width, y + height])
            faces.append(LabelledFace(FaceBox(*map(float, corners))))
            for _ in range(generator.integers(0, 3)):
                moved = corners + generator.normal(0, 0.1, 4) * (width, height, width, height)
                if moved[2] > moved[0] + 2 and moved[3] > moved[1] + 2:
                    found.append((tuple(map(float, moved)), float(generator.random())))
        for _ in range(generator.integers(0, 3)):
            x, y, width, height = *generator.uniform(0, 500, 2), *generator.uniform(10, 200, 2)
            found.append(((x, y, x + width, y + height), float(generator.random())))
        picture = LabelledPicture(Path(f"{number}.png"), 700, 700, "made", "val", tuple(faces))
        seen.append(see(picture, found))
    return seen


REFERENCE = (
    (0.412437654667, 0.193312723504),
    (0.554455445545, 0.280033003300),
    (0.282141194889, 0.112501573644),
    (0.464119525352, 0.235559525752),
)
