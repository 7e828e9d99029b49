"""Annotated pictures: frames where faces are, tags that can be read, files within the limit."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from config.options import AnnotateOptions
from inference.annotate import (
    AnnotateWords,
    annotate,
    annotate_encoded,
    number_faces,
    number_faces_encoded,
)
from inference.domain import (
    Character,
    CharacterId,
    Decision,
    Detection,
    FaceBox,
    FaceResult,
    Identification,
    ImageRGB,
    Scope,
)
from inference.marks import DOUBTFUL, STRANGE, SURE, Style

OPTIONS = AnnotateOptions()
GREY = (128, 128, 128)


def plain(width: int, height: int, colour: tuple[int, int, int] = GREY) -> ImageRGB:
    return np.full((height, width, 3), colour, np.uint8)


def noise(width: int, height: int) -> ImageRGB:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def make_face(*xyxy: float, decision: Decision = Decision.KNOWN, name: str = "Chitanda Eru") -> FaceResult:
    character = Character(CharacterId(name), Scope("cli"), name) if decision is not Decision.UNKNOWN else None
    return FaceResult(
        detection=Detection(FaceBox(*xyxy), 0.9), frame=0, decision=decision, character=character, matches=()
    )


def make_result(*faces: FaceResult) -> Identification:
    return Identification(width=0, height=0, faces=faces)


def crowd(count: int, side: float, pitch: float, *, per_row: int = 8) -> Identification:
    decisions = list(Decision)
    return make_result(
        *(
            make_face(x, y, x + side, y + side, decision=decisions[index % 3], name=f"Character {index}")
            for index in range(count)
            for x, y in [(4 + index % per_row * pitch, 4 + index // per_row * pitch)]
        )
    )


def changed(picture: ImageRGB, ground: ImageRGB) -> NDArray[np.bool_]:
    return (picture != ground).any(axis=2)


def touched(difference: NDArray[np.bool_], face: FaceBox) -> bool:
    """Whether something was drawn on the face, apart from its corners, which the frame rounds off."""
    x1, y1, x2, y2 = int(face.x1) + 1, int(face.y1) + 1, int(face.x2) - 1, int(face.y2) - 1
    corner = round(0.12 * min(face.width, face.height))
    cross = (slice(y1, y2), slice(x1 + corner, x2 - corner)), (slice(y1 + corner, y2 - corner), slice(x1, x2))
    return any(bool(difference[part].any()) for part in cross)


def luminance(colour: tuple[int, int, int]) -> float:
    """WCAG 2 relative luminance."""
    channels = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return float(np.dot(channels, (0.2126, 0.7152, 0.0722)))


def line_of_frame(picture: ImageRGB, ground: ImageRGB, face: FaceBox) -> NDArray[np.bool_]:
    """Where along the face's upper side, between the corners, the frame's line is drawn."""
    x1, x2, y1 = int(face.x1) + 30, int(face.x2) - 30, int(face.y1)
    drawn: NDArray[np.bool_] = changed(picture, ground)[y1 - 16 : y1, x1:x2].any(axis=0)
    return drawn


def test_nothing_is_drawn_where_no_face_was_found() -> None:
    image = noise(400, 330)
    picture = annotate(image, make_result(), OPTIONS)
    assert np.array_equal(picture, image)
    assert not np.shares_memory(picture, image)


def test_the_input_is_left_as_it_is() -> None:
    image = noise(500, 400)
    before = image.copy()
    image.flags.writeable = False
    result = crowd(6, 60, 120, per_row=3)
    annotate(image, result, OPTIONS)
    annotate_encoded(image, result, OPTIONS)
    number_faces(image, [face.detection for face in result.faces], OPTIONS)
    assert np.array_equal(image, before)


def test_the_same_input_gives_the_same_picture() -> None:
    result = crowd(9, 60, 120, per_row=3)
    pictures = [annotate(plain(500, 500), result, OPTIONS) for _ in range(2)]
    assert np.array_equal(*pictures)


@pytest.mark.parametrize("decision", list(Decision))
@pytest.mark.parametrize("box", [(100, 100, 300, 300), (350, 120, 500, 310), (40.4, 300.7, 180.2, 430.1)])
def test_a_frame_goes_around_a_face_and_leaves_it_untouched(
    decision: Decision, box: tuple[float, float, float, float]
) -> None:
    ground = plain(600, 600)
    difference = changed(annotate(ground, make_result(make_face(*box, decision=decision)), OPTIONS), ground)
    assert not touched(difference, FaceBox(*box))
    x1, y1, x2, y2 = map(round, box)
    ring = 20
    for side in (
        difference[y1 - ring : y1, x1:x2],
        difference[y2 : y2 + ring, x1:x2],
        difference[y1:y2, x1 - ring : x1].T,
        difference[y1:y2, x2 : x2 + ring].T,
    ):
        assert side.any(axis=0).mean() > 0.2


def test_decisions_can_be_told_apart_without_colour() -> None:
    ground, box = plain(800, 800), (200, 300, 500, 600)
    lines = {
        decision: line_of_frame(
            annotate(ground, make_result(make_face(*box, decision=decision)), OPTIONS), ground, FaceBox(*box)
        )
        for decision in Decision
    }
    pieces = {decision: int(np.diff(line.astype(int)).clip(0).sum()) for decision, line in lines.items()}
    assert lines[Decision.KNOWN].all()
    assert 0.6 < lines[Decision.UNSURE].mean() < 0.9
    assert 0.3 < lines[Decision.UNKNOWN].mean() < 0.6
    assert pieces[Decision.UNKNOWN] > 1.5 * pieces[Decision.UNSURE] >= 6


def test_an_unsure_name_has_a_mark_that_a_known_one_has_not() -> None:
    ground = plain(800, 400)
    widths = []
    for decision in (Decision.KNOWN, Decision.UNSURE):
        picture = annotate(ground, make_result(make_face(300, 100, 400, 200, decision=decision)), OPTIONS)
        tag = changed(picture, ground)[222:240].any(axis=0)
        widths.append(int(tag.sum()))
    assert widths[1] > widths[0] + 5


@pytest.mark.parametrize("style", [SURE, DOUBTFUL, STRANGE])
def test_text_on_a_tag_has_contrast(style: Style) -> None:
    lighter, darker = sorted((luminance(style.ink), luminance(style.fill)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("decision", "style"),
    [(Decision.KNOWN, SURE), (Decision.UNSURE, DOUBTFUL), (Decision.UNKNOWN, STRANGE)],
)
def test_a_tag_shows_its_text_in_full_contrast(decision: Decision, style: Style) -> None:
    picture = annotate(
        plain(600, 600), make_result(make_face(200, 200, 350, 350, decision=decision)), OPTIONS
    )
    pixels = picture.reshape(-1, 3)
    assert (pixels == style.fill).all(axis=1).sum() > 500
    assert (pixels == style.ink).all(axis=1).sum() > 100


@pytest.mark.parametrize(
    "colour", [(0, 0, 0), (255, 255, 255), GREY, SURE.fill, DOUBTFUL.fill, STRANGE.fill, (255, 0, 0)]
)
@pytest.mark.parametrize("decision", list(Decision))
def test_a_frame_shows_on_any_ground(colour: tuple[int, int, int], decision: Decision) -> None:
    ground = plain(600, 600, colour)
    picture = annotate(ground, make_result(make_face(200, 200, 400, 400, decision=decision)), OPTIONS)
    above = picture[180:200, 230:370].reshape(-1, 3).astype(int)
    assert np.abs(above - colour).sum(axis=1).max() > 250


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1, 1), (320, 320)),
        ((64, 64), (320, 320)),
        ((64, 128), (320, 640)),
        ((64, 640), (128, 1280)),
        ((100, 2_000), (100, 2_000)),
        ((320, 4_000), (320, 4_000)),
        ((1_000, 1_000), (1_000, 1_000)),
        ((4_097, 1_000), (4_096, 1_000)),
        ((7_680, 4_320), (4_096, 2_304)),
        ((1, 30_000), (1, 4_096)),
    ],
)
def test_small_pictures_are_enlarged_and_huge_ones_reduced(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    width, height = size
    result = make_result(make_face(0.2 * width, 0.2 * height, 0.8 * width, 0.7 * height))
    picture = annotate(plain(width, height), result, OPTIONS)
    assert picture.shape == (expected[1], expected[0], 3)
    assert changed(picture, plain(*expected)).any()


def test_an_enlarged_picture_has_its_frame_where_the_face_is() -> None:
    picture = annotate(plain(64, 64), make_result(make_face(20, 16, 44, 40)), OPTIONS)
    difference = changed(picture, plain(320, 320))
    face = FaceBox(100, 80, 220, 200)
    assert not touched(difference, face)
    assert line_of_frame(picture, plain(320, 320), face).all()


def test_lines_and_text_grow_with_the_picture_and_with_the_face() -> None:
    def marked(side: int, face: int) -> int:
        ground = plain(side, side)
        start = side // 3
        picture = annotate(ground, make_result(make_face(start, start, start + face, start + face)), OPTIONS)
        column = changed(picture, ground)[:start, start + face // 2]
        return int(column.sum())

    small, large_face, large = marked(1_000, 100), marked(1_000, 500), marked(4_000, 400)
    assert small < large_face < large


def test_a_face_that_fills_the_picture_has_frame_and_tag_inside() -> None:
    ground = plain(500, 400)
    difference = changed(annotate(ground, make_result(make_face(0, 0, 500, 400)), OPTIONS), ground)
    assert difference.any(axis=1).mean() > 0.9
    assert not difference[30:340, 30:470].any()


@pytest.mark.parametrize(
    "box",
    [
        (-50, -50, 60, 60),
        (560, 560, 700, 700),
        (700, 700, 800, 800),
        (-90, -90, -10, -10),
        (300, 300, 300, 300),
        (0, 0, 1, 1),
        (-1e6, -1e6, 1e6, 1e6),
    ],
)
def test_boxes_at_or_beyond_the_edges_do_no_harm(box: tuple[float, float, float, float]) -> None:
    for decision in Decision:
        picture = annotate(plain(600, 600), make_result(make_face(*box, decision=decision)), OPTIONS)
        assert picture.shape == (600, 600, 3)


@pytest.mark.parametrize(
    "name",
    [
        "A" * 4_000,
        "い" * 4_000,
        "word " * 800,
        "\u202egnp.exe\u202c",
        "Z̸̡̢̛̦͇̥̟a̷̡̛͔̰̙l̶̨̛̰͙" * 100,
        '</text><image href="file:///etc/passwd"/>',
        "a\x00b\x1b[31m",
        "\ud800\udfff\ufffe",
        "\u200b\u200b",
        "",
        "﷽﷽﷽",
        "👨‍👩‍👧‍👦" * 60,
    ],
)
@pytest.mark.parametrize("side", [64, 700])
def test_a_hostile_name_stays_on_a_tag_near_its_face(name: str, side: int) -> None:
    ground = plain(side, side)
    face = FaceBox(0.4 * side, 0.4 * side, 0.6 * side, 0.6 * side)
    picture = annotate(ground, make_result(make_face(*face.xyxy, name=name)), OPTIONS)
    difference = changed(picture, plain(*picture.shape[1::-1]))
    scale = picture.shape[0] / side
    # One tag below or above the frame; nothing elsewhere.
    assert not difference[: int(0.2 * side * scale)].any()
    assert not difference[int(0.8 * side * scale) :].any()
    assert (picture == np.array(SURE.fill)).all(axis=2).sum() > 300


def test_the_words_can_be_said_in_another_language() -> None:
    result = make_result(make_face(200, 200, 350, 350, decision=Decision.UNKNOWN))
    english = annotate(plain(600, 600), result, OPTIONS)
    japanese = annotate(plain(600, 600), result, OPTIONS, AnnotateWords(unknown="だれ？", doubt="？"))
    assert changed(english, japanese).any()


def test_many_faces_with_room_have_their_names_in_the_picture() -> None:
    picture = annotate(plain(1_600, 1_600), crowd(36, 70, 260, per_row=6), OPTIONS)
    assert picture.shape == (1_600, 1_600, 3)


@pytest.mark.parametrize(
    ("side", "result"), [(900, crowd(64, 100, 112)), (64, crowd(64, 7, 7.5))], ids=["900 px", "64 px"]
)
def test_a_crowd_is_numbered_and_listed_below_the_picture(side: int, result: Identification) -> None:
    picture = annotate(plain(side, side), result, OPTIONS)
    height, width = picture.shape[:2]
    assert width == max(320, side)
    assert height > 1.2 * width
    panel = picture[width:]
    assert (panel == 255).all(axis=2).any(axis=0).mean() > 0.2, "names are written in white"
    for style in (SURE, DOUBTFUL, STRANGE):
        assert (panel == np.array(style.fill)).all(axis=2).sum() > 100


def test_a_crowd_of_one_name_is_one_line_in_the_list() -> None:
    result = crowd(64, 100, 112)
    one = make_result(*(replace(f, character=make_face(0, 0, 1, 1).character) for f in result.faces))
    few, many = (annotate(plain(900, 900), each, OPTIONS).shape[0] for each in (one, result))
    assert 900 < few < many


def test_a_crowd_with_its_list_stays_within_the_longest_side() -> None:
    picture = annotate(plain(900, 900), crowd(64, 100, 112), replace(OPTIONS, max_side=1_000))
    assert max(picture.shape) == 1_000


def test_faces_are_numbered_in_the_given_order() -> None:
    ground = plain(900, 400)
    boxes = [FaceBox(x, 120, x + 160, 280) for x in (60, 370, 680)]
    there = number_faces(ground, [Detection(box, 0.9) for box in boxes], OPTIONS)
    back = number_faces(ground, [Detection(box, 0.9) for box in boxes[::-1]], OPTIONS)
    one, two, three = (there[280:, x : x + 200] for x in (40, 350, 660))
    assert changed(one, two).any() and changed(two, three).any() and changed(one, three).any()
    assert np.array_equal(back[280:, 660:860], one)
    assert np.array_equal(back[280:, 350:550], two)
    assert not any(touched(changed(there, ground), box) for box in boxes)


def test_a_numbered_crowd_has_no_list() -> None:
    detections = [face.detection for face in crowd(64, 100, 112).faces]
    assert number_faces(plain(900, 900), detections, OPTIONS).shape == (900, 900, 3)


@pytest.mark.parametrize(("kind", "suffix"), [("jpeg", "jpg"), ("webp", "webp")])
def test_the_file_is_of_the_wanted_format_and_size(kind: Literal["jpeg", "webp"], suffix: str) -> None:
    options = replace(OPTIONS, format=kind)
    encoded = annotate_encoded(plain(500, 400), crowd(3, 80, 150), options)
    decoded = cv2.imdecode(np.frombuffer(encoded.data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert (encoded.media_type, encoded.suffix) == (f"image/{kind}", suffix)
    assert decoded.shape == (encoded.height, encoded.width, 3) == (400, 500, 3)
    drawn = annotate(plain(500, 400), crowd(3, 80, 150), options)
    assert np.abs(decoded.astype(int) - drawn).mean() < 5


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
@pytest.mark.parametrize("max_bytes", [5_000, 60_000, 250_000])
def test_even_noise_is_encoded_within_the_limit(kind: Literal["jpeg", "webp"], max_bytes: int) -> None:
    options = replace(OPTIONS, format=kind, max_bytes=max_bytes)
    encoded = annotate_encoded(noise(900, 700), crowd(4, 80, 150), options)
    assert len(encoded.data) <= max_bytes
    decoded = cv2.imdecode(np.frombuffer(encoded.data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert decoded.shape == (encoded.height, encoded.width, 3)


def test_a_limit_that_nothing_can_keep_gives_the_smallest_file() -> None:
    encoded = annotate_encoded(noise(900, 700), crowd(4, 80, 150), replace(OPTIONS, max_bytes=1))
    assert max(encoded.width, encoded.height) == 64


@pytest.mark.parametrize("writeable", [True, False])
@pytest.mark.parametrize(
    ("width", "height", "max_bytes"), [(500, 400, None), (900, 700, 60_000), (90, 70, None)]
)
def test_a_picture_that_may_be_spoilt_gives_the_same_file(
    width: int, height: int, max_bytes: int | None, writeable: bool
) -> None:
    options = replace(OPTIONS, max_bytes=max_bytes or OPTIONS.max_bytes)
    image, result = noise(width, height), crowd(2, 30, 40)
    expected = annotate_encoded(image, result, options)
    before = image.copy()
    image.flags.writeable = writeable
    assert annotate_encoded(image, result, options, spoil=True) == expected
    # One that is enlarged, or that may have to be drawn again in a smaller size, is left alone.
    spoilt = writeable and (width, max_bytes) == (500, None)
    assert np.array_equal(image, before) != spoilt


def test_quality_is_lowered_before_size() -> None:
    image, result = noise(400, 400), crowd(2, 80, 150)
    best = annotate_encoded(image, result, OPTIONS)
    limited = annotate_encoded(image, result, replace(OPTIONS, max_bytes=int(0.8 * len(best.data))))
    assert (limited.width, limited.height) == (best.width, best.height)
    assert len(limited.data) < len(best.data)


def test_the_numbered_picture_keeps_the_limit_too() -> None:
    detections = [face.detection for face in crowd(4, 80, 150).faces]
    encoded = number_faces_encoded(noise(900, 700), detections, replace(OPTIONS, max_bytes=60_000))
    assert len(encoded.data) <= 60_000
