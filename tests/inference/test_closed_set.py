"""Packs whose detector names the characters itself: what they answer, and what they refuse."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from config.options import DecisionOptions, DetectionOptions, ModelOptions, Options
from inference.closed_set import as_probes, class_probabilities
from inference.detection.canvases import DetectorSpec
from inference.detection.ssd import SsdDetector
from inference.detection.views import merge_views, plan_views
from inference.detection.yolo import YoloDetector
from inference.domain import Decision, Detection, FaceBox, Scope
from inference.enroll import EnrollRequest
from inference.errors import (
    CharacterNotFoundError,
    ClosedSetError,
    ModelFileError,
    NoEmbedderError,
    SettingsError,
)
from inference.fixed_batches import FloatArray
from inference.gallery.factory import open_gallery
from inference.models import find_pack, load_manifest, open_embedder, resolve_runtimes, verify_pack
from inference.service import Answer, open_face_service, open_pipeline
from tests.flow.command_line import CommandLine
from tests.inference.models.tiny_pack import make_pack

HERE = Scope("here")
CHARACTERS = [
    {"class": "hand", "name": "Red Hand", "series": "Colours"},
    {"class": "head", "name": "Green Head"},
]
CLOSED: dict[str, Any] = {
    "embedder": None,
    "calibration": None,
    "detector.face_classes": ["face", "head", "hand"],
    "closed_set": {"threshold": 0.7, "margin": 0.2, "measured_on": "nothing", "characters": CHARACTERS},
}
RED, GREEN, BLUE = (242, 0, 0), (0, 242, 0), (0, 0, 242)


def options(tmp_path: Path, changes: Mapping[str, Any] | None = None, **others: Any) -> Options:
    made = Options(data_dir=tmp_path, models=ModelOptions(pack="tiny", runtime="onnx", threads=1), **others)
    make_pack(made.packs_dir / "tiny", {**deepcopy(CLOSED), **(changes or {})})
    return made


def picture(*cells: tuple[int, int, int]) -> bytes:
    """64 × 64 with up to four cells in these colours, row by row: what the tiny pack's detector looks at."""
    image = np.zeros((64, 64, 3), np.uint8)
    for number, colour in enumerate(cells):
        y, x = divmod(number, 2)
        image[32 * y : 32 * y + 32, 32 * x : 32 * x + 32] = colour
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png")
    return buffer.getvalue()


async def identify(made: Options, data: bytes) -> Answer:
    async with open_face_service(made, read_only=True) as service:
        return await service.identify(data, [HERE])


# ── naming ──────────────────────────────────────────────────────────────────────────────────────


async def test_the_detectors_class_is_the_name_and_its_probability_the_similarity(tmp_path: Path) -> None:
    answer = await identify(options(tmp_path), picture(RED, GREEN))
    left, right = answer.identification.faces
    assert (left.decision, right.decision) == (Decision.KNOWN, Decision.KNOWN)
    assert left.character is not None
    assert (left.character.name, left.character.series) == ("Red Hand", "Colours")
    assert right.character is not None
    assert right.character.display_name == "Green Head"
    assert left.detection.box.iou(FaceBox(0, 0, 32, 32)) > 0.99
    assert [match.character.name for match in left.matches] == ["Red Hand", "Green Head"]
    assert [match.similarity for match in left.matches] == pytest.approx([242 / 255, 0], abs=1e-4)
    assert answer.picture is not None


@pytest.mark.parametrize(
    ("colour", "decision", "name"),
    [
        ((242, 0, 0), Decision.KNOWN, "Red Hand"),
        ((242, 102, 0), Decision.KNOWN, "Red Hand"),  # 0.95 and 0.4, in total 1.35, are 0.70 and 0.30
        ((170, 0, 0), Decision.UNKNOWN, None),  # 0.67: a face, but below the threshold
        ((242, 230, 0), Decision.UNKNOWN, None),  # shares of 0.51 and 0.49
        (BLUE, Decision.UNKNOWN, None),  # clearly nobody of the set
        ((160, 0, 242), Decision.UNKNOWN, None),
    ],
)
async def test_a_face_is_named_only_when_the_detector_is_sure(
    tmp_path: Path, colour: tuple[int, int, int], decision: Decision, name: str | None
) -> None:
    (face,) = (await identify(options(tmp_path), picture(colour))).identification.faces
    assert face.decision is decision
    assert (face.character.name if face.character else None) == name
    assert len(face.matches) == 2


