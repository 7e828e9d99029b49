"""The bundled networks on OpenVINO answer as on ONNX Runtime, also when a kept compilation is spoilt."""

from __future__ import annotations

import locale
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from pytest import LogCaptureFixture, MonkeyPatch

from config.options import DetectionOptions, ModelOptions
from inference.detection.base import Detector
from inference.detection.views import cut_canvas, merge_views, plan_views
from inference.domain import Detection, ImageRGB
from inference.drawing import Drawing, draw_cast, draw_group, draw_portrait
from inference.embedding.align import align_crop
from inference.errors import ModelFileError
from inference.models import Runtime, find_pack, runners
from inference.models.integer_ranges import read_ranges
from inference.models.runners import detector_on, embedder_on
from inference.models.runtimes import openvino_precisions
from inference.network import PixelInput, Precision
from tests.inference.models.tiny_pack import MEAN, STD, make_detector, make_embedder

pytest.importorskip("openvino")
from inference import openvino_network
from inference.openvino_library import LOCALE_KEPT
from inference.openvino_network import open_compiled

ROOT = Path(__file__).resolve().parents[2]
PACK = find_pack("dareda-1", Path("no-such-folder"))
MODELS = ModelOptions(threads=1)
OPTIONS = DetectionOptions()
SEEN = PixelInput((MEAN[0], MEAN[1], MEAN[2]), (STD[0], STD[1], STD[2]), bgr=True)


def runtime(precision: Precision) -> Runtime:
    if precision not in openvino_precisions():
        pytest.skip(f"this CPU does not compute {precision}")
    return Runtime("openvino", "cpu", precision)


@pytest.fixture(scope="module")
def drawings() -> list[Drawing]:
    cast = draw_cast(12, seed=3)
    portraits = [draw_portrait(one, seed=seed) for one in cast for seed in (1, 2)]
    return [*portraits, *(draw_group(cast[first : first + 4], seed=first) for first in (0, 4, 8))]


def faces_in(image: ImageRGB, detector: Detector) -> tuple[Detection, ...]:
    height, width = image.shape[:2]
    views = plan_views(width, height, detector.canvas_shapes, OPTIONS)
    found = detector.detect([cut_canvas(image, view) for view in views])
    return merge_views(width, height, zip(views, found, strict=True), OPTIONS)


@pytest.mark.parametrize(
    ("precision", "least_iou", "furthest"), [("float32", 0.999, 0.001), ("int8", 0.8, 0.1)]
)
def test_the_detector_finds_the_faces_that_onnx_runtime_finds(
    drawings: list[Drawing], precision: Precision, least_iou: float, furthest: float
) -> None:
    chosen = runtime(precision)
    one = detector_on(Runtime("onnx", "cpu"), PACK, MODELS, OPTIONS)
    other = detector_on(chosen, PACK, MODELS, OPTIONS)
    pairs, total = 0, 0
    for drawing in drawings:
        expected, found = faces_in(drawing.image, one), faces_in(drawing.image, other)
        sure = [face for face in expected if face.score >= 0.5]
        total += len(sure)
        for face in sure:
            pairs += any(
                face.box.iou(it.box) >= least_iou and abs(face.score - it.score) <= furthest for it in found
            )
        assert len(found) <= len(expected) + 1
    assert total >= 30
    assert pairs >= 0.97 * total


@pytest.mark.parametrize("few_threads", [0, 4], ids=["any batch", "a face at a time"])
@pytest.mark.parametrize("flip_average", [False, True])
@pytest.mark.parametrize(("precision", "least"), [("float32", 0.99999), ("bfloat16", 0.999)])
def test_embeddings_are_those_of_onnx_runtime(
    drawings: list[Drawing],
    monkeypatch: MonkeyPatch,
    precision: Precision,
    least: float,
    flip_average: bool,
    few_threads: int,
) -> None:
    monkeypatch.setattr(runners, "_FEW_THREADS", few_threads)
    models = replace(MODELS, flip_average=flip_average)
    chosen, spec = runtime(precision), PACK.manifest.embedder.spec
    crops = [
        align_crop(drawing.image, face.box, margin=spec.margin, side=spec.side)
        for drawing in drawings
        for face in drawing.faces
    ]
    plain = embedder_on(Runtime("onnx", "cpu"), PACK, models)
    expected = plain.embed(crops)
    embedder = embedder_on(chosen, PACK, models)
    for count in (len(crops), 1, 2, 3):
        assert np.sum(expected[:count] * embedder.embed(crops[:count]), axis=1).min() >= least
    assert embedder.contract == plain.contract


