"""The SSD: its boxes, losses and export are sound, it can be resumed, and it ends in a pack that names."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models.detection._utils import BoxCoder

from config.options import ModelOptions, Options
from inference.detection.canvases import DetectorSpec
from inference.detection.ssd import OnnxSsdDetector
from inference.domain import Detection, FaceBox, ImageRGB, Scope
from inference.images import encode
from inference.models import verify_pack
from inference.models.registry import load_pack
from inference.service import open_face_service
from tests.training.detector.painted import painted
from training import build_pack, train_detector
from training.dataset.manifest import LabelledFace, LabelledPicture, write_manifest
from training.detector.closed_set import closed_set_tables, naming_spec
from training.detector.export import ParityError
from training.detector.naming import naming_shares
from training.detector.pictures import PictureSet
from training.detector.scene import Scene
from training.detector.ssd import SsdTrainer
from training.detector.ssd_export import export_ssd
from training.detector.ssd_network import ServedSsd, SsdNetwork, TorchSsdDetector
from training.detector.ssd_recipe import SsdNetworkRecipe, SsdRecipe
from training.errors import RecipeError, RunError
from training.recipes import load_recipe
from training.runs import Run, open_run

ROOT = Path(__file__).resolve().parents[3]
SIZE = 96


@pytest.fixture(scope="module")
def network() -> SsdNetwork:
    """With logits as far apart as a trained one's."""
    torch.manual_seed(1)
    network = SsdNetwork(SsdNetworkRecipe(), 2, SIZE).eval()
    for name, parameter in network.named_parameters():
        if "classification_head" in name and name.endswith("1.bias"):
            torch.nn.init.normal_(parameter, std=2.0)
    return network


def pictures(count: int) -> PictureSet:
    """Red faces left of the middle are of class 0, right of it of class 1."""
    scenes = []
    for number in range(count):
        left = 8 if number % 2 else 48
        scene = painted(SIZE, SIZE, (left + number % 5, 30, left + 36, 68))
        scenes.append(dataclasses.replace(scene, classes=np.array([int(left > 40)])))
    return PictureSet(tuple(scenes), ("Left", "Right"), (Path("x.png"),) * count, ("test",) * count)


def recipe(**changes: object) -> SsdRecipe:
    plain = {"whole": 1, "zoom": 0, "mosaic": 0, "crowd": 0, "page": 0, "stickers": 0}
    base = {"size": SIZE, "batch": 4, "layout": plain, "medium": {"flip": 0}, "schedule": {"epochs": 2}}
    return SsdRecipe.model_validate(base | changes)


# ── the network ─────────────────────────────────────────────────────────────────────────────────


def test_default_boxes_cover_the_canvas_from_the_smallest_to_the_largest_side(network: SsdNetwork) -> None:
    boxes = network.default_boxes
    middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    square = torch.isclose(sides[:, 0], sides[:, 1])
    assert sides[square].min() == pytest.approx(0.1 * SIZE)
    assert sides[square].max() == pytest.approx(SIZE * 0.9**0.5)
    assert middles.min() > 0
    assert middles.max() < SIZE
    with torch.inference_mode():
        offsets, logits = network(torch.zeros(3, 3, SIZE, SIZE))
    assert offsets.shape == (3, len(boxes), 4)
    assert logits.shape == (3, len(boxes), 3)


def test_offsets_are_decoded_as_torchvision_does(network: SsdNetwork) -> None:
    offsets = torch.randn(2, len(network.default_boxes), 4) * 4
    coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
    expected = torch.stack([coder.decode_single(one, network.default_boxes) for one in offsets])
    torch.testing.assert_close(network.decoded(offsets), expected)