@pytest.mark.parametrize(
    ("colour", "decision"),
    [((200, 190, 0), Decision.UNSURE), ((200, 0, 190), Decision.UNSURE), ((200, 0, 0), Decision.KNOWN)],
    ids=["another character is close", "so is nobody", "nothing is close"],
)
async def test_a_close_class_makes_it_unsure(
    tmp_path: Path, colour: tuple[int, int, int], decision: Decision
) -> None:
    made = options(tmp_path, decision=DecisionOptions(threshold=0.4))
    (face,) = (await identify(made, picture(colour))).identification.faces
    assert face.decision is decision
    assert face.character is not None
    assert face.character.name == "Red Hand"


async def test_nobody_is_named_twice_in_a_picture(tmp_path: Path) -> None:
    data = picture((235, 0, 0), RED)
    faces = (await identify(options(tmp_path), data)).identification.faces
    assert [face.decision for face in faces] == [Decision.UNKNOWN, Decision.KNOWN]
    made = options(tmp_path, decision=DecisionOptions(one_face_per_character=False))
    faces = (await identify(made, data)).identification.faces
    assert [face.decision for face in faces] == [Decision.KNOWN] * 2


async def test_a_face_of_an_animation_is_one_result(tmp_path: Path) -> None:
    frames = [Image.open(io.BytesIO(picture(colour, GREEN))) for colour in (RED, (230, 20, 0), RED)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "webp", save_all=True, append_images=frames[1:], duration=90, lossless=True)
    seen = (await identify(options(tmp_path), buffer.getvalue())).identification
    assert seen.frame_count == 3
    assert [face.character.name for face in seen.faces if face.character] == ["Red Hand", "Green Head"]


@pytest.mark.parametrize("field", ["threshold", "margin"])
async def test_an_impossible_threshold_is_a_setting_to_correct(tmp_path: Path, field: str) -> None:
    made = options(tmp_path, decision=DecisionOptions(**{field: 1.5}))
    with pytest.raises(SettingsError, match=field):
        await identify(made, picture(RED))


def test_probes_hold_the_probabilities_and_tell_like_from_unlike() -> None:
    box = FaceBox(0, 0, 9, 9)
    rows = [(0.9, 0.05, 0.0), (0.8, 0.0, 0.1), (0.0, 0.9, 0.0), (0.9, 0.9, 0.6), (0.0, 0.0, 0.0)]
    probes = as_probes([Detection(box, 0.9, row) for row in rows], 4)
    assert np.linalg.norm(probes, axis=1) == pytest.approx(np.ones(5), abs=1e-6)
    expected = [*rows[:3], (0.375, 0.375, 0.25), rows[4]]
    assert class_probabilities(probes) == pytest.approx(np.array(expected), abs=1e-6)
    likeness = probes @ probes.T
    assert likeness[0, 1] > 0.85
    assert likeness[0, 2] < 0.3
    assert as_probes([], 4).shape == (0, 4)


# ── teaching ────────────────────────────────────────────────────────────────────────────────────


async def test_teaching_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with open_face_service(options(tmp_path)) as service:
        with pytest.raises(
            ClosedSetError, match=r"tiny names the characters.*choose a pack with an embedder"
        ):
            await service.enroll(picture(RED), HERE, EnrollRequest("Somebody"))
        with pytest.raises(ClosedSetError):
            await service.preview_faces(picture(RED))
        gallery = service.gallery
        with pytest.raises(ClosedSetError):
            await gallery.enroll(HERE, "Somebody", [])
        with pytest.raises(ClosedSetError):
            await gallery.rename(HERE, "Red Hand", "Hand")
        with pytest.raises(ClosedSetError):
            await gallery.forget(HERE, "Red Hand")