# ── the bundled ranges ──────────────────────────────────────────────────────────────────────────


def test_the_bundled_ranges_are_of_the_bundled_detector_and_small() -> None:
    table = PACK.manifest.detector
    assert table.int8 is not None and table.onnx is not None
    path = PACK.checked_file(table.int8)
    digest = PACK.manifest.files[table.onnx].sha256
    assert len(read_ranges(path, network=digest).ranges) > 40
    assert path.stat().st_size < 100_000
    with pytest.raises(ModelFileError, match="another detector"):
        read_ranges(path, network="0" * 64)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "not readable JSON"),
        ("[1, 2]", "the table: Expected `object`, got `array`"),
        pytest.param("[" * 100_000 + "]" * 100_000, "recursion", id="deep"),
        ("{}", "ranges: Expected `object` of length >= 1"),
        ('{"a": [1, 2]}', "does not have 0"),
        ('{"a": [0, NaN]}', "not readable JSON"),
        ('{"a": [0, 1, 2]}', "ranges.a: .*length 2, got 3"),
    ],
)
def test_ranges_that_are_none_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "ranges.json"
    whole = f'{{"network": "{"0" * 64}", "measured_on": "x", "ranges": {text}}}'
    path.write_text(whole if text.startswith("{") else text)
    with pytest.raises(ModelFileError, match=complaint):
        read_ranges(path, network="0" * 64)


def test_ranges_of_another_network_are_refused() -> None:
    path = PACK.folder / "detector.onnx"
    with pytest.raises(ModelFileError, match="ranges are not those of this network"):
        open_compiled(path, PixelInput(), threads=1, precision="int8", ranges={"images": (0.0, 1.0)})


# ── networks of any kind ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("batch", [None, 4])
def test_pixels_are_made_into_the_networks_input_as_in_numpy(tmp_path: Path, batch: int | None) -> None:
    path = tmp_path / "namer.onnx"
    onnx.save(make_embedder(batch), path)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
    network = open_compiled(path, SEEN, threads=1, output="means")
    expected = SEEN.rows(pixels).mean(axis=(2, 3))
    assert network.fixed_batch == batch
    assert network.run(pixels) == pytest.approx(expected, abs=1e-4)
    kept = network.run(pixels)
    network.run(255 - pixels)
    assert kept == pytest.approx(expected, abs=1e-4)  # a result stays what it is when the next is computed


def test_an_output_that_is_not_there_and_an_input_that_does_not_fit_are_told(tmp_path: Path) -> None:
    path = tmp_path / "namer.onnx"
    onnx.save(make_embedder(), path)
    with pytest.raises(ModelFileError, match="no output 'nothing', only means, vector"):
        open_compiled(path, SEEN, threads=1, output="nothing")
    network = open_compiled(path, SEEN, threads=1, output="vector")
    with pytest.raises(ModelFileError, match=r"does not run on input \(1, 32, 32, 3\)"):
        network.run(np.zeros((1, 32, 32, 3), dtype=np.uint8))


def test_a_network_of_one_size_is_not_compiled_for_another(tmp_path: Path) -> None:
    path = tmp_path / "finder.onnx"
    onnx.save(make_detector(), path)
    with pytest.raises(ModelFileError, match=r"does not run on input \(1, 64, 96, 3\)"):
        open_compiled(path, PixelInput(), threads=1, sizes=[(64, 64), (96, 64)])
    network = open_compiled(path, PixelInput(), threads=1, sizes=[(64, 64)])
    assert network.fixed_batch == 1
    with pytest.raises(ModelFileError, match=r"does not run on input \(1, 32, 32, 3\)"):
        network.run(np.zeros((1, 32, 32, 3), dtype=np.uint8))