def test_the_right_answer_costs_next_to_nothing_and_a_wrong_name_a_lot(network: SsdNetwork) -> None:
    boxes = [torch.tensor([[10.0, 12.0, 50.0, 50.0], [60.0, 60.0, 90.0, 92.0]]), torch.zeros(0, 4)]
    classes = [torch.tensor([1, 0]), torch.zeros(0, dtype=torch.long)]
    count = len(network.default_boxes)
    coder = BoxCoder(weights=(10.0, 10.0, 5.0, 5.0))
    overlaps = torch.stack([_iou(network.default_boxes, box) for box in boxes[0]])
    best = overlaps.argmax(dim=0)
    near = (overlaps.max(dim=0).values >= 0.5) | torch.isin(torch.arange(count), overlaps.argmax(dim=1))
    best[overlaps.argmax(dim=1)] = torch.arange(2)
    offsets = torch.zeros(2, count, 4)
    offsets[0] = coder.encode_single(boxes[0][best], network.default_boxes)
    logits = torch.zeros(2, count, 3)
    logits[..., 0] = 20.0
    logits[0, near, 0] = 0.0
    logits[0, near, classes[0][best[near]] + 1] = 20.0
    right = network.losses((offsets, logits), boxes, classes)
    assert float(right.boxes) == pytest.approx(0, abs=1e-4)
    assert float(right.classes) == pytest.approx(0, abs=1e-4)
    wrong = network.losses((offsets + 1, logits[..., [0, 2, 1]]), boxes, classes)
    assert float(wrong.boxes) > 1
    assert float(wrong.classes) > 10


def _iou(boxes: torch.Tensor, box: torch.Tensor) -> torch.Tensor:
    own = FaceBox(*box.tolist())
    return torch.tensor([own.iou(FaceBox(*one)) for one in boxes.tolist()])


def test_an_ssd300_is_served_like_an_ssdlite() -> None:
    network = SsdNetwork(SsdNetworkRecipe(architecture="ssd300"), 1, 288).eval()
    with torch.inference_mode():
        output = ServedSsd(network)(torch.rand(1, 3, 288, 288))
    assert output.shape == (1, len(network.default_boxes), 5)
    assert 0 <= float(output[..., 4].min()) <= float(output[..., 4].max()) <= 1


# ── the export ──────────────────────────────────────────────────────────────────────────────────


def test_the_export_sees_the_same_in_batches_of_any_size(network: SsdNetwork, tmp_path: Path) -> None:
    spec = DetectorSpec(((SIZE, SIZE),), (0, 1), 2, 0.6, 0.5, names_faces=True)
    canvases = [scene.image for scene in pictures(7).scenes]
    target = tmp_path / "detector.onnx"
    parity = export_ssd(network, target, canvases, spec)
    assert parity.faces > 20
    assert [path.name for path in tmp_path.iterdir()] == ["detector.onnx"]
    detector = OnnxSsdDetector(spec, target, threads=1)
    detector.batch_sizes = (1, 5)
    expected = TorchSsdDetector(spec, network).detect(canvases)
    for own, other in zip(detector.detect(canvases), expected, strict=True):
        assert len(own) == pytest.approx(len(other), abs=3)
        assert own[0].class_scores == pytest.approx(other[0].class_scores, abs=0.02)