async def test_the_gallery_is_the_packs_characters(tmp_path: Path) -> None:
    made = options(tmp_path)
    async with open_gallery(made, read_only=True) as gallery:
        everybody = await gallery.characters([HERE])
        assert [one.display_name for one in everybody] == ["Green Head", "Red Hand (Colours)"]
        assert [one.name for one in await gallery.characters([HERE], query="colour")] == ["Red Hand"]
        assert await gallery.characters([HERE], offset=1, limit=1) == everybody[1:]
        assert await gallery.character([HERE], "RED  hand") == everybody[1]
        with pytest.raises(CharacterNotFoundError, match="Red Hand"):
            await gallery.character([HERE], "red hnd")
        assert (await gallery.stats()).characters == 2
        assert await gallery.verify(repair=False) == ()
    assert not made.gallery_file.exists()


async def test_what_needs_embeddings_is_refused(tmp_path: Path) -> None:
    made = options(tmp_path)
    pack = find_pack("tiny", made.packs_dir)
    with pytest.raises(NoEmbedderError, match="no embedder"):
        open_embedder(pack, made.models)
    with pytest.raises(NoEmbedderError):
        async with open_pipeline(made):
            pass
    with pytest.raises(NoEmbedderError):
        _ = pack.calibration


def test_the_command_line_takes_a_closed_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options(tmp_path)
    command = CommandLine(tmp_path, capsys)
    chosen = ("--set", "models.pack=tiny", "--set", "models.runtime=onnx")
    image = tmp_path / "red.png"
    image.write_bytes(picture(RED))
    (record,) = command.records("identify", image, "--top", 2, *chosen)
    (face,) = record["faces"]
    assert (face["name"], face["decision"]) == ("Red Hand", "known")
    assert face["matches"] == [
        {"name": "Red Hand", "similarity": 0.949},
        {"name": "Green Head", "similarity": 0},
    ]
    command.run("enroll", "--name", "Somebody", image, *chosen, code=1)
    assert "choose a pack with an embedder" in command.errors
    assert "Red Hand" in command.run("characters", *chosen)
    command.run("gallery", "reindex", *chosen, code=78)


# ── packs ───────────────────────────────────────────────────────────────────────────────────────


def test_a_closed_set_is_shown_with_what_it_cannot_do(tmp_path: Path) -> None:
    made = options(tmp_path, {"closed_set.strangers_named": 0.874})
    pack = find_pack("tiny", made.packs_dir)
    shown = "\n".join(pack.describe())
    assert "nobody can be enrolled" in shown
    assert "87% of them did" in shown
    assert "Red Hand, Green Head" in shown
    assert verify_pack(pack) == ()
    runtimes = resolve_runtimes(made.models, pack)
    assert runtimes.detector == runtimes.embedder
    assert verify_pack(pack, on=runtimes) == ()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"calibration": {}}, "calibration"),
        ({"closed_set.threshold": 1.5}, "closed_set.threshold"),
        ({"closed_set.characters": []}, "closed_set.characters"),
        ({"closed_set.characters": [{"class": "hand"}]}, "closed_set.characters.0.name"),
        ({"closed_set.characters": [{"class": "foot", "name": "Foot"}]}, "foot, which face_classes does not"),
        ({"closed_set.characters": [*CHARACTERS, {"class": "hand", "name": "x"}]}, "a class twice"),
        (
            {"closed_set.characters": [*CHARACTERS, {"class": "face", "name": "GREEN head"}]},
            "a name of one series twice",
        ),
        ({"detector.layout": "ssd", "detector.canvas_shapes": [[64, 64], [96, 96]]}, "one shape"),
        ({"detector.layout": "ssd", "detector.torch": "finder.pt"}, "torch must be"),
    ],
)
def test_a_closed_set_that_cannot_be_is_refused(
    tmp_path: Path, changes: Mapping[str, Any], complaint: str
) -> None:
    folder = make_pack(tmp_path / "tiny", {**deepcopy(CLOSED), **changes})
    with pytest.raises(ModelFileError, match=complaint):
        load_manifest(folder)


def test_a_pack_is_not_a_closed_set_and_an_embedder_at_once(tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "tiny", {"closed_set": deepcopy(CLOSED["closed_set"])})
    with pytest.raises(ModelFileError, match="both closed_set and embedder"):
        load_manifest(folder)