def test_rows_beside_each_other_are_answered_in_their_order(tmp_path: Path) -> None:
    path, cache = tmp_path / "namer.onnx", tmp_path / "compiled"
    onnx.save(make_embedder(), path)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    expected = SEEN.rows(pixels).mean(axis=(2, 3))
    for streams in (2, 1, 3, 2, 1):
        network = open_compiled(
            path, SEEN, threads=2, output="means", sizes=[(64, 64)], streams=streams, cache_dir=cache
        )
        assert network.fixed_batch == (1 if streams == 1 else None)
        for count in (1,) if streams == 1 else (5, 1, 2, 4):
            assert network.run(pixels[:count]) == pytest.approx(expected[:count], abs=1e-4)
        wrong = pixels[:2] if streams == 1 else pixels[:2, :32, :32]
        with pytest.raises(ModelFileError, match=r"does not run on input \(2, "):
            network.run(wrong)
        assert network.run(pixels[4:]) == pytest.approx(expected[4:], abs=1e-4)
    assert len(list(cache.glob("*/*.blob"))) == 3


def test_a_file_for_two_at_a_time_takes_two_whatever_its_streams(tmp_path: Path) -> None:
    path = tmp_path / "namer.onnx"
    onnx.save(make_embedder(2), path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    network = open_compiled(path, SEEN, threads=2, output="means", sizes=[(64, 64)], streams=2)
    assert network.fixed_batch == 2
    assert network.run(pixels) == pytest.approx(SEEN.rows(pixels).mean(axis=(2, 3)), abs=1e-4)


@pytest.mark.parametrize("streams", [1, 2])
def test_pixels_may_be_a_part_of_others(streams: int) -> None:
    path, size = PACK.checked_file("detector.onnx"), (320, 320)
    network = open_compiled(path, PixelInput(), threads=2, sizes=[size], streams=streams)
    others = np.random.default_rng(0).integers(0, 256, (4, 640, 320, 3), dtype=np.uint8)
    for other in others:
        part = other[np.newaxis, ::2]
        assert np.array_equal(network.run(part), network.run(part.copy()))


def test_a_file_that_is_missing_or_no_network_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="does not exist"):
        open_compiled(tmp_path / "none.onnx", PixelInput(), threads=1)
    (tmp_path / "text.onnx").write_bytes(b"no network")
    with pytest.raises(ModelFileError, match=r"text\.onnx"):
        open_compiled(tmp_path / "text.onnx", PixelInput(), threads=1)


# ── what is kept for the next start ─────────────────────────────────────────────────────────────