def test_an_export_that_differs_is_refused(
    network: SsdNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = DetectorSpec(((SIZE, SIZE),), (0, 1), 2, 0.3, 0.5)
    monkeypatch.setattr(OnnxSsdDetector, "detect", lambda self, canvases: [() for _ in canvases])
    with pytest.raises(ParityError, match="differs"):
        export_ssd(network, tmp_path / "detector.onnx", [pictures(1).scenes[0].image], spec)
    assert not (tmp_path / "detector.onnx").exists()


# ── the training ────────────────────────────────────────────────────────────────────────────────


def trainer(what: SsdRecipe, run: Run) -> SsdTrainer:
    return SsdTrainer(what, pictures(12), pictures(4), run, seed=3, device="cpu", workers=0)


def columns(run: Run) -> list[dict[str, str]]:
    return [{key: value for key, value in row.items() if key != "seconds"} for row in run.rows()]


def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    what = recipe()
    whole = trainer(what, open_run(tmp_path / "whole", what, seed=3, resume=False))
    whole.train(lambda _: None)

    def stop(line: str) -> None:
        raise KeyboardInterrupt(line)

    stopped = open_run(tmp_path / "stopped", what, seed=3, resume=False)
    with pytest.raises(KeyboardInterrupt, match="epoch 1 of 2"):
        trainer(what, stopped).train(stop)
    stopped.log(dict.fromkeys(stopped.rows()[0], "of an epoch without a checkpoint"))
    resumed = trainer(what, open_run(tmp_path / "stopped", what, seed=3, resume=True))
    resumed.resume()
    resumed.train(lambda _: None)
    assert columns(stopped) == columns(Run(tmp_path / "whole"))
    assert [row["epoch"] for row in stopped.rows()] == ["1", "2"]
    for own, other in zip(resumed.network.parameters(), whole.network.parameters(), strict=True):
        torch.testing.assert_close(own, other)


def test_the_average_forgets_the_start_within_a_few_epochs(tmp_path: Path) -> None:
    what = recipe(schedule={"epochs": 12, "average": 0.99, "rate": 1e-4})
    long = trainer(what, open_run(tmp_path / "run", what, seed=0, resume=False))
    long.train(lambda _: None)
    own = dict(long._network.named_buffers())
    ratios = [
        (average / own[name]).median()
        for name, average in long.network.named_buffers()
        if name.endswith("running_var")
    ]
    assert len(ratios) > 30
    assert max(ratios) < 10


def test_a_loss_that_is_no_number_ends_the_run_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = recipe()
    broken = trainer(what, open_run(tmp_path / "run", what, seed=0, resume=False))
    monkeypatch.setattr(SsdNetwork, "decoded", None)
    with torch.no_grad():
        next(iter(broken._network.parameters())).fill_(float("nan"))
    with pytest.raises(RunError, match=r"lower schedule\.rate"):
        broken.train(lambda _: None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("network.architecture=yolov8n", "network.architecture"),
        ("network.smallest=0.95", "smallest must be below largest"),
        ("size=100", "size"),
        ("schedule.optimizer=SGD", "schedule.optimizer"),
    ],
)
def test_a_wrong_recipe_is_refused_by_its_key(change: str, complaint: str) -> None:
    path = ROOT / "config" / "recipes" / "detector-ssdlite.toml"
    assert load_recipe(path, SsdRecipe).network.architecture == "ssdlite"
    with pytest.raises(RecipeError, match=complaint):
        load_recipe(path, SsdRecipe, [change])
    with pytest.raises(RecipeError, match="at least 288"):
        load_recipe(path, SsdRecipe, ["network.architecture=ssd300", "size=256"])


# ── naming ──────────────────────────────────────────────────────────────────────────────────────


class Remembering:
    """A detector that answers what it was given, canvas by canvas."""

    canvas_shapes = ((SIZE, SIZE),)

    def __init__(self, answers: Sequence[Sequence[Detection]]) -> None:
        self._answers = iter(answers)

    def warm_up(self) -> None: ...

    def detect(self, canvases: Sequence[ImageRGB]) -> list[tuple[Detection, ...]]:
        return [tuple(answer) for answer in itertools.islice(self._answers, len(canvases))]


def test_naming_counts_each_face_once_by_its_surest_detection() -> None:
    box, away = FaceBox(10, 10, 50, 50), FaceBox(60, 60, 90, 90)
    scene = painted(SIZE, SIZE, (10, 10, 50, 50))
    two = painted(SIZE, SIZE, (10, 10, 50, 50), (60, 60, 90, 90))
    answers = [
        [
            Detection(box, 0.9, (0.2, 0.9)),
            Detection(box.shifted(1, 0), 0.5, (0.5, 0.1)),
        ],  # misnamed, and twice
        [Detection(box, 0.8, (0.8, 0.1)), Detection(away, 0.7, (0.7, 0.3))],
        [],
    ]
    shares = naming_shares(Remembering(answers), [scene, two, Scene(scene.image, scene.boxes, scene.classes)])
    assert shares == {"precision": 3 / 4, "recall": 3 / 4, "named": 2 / 3}
    assert set(naming_shares(Remembering([]), []).values()) == {""}