@pytest.mark.parametrize("table", ["embedder", "calibration"])
def test_another_pack_has_an_embedder_and_its_calibration(tmp_path: Path, table: str) -> None:
    folder = make_pack(tmp_path / "tiny", {table: None})
    with pytest.raises(ModelFileError, match=f"{table} is missing"):
        load_manifest(folder)


# ── outputs ─────────────────────────────────────────────────────────────────────────────────────


class FixedYolo(YoloDetector):
    """A detector of three characters whose network always answers the same."""

    def __init__(self, answer: Sequence[Sequence[float]], *, faces: tuple[int, ...] = (0, 1, 2)) -> None:
        super().__init__(DetectorSpec(((64, 64),), faces, 3, 0.5, 0.5, names_faces=True), Path("fixed"))
        self._answer = np.array(answer, np.float32)

    def _run(self, batch: FloatArray) -> FloatArray:
        return np.repeat(self._answer[None], len(batch), axis=0)


class FixedSsd(SsdDetector, FixedYolo):
    """The same with an SSD's output."""


BLANK = np.zeros((64, 64, 3), np.uint8)


def test_a_raw_output_tells_all_class_scores_the_highest_of_boxes_that_agree() -> None:
    columns = [
        (20, 20, 10, 10, 0.9, 0.1, 0.0),
        (20, 20, 10, 11, 0.3, 0.6, 0.0),
        (50, 50, 9, 9, 0.0, 0.2, 0.8),
        (35, 35, 9, 9, 0.4, 0.4, 0.4),
    ]
    (found,) = FixedYolo(np.array(columns).T).detect([BLANK])
    assert [one.score for one in found] == pytest.approx([0.9, 0.8])
    assert found[0].class_scores == pytest.approx((0.9, 0.6, 0.0))
    assert found[1].class_scores == pytest.approx((0.0, 0.2, 0.8))
    (found,) = FixedYolo(np.array(columns).T, faces=(0, 2)).detect([BLANK])
    assert found[0].class_scores == pytest.approx((0.9, 0.0))


def test_an_end_to_end_output_tells_the_score_of_the_one_class_a_box_has() -> None:
    rows = [(10, 10, 30, 30, 0.9, 1), (10, 10, 30, 31, 0.7, 2), (40, 40, 60, 60, 0.6, 0)]
    (found,) = FixedYolo(rows).detect([BLANK])
    assert [one.class_scores for one in found] == [
        pytest.approx((0.0, 0.9, 0.7)),
        pytest.approx((0.6, 0.0, 0.0)),
    ]


def test_an_ssd_output_is_corners_and_class_probabilities() -> None:
    rows = [
        (10, 10, 30, 30, 0.1, 0.7, 0.1),
        (11, 10, 30, 30, 0.55, 0.1, 0.0),
        (40, 40, 60, 60, 0.2, 0.2, 0.2),
    ]
    (found,) = FixedSsd(rows).detect([BLANK])
    assert found == (Detection(FaceBox(10, 10, 30, 30), pytest.approx(0.7), pytest.approx((0.55, 0.7, 0.1))),)
    assert FixedSsd(np.zeros((5, 7))).detect([BLANK] * 3) == [()] * 3
    with pytest.raises(ModelFileError, match="not that of an SSD with 3 classes"):
        FixedSsd(np.zeros((5, 6))).detect([BLANK])


def test_class_scores_survive_the_merging_of_views() -> None:
    whole, *tiles = plan_views(4_000, 1_000, ((640, 640),), DetectionOptions())
    face = FaceBox(500, 400, 640, 540)

    def seen(view: Any, scores: tuple[float, ...]) -> tuple[Any, list[Detection]]:
        x, y, *_ = view.placed
        box = face.shifted(-view.left, -view.top).scaled(view.scale).shifted(x, y)
        return view, [Detection(box, max(scores), scores)]

    tile = next(view for view in tiles if view.left <= 400 and view.left + view.width >= 800)
    (one,) = merge_views(4_000, 1_000, [seen(whole, (0.5, 0.6)), seen(tile, (0.9, 0.1))], DetectionOptions())
    assert one.box.iou(face) > 0.9
    assert one.class_scores == (0.9, 0.6)