def test_a_compiled_network_is_kept_and_answers_the_same(tmp_path: Path) -> None:
    path, cache = tmp_path / "finder.onnx", tmp_path / "compiled"
    onnx.save(make_detector(), path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    first = open_compiled(path, PixelInput(), threads=1, cache_dir=cache).run(pixels)
    kept = list(cache.glob("*/*.blob"))
    assert len(kept) == 1
    again = open_compiled(path, PixelInput(), threads=1, cache_dir=cache).run(pixels)
    assert np.array_equal(first, again)
    assert list(cache.glob("*/*.blob")) == kept


def test_what_is_kept_is_not_made_again(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    path, sizes = PACK.checked_file("detector.onnx"), [(320, 320), (320, 160)]
    pixels = np.random.default_rng(0).integers(0, 256, (1, 320, 320, 3), dtype=np.uint8)

    def answers() -> list[np.ndarray]:
        network = open_compiled(path, PixelInput(), threads=1, sizes=sizes, cache_dir=tmp_path)
        assert network.fixed_batch == 1
        return [network.run(pixels), network.run(pixels[:, :160])]

    expected = answers()
    assert len(list(tmp_path.glob("*/*"))) == 2
    monkeypatch.setattr(openvino_network, "_keep_one_output", lambda *_: pytest.fail("the file is read"))
    for one, other in zip(answers(), expected, strict=True):
        assert np.array_equal(one, other)


def test_what_is_compiled_differently_is_kept_apart(tmp_path: Path) -> None:
    path, cache = tmp_path / "finder.onnx", tmp_path / "compiled"
    onnx.save(make_detector(), path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    kinds = PixelInput(), PixelInput(bgr=True), PixelInput(mean=(0.5, 0.5, 0.5))
    for kind in (*kinds, *kinds):
        expected = open_compiled(path, kind, threads=1).run(pixels)
        assert np.array_equal(open_compiled(path, kind, threads=1, cache_dir=cache).run(pixels), expected)
    assert len(list(cache.glob("*/*.blob"))) == len(kinds)


def cut_off(whole: bytes) -> bytes:
    return whole[:-200]


def changed(whole: bytes) -> bytes:
    half = len(whole) // 2
    return whole[:half] + bytes(64) + whole[half + 64 :]


@pytest.mark.parametrize("spoil", [lambda _: b"", lambda _: b"spoilt", cut_off, changed])
def test_a_spoilt_compilation_does_not_stop_the_start(
    tmp_path: Path, spoil: Callable[[bytes], bytes], caplog: LogCaptureFixture
) -> None:
    path, cache = tmp_path / "finder.onnx", tmp_path / "compiled"
    onnx.save(make_detector(), path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    expected = open_compiled(path, PixelInput(), threads=1, cache_dir=cache).run(pixels)
    (kept,) = cache.glob("*/*.blob")
    kept.write_bytes(spoil(kept.read_bytes()))
    assert np.array_equal(open_compiled(path, PixelInput(), threads=1, cache_dir=cache).run(pixels), expected)
    assert "compiled_network_spoilt" in caplog.text
    caplog.clear()
    assert np.array_equal(open_compiled(path, PixelInput(), threads=1, cache_dir=cache).run(pixels), expected)
    assert not caplog.text, "it was made again"


def test_without_a_place_to_keep_it_a_network_runs_all_the_same(
    tmp_path: Path, caplog: LogCaptureFixture
) -> None:
    path, cache = tmp_path / "finder.onnx", tmp_path / "compiled"
    onnx.save(make_detector(), path)
    cache.write_text("a file where the folder should be")
    open_compiled(path, PixelInput(), threads=1, cache_dir=cache).run(np.zeros((1, 64, 64, 3), np.uint8))
    assert "compiled_network_not_kept" in caplog.text


def test_only_the_newest_compilations_are_kept(tmp_path: Path) -> None:
    path, cache = tmp_path / "finder.onnx", tmp_path / "compiled"
    onnx.save(make_detector(), path)
    old = cache / "another-machine"
    old.mkdir(parents=True)
    for index in range(20):
        (old / f"{index}.blob").write_bytes(b"old")
    open_compiled(path, PixelInput(), threads=1, cache_dir=cache)
    assert len(list(cache.glob("*/*.blob"))) == 12
    assert len(list(cache.glob("*/*.blob"))) - len(list(old.iterdir())) == 1


def test_what_a_killed_process_left_half_written_goes(tmp_path: Path) -> None:
    path, cache = tmp_path / "finder.onnx", tmp_path / "compiled"
    onnx.save(make_detector(), path)
    old, new = cache / "machine" / "new-old", cache / "machine" / "new-young"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "new").write_bytes(b"half")
    os.utime(old, (0, 0))
    open_compiled(path, PixelInput(), threads=1, cache_dir=cache)
    assert not old.exists()
    assert new.exists()


def test_importing_the_library_tells_nobody() -> None:
    # In a process of its own: another test may have imported more.
    code = (
        "import socket, sys, threading\n"
        "def refuse(*_): raise AssertionError('a connection')\n"
        "socket.socket.connect = refuse\n"
        "import inference.openvino_network\n"
        "assert sys.modules.get('openvino_telemetry') is None\n"
        "assert sys.modules.get('openvino.tools.ovc') is None\n"
        "print(threading.active_count(), 'openvino' in sys.modules)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1", "True"]


def test_threads_that_set_the_locale_in_turn_leave_the_one_that_there_was() -> None:
    before = locale.setlocale(locale.LC_ALL)
    try:
        there_was = locale.setlocale(locale.LC_ALL, "C.UTF-8")
        with ExitStack() as first, ExitStack() as second:
            first.enter_context(LOCALE_KEPT)
            locale.setlocale(locale.LC_ALL, "C")
            second.enter_context(LOCALE_KEPT)
            first.close()
            locale.setlocale(locale.LC_ALL, "C")  # what the second has found is put back last
        assert locale.setlocale(locale.LC_ALL) == there_was
    finally:
        locale.setlocale(locale.LC_ALL, before)


def test_networks_that_are_compiled_side_by_side_leave_the_locale_alone(tmp_path: Path) -> None:
    before = locale.setlocale(locale.LC_ALL)
    with ThreadPoolExecutor() as threads:
        for _ in range(3):
            opened = [
                threads.submit(
                    open_compiled, PACK.checked_file("embedder.onnx"), SEEN, threads=1, cache_dir=tmp_path
                )
                for _ in range(2)
            ]
            for one in opened:
                one.result()
    assert locale.setlocale(locale.LC_ALL) == before