def test_the_tables_of_a_pack_keep_strange_names_and_leave_the_nameless_class_out() -> None:
    import tomllib

    names = ("face", 'Ann "the" \\ Bold', "ことせ")
    empty = PictureSet((), names, (), ())
    text = closed_set_tables(Remembering([]), empty, layout="ssd", onnx="detector.onnx")
    tables = tomllib.loads(text)
    assert tables["detector"]["classes"] == list(names)
    assert [entry["name"] for entry in tables["closed_set"]["characters"]] == list(names[1:])
    assert tables["detector"]["canvas_shapes"] == [[SIZE, SIZE]]
    assert tables["closed_set"]["measured_on"] == "nothing"
    assert naming_spec(3, SIZE).face_classes == (0, 1, 2)


async def test_from_pictures_to_a_pack_that_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "series"
    folder.mkdir()
    found = []
    shown = pictures(16)
    for number, scene in enumerate(shown.scenes):
        path = folder / f"{number}.png"
        path.write_bytes(encode(scene.image, format="png"))
        face = LabelledFace(FaceBox(*scene.boxes[0].tolist()), shown.names[scene.classes[0]])
        found.append(LabelledPicture(path, SIZE, SIZE, "test", "val" if number >= 12 else "train", (face,)))
    write_manifest(tmp_path / "faces.jsonl", found)
    (tmp_path / "recipe.toml").write_text(recipe().model_dump_json(), encoding="utf-8")
    _write_recipe(tmp_path / "recipe.toml")
    _command(
        monkeypatch,
        train_detector.main,
        *("--arch", "ssdlite", "--data", tmp_path / "faces.jsonl", "--recipe", tmp_path / "recipe.toml"),
        *("--run-dir", tmp_path / "run", "--threads", 1, "--workers", 0, "--device", "cpu"),
    )
    head = tmp_path / "pack.toml"
    tables = (tmp_path / "run" / "detector.toml").read_text(encoding="utf-8")
    # So few steps make nobody sure, so the faint guesses are taken.
    tables = tables.replace("score_threshold = 0.3", "score_threshold = 0.01")
    tables = tables.replace("threshold = 0.5", "threshold = 0.01").replace("margin = 0.2", "margin = 0.0")
    head.write_text(HEAD + tables, encoding="utf-8")
    (tmp_path / "CARD.md").write_text("Two rectangles.\n", encoding="utf-8")
    options = Options(data_dir=tmp_path, models=ModelOptions(pack="rectangles", runtime="onnx", threads=1))
    out = options.packs_dir / "rectangles"
    _command(
        monkeypatch,
        build_pack.main,
        *("--head", head, "--card", tmp_path / "CARD.md", "--detector", tmp_path / "run", "--out", out),
    )
    pack = load_pack(out)
    assert verify_pack(pack) == ()
    assert pack.manifest.closed_set is not None
    assert pack.manifest.closed_set.measured_on.startswith("4 pictures of split val")
    async with open_face_service(options, read_only=True) as service:
        answer = await service.identify((folder / "0.png").read_bytes(), [Scope("here")])
    names = {match.character.name for face in answer.identification.faces for match in face.matches}
    assert names == {"Left", "Right"}


HEAD = """\
format = 1
name = "rectangles"
title = "Rectangles"
licence = "CC0-1.0"
training_data = "Rectangles"
card = "CARD.md"

"""


def _write_recipe(path: Path) -> None:
    """A JSON recipe as TOML, table by table."""
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, dict)]
    for name, table in values.items():
        if isinstance(table, dict):
            lines.append(f"[{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in table.items() if value != {}]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _command(monkeypatch: pytest.MonkeyPatch, main: Any, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
    main()
