"""Networks of other packs run by their manifest alone, and options mean the right runtime."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import pytest
from pytest import LogCaptureFixture

from config.options import DetectionOptions, ModelOptions
from inference.domain import FaceBox
from inference.errors import ModelFileError, SettingsError, SetupError
from inference.models import (
    Runtime,
    Runtimes,
    contract_of,
    find_pack,
    open_detector,
    open_embedder,
    resolve_runtimes,
    runtimes,
)
from inference.models.registry import Pack
from inference.network import Precision
from tests.inference.models import tiny_pack
from tests.inference.models.tiny_pack import entry_of, make_detector, make_embedder, make_pack

ONNX = ModelOptions(runtime="onnx", threads=1)
CPU = Runtime("onnx", "cpu")


def tiny(tmp_path: Path, changes: dict | None = None, *, batch: int | None = None) -> Pack:
    make_pack(tmp_path / "tiny", changes, batch=batch)
    return find_pack("tiny", tmp_path)


def canvas_with(cells: dict[tuple[int, int], tuple[int, int, int]]) -> np.ndarray:
    """A black canvas with some of its 2×2 cells, by (column, row), in a colour."""
    canvas = np.zeros((64, 64, 3), dtype=np.uint8)
    for (column, row), colour in cells.items():
        canvas[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32] = colour
    return canvas


@pytest.mark.parametrize("batch", [None, 1, 4])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_detector_with_other_classes_finds_only_the_face_class(
    tmp_path: Path, batch: int | None, count: int
) -> None:
    detector = open_detector(tiny(tmp_path, batch=batch), ONNX, DetectionOptions())
    detector.warm_up()
    canvas = canvas_with({(0, 0): (255, 0, 0), (1, 0): (0, 255, 0), (0, 1): (0, 0, 204), (1, 1): (0, 0, 140)})
    found = detector.detect([np.zeros((64, 64, 3), dtype=np.uint8)] * (count - 1) + [canvas])
    assert found[:-1] == [()] * (count - 1)
    (only,) = found[-1]
    assert only.box == FaceBox(0, 32, 32, 64)
    assert only.score == pytest.approx(0.8, abs=1e-4)


def test_several_classes_may_be_faces_and_the_options_threshold_wins(tmp_path: Path) -> None:
    pack = tiny(tmp_path, {"detector.face_classes": ["head", "face"]})
    canvas = canvas_with({(0, 0): (255, 0, 0), (1, 0): (0, 255, 0), (0, 1): (0, 0, 204), (1, 1): (0, 0, 140)})
    (found,) = open_detector(pack, ONNX, DetectionOptions()).detect([canvas])
    assert [d.box for d in found] == [FaceBox(32, 0, 64, 32), FaceBox(0, 32, 32, 64)]
    (found,) = open_detector(pack, ONNX, DetectionOptions(score_threshold=0.5)).detect([canvas])
    assert [d.box for d in found][2:] == [FaceBox(32, 32, 64, 64)]


@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("batch", [None, 1, 4])
def test_an_embedder_with_other_size_and_colour_order_gives_the_vector_worked_out_by_hand(
    tmp_path: Path, colour: str, batch: int | None
) -> None:
    pack = tiny(tmp_path, {"embedder.colour": colour}, batch=batch)
    embedder = open_embedder(pack, ONNX)
    embedder.warm_up()
    colours = np.array([[250, 20, 10], [0, 255, 0], [10, 90, 240]], dtype=np.uint8)
    crops = [np.full((64, 64, 3), one, dtype=np.uint8) for one in colours]
    ordered = colours[:, ::-1] if colour == "bgr" else colours
    expected = ((ordered / 255 - tiny_pack.MEAN) / tiny_pack.STD) @ tiny_pack.EMBEDDER_WEIGHTS
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert embedder.embed(crops) == pytest.approx(expected, abs=1e-4)
    assert embedder.embed([]).shape == (0, tiny_pack.DIMENSION)


def test_the_torch_runner_gives_the_same_vectors_as_onnx(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pack = tiny(tmp_path, {"embedder.runs_on_torch": True})
    crops = list(np.random.default_rng(1).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8))
    from inference.models.runners import embedder_on

    vectors = embedder_on(Runtime("torch", "cpu"), pack, ONNX).embed(crops)
    assert vectors == pytest.approx(open_embedder(pack, ONNX).embed(crops), abs=1e-4)


def test_the_contract_changes_with_everything_that_changes_an_embedding(tmp_path: Path) -> None:
    base = tiny(tmp_path / "base")
    others = [
        tiny(tmp_path / str(index), changes)
        for index, changes in enumerate(
            [
                {"embedder.margin": 2.0},
                {"embedder.colour": "rgb"},
                {"embedder.mean": [0.5, 0.5, 0.5]},
                {"embedder.side": 32},
                {"embedder.output": "means", "embedder.dimension": 3},
                {"files|networks/namer.onnx": {"sha256": "0" * 64, "size": 1}},
            ]
        )
    ]
    contracts = [contract_of(pack, flip_average=True) for pack in (base, *others)]
    contracts.append(contract_of(base, flip_average=False))
    assert len({contract.id for contract in contracts}) == len(contracts)
    again = tiny(tmp_path / "again", {"title": "Another title", "detector.score_threshold": 0.2})
    assert contract_of(again, flip_average=True) == contracts[0]
    assert open_embedder(base, ONNX).contract == contracts[0]


def test_a_file_with_another_digest_is_not_loaded(tmp_path: Path) -> None:
    pack = tiny(tmp_path)
    onnx.save(make_detector(batch=2), pack.folder / "finder.onnx")
    onnx.save(make_embedder(batch=2), pack.folder / "networks/namer.onnx")
    with pytest.raises(ModelFileError, match="install"):
        open_detector(pack, ONNX, DetectionOptions())
    with pytest.raises(ModelFileError, match="install"):
        open_embedder(pack, ONNX)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"detector.classes": ["hand", "face"]}, "not that of a YOLO with 2 classes"),
        ({"detector.canvas_shapes": [[96, 96]]}, "does not run on input"),
        ({"embedder.dimension": 64}, "not 64 numbers"),
        ({"embedder.side": 32}, "does not run on input"),
        ({"embedder.output": "nothing"}, "it has no output 'nothing', only means, vector"),
        ({"embedder.output": "means"}, "not 128 numbers"),
    ],
)
def test_a_network_that_is_not_what_the_manifest_says_is_a_setup_error(
    tmp_path: Path, changes: dict, complaint: str
) -> None:
    pack = tiny(tmp_path, changes)
    with pytest.raises(SetupError) as caught:
        open_detector(pack, ONNX, DetectionOptions()).warm_up()
        open_embedder(pack, ONNX).warm_up()
    assert complaint in str(caught.value)
    assert "manifest" in str(caught.value)


def test_a_file_that_is_no_network_is_a_setup_error(tmp_path: Path) -> None:
    folder = make_pack(tmp_path / "tiny")
    (folder / "finder.onnx").write_bytes(b"no network")
    entry = entry_of(folder / "finder.onnx")
    pack = find_pack("tiny", tmp_path)
    pack.manifest.files["finder.onnx"] = type(pack.manifest.files["finder.onnx"])(**entry)
    with pytest.raises(ModelFileError):
        open_detector(pack, ONNX, DetectionOptions())


# ── which runtime ───────────────────────────────────────────────────────────────────────────────

NO_GPU = not any(Path(sign).exists() for sign in ("/dev/nvidiactl", "/dev/dxg"))


def on_openvino(precision: Precision) -> Runtime:
    return Runtime("openvino", "cpu", precision)


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU")
@pytest.mark.parametrize(
    ("computed", "detector", "embedder"),
    [
        (("float32", "bfloat16", "int8"), on_openvino("int8"), on_openvino("bfloat16")),
        (("float32", "int8"), on_openvino("int8"), on_openvino("float32")),
        (("float32", "bfloat16"), on_openvino("float32"), on_openvino("bfloat16")),
        (("float32",), on_openvino("float32"), on_openvino("float32")),
        ((), CPU, CPU),
    ],
    ids=lambda value: " ".join(value) or "no openvino" if isinstance(value, tuple) else str(value),
)
def test_without_a_gpu_the_cpu_says_which_precision(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    computed: tuple[Precision, ...],
    detector: Runtime,
    embedder: Runtime,
) -> None:
    monkeypatch.setattr(runtimes, "fast_openvino_precisions", lambda: computed)
    pack = find_pack("dareda-1", tmp_path)
    for models in (ModelOptions(), ModelOptions(device="cpu")):
        assert resolve_runtimes(models, pack) == Runtimes(detector, embedder)
    exact = resolve_runtimes(ModelOptions(precision="float32"), pack)
    assert exact.detector == exact.embedder == (on_openvino("float32") if computed else CPU)
    assert resolve_runtimes(ModelOptions(runtime="onnx"), pack) == Runtimes(CPU, CPU)


def test_less_precision_is_only_for_what_was_measured_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "fast_openvino_precisions", lambda: ("float32", "bfloat16", "int8"))
    found = resolve_runtimes(ModelOptions(device="cpu"), tiny(tmp_path))
    assert (found.detector, found.embedder) == (on_openvino("float32"), on_openvino("float32"))


def test_openvino_by_name_where_it_is_not_installed_is_a_setup_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "find_spec", lambda module: None)
    with pytest.raises(SettingsError, match="openvino, which is not installed"):
        resolve_runtimes(ModelOptions(runtime="openvino"), tiny(tmp_path))


def test_openvino_that_does_not_start_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: LogCaptureFixture
) -> None:
    # As where its library does not load.
    monkeypatch.setitem(sys.modules, "inference.openvino_network", None)
    assert runtimes._openvino_precisions.__wrapped__() == ((), ())
    assert "runtime_left_out runtime=openvino" in caplog.text


def test_a_network_that_openvino_cannot_run_falls_to_onnx_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ModelFileError(path="finder.onnx", reason="an operation is not known", fix="None.")

    pytest.importorskip("openvino")
    monkeypatch.setattr("inference.openvino_network.open_compiled", refuse)
    pack = tiny(tmp_path)
    (found,) = open_detector(pack, ModelOptions(device="cpu"), DetectionOptions()).detect(
        [canvas_with({(0, 1): (0, 0, 204)})]
    )
    assert [one.box for one in found] == [FaceBox(0, 32, 32, 64)]
    assert "an operation is not known" in caplog.text
    with pytest.raises(ModelFileError, match="an operation is not known"):
        open_embedder(pack, ModelOptions(runtime="openvino"))


@pytest.mark.skipif(not NO_GPU, reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there_is_a_setup_error(tmp_path: Path, device: str) -> None:
    pytest.importorskip("torch")
    with pytest.raises(SettingsError, match="torch sees no NVIDIA GPU"):
        resolve_runtimes(ModelOptions(device=device), find_pack("dareda-1", tmp_path))


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_a_cpu_runtime_on_a_gpu_is_refused(tmp_path: Path, runtime: Literal["onnx", "openvino"]) -> None:
    with pytest.raises(SettingsError, match=r"models\.device"):
        resolve_runtimes(ModelOptions(runtime=runtime, device="cuda"), find_pack("dareda-1", tmp_path))


def test_torch_by_name_is_torch_or_an_error(tmp_path: Path) -> None:
    pytest.importorskip("ultralytics")
    found = resolve_runtimes(ModelOptions(runtime="torch", device="cpu"), find_pack("dareda-1", tmp_path))
    assert found.detector == found.embedder == Runtime("torch", "cpu")
    with pytest.raises(ModelFileError, match=r"no torch detector.*models\.runtime"):
        resolve_runtimes(ModelOptions(runtime="torch", device="cpu"), tiny(tmp_path))


def test_a_detector_for_torch_only_runs_on_torch_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("ultralytics")
    changes = {
        "detector.onnx": None,
        "detector.torch": "finder.pt",
        "files|finder.pt": {"sha256": "0" * 64, "size": 1},
    }
    pack = tiny(tmp_path, changes)
    found = resolve_runtimes(ModelOptions(runtime="auto", device="cpu"), pack)
    assert found.detector == Runtime("torch", "cpu")
    assert found.embedder.kind in {"openvino", "onnx"}
    with pytest.raises(ModelFileError, match="no onnx detector"):
        resolve_runtimes(ONNX, pack)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    folder = make_pack(tmp_path / "tiny")
    trace = tmp_path / "trace"
    torch.save({"model": Trap(trace)}, folder / "finder.pt")
    changes = {
        "detector.onnx": None,
        "detector.torch": "finder.pt",
        "files|finder.pt": entry_of(folder / "finder.pt"),
    }
    make_pack(folder, changes)
    with pytest.raises(ModelFileError, match="Ultralytics detection checkpoint"):
        open_detector(find_pack("tiny", tmp_path), ModelOptions(device="cpu"), DetectionOptions())
    assert not trace.exists()


class Trap:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)
