"""From a pack to running networks: its files checked, loaded on the runtimes that were chosen."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from config.options import DetectionOptions, ModelOptions
from inference.cores import usable_cores
from inference.detection.base import Detector
from inference.detection.ssd import OnnxSsdDetector
from inference.detection.yolo import OnnxYoloDetector
from inference.domain import EmbeddingContract
from inference.embedding.arcface import OnnxEmbedder
from inference.embedding.base import Embedder
from inference.errors import ModelFileError
from inference.models.integer_ranges import read_ranges
from inference.models.registry import Pack
from inference.models.runtimes import Runtime, lacks, resolve_runtimes
from inference.network import NetworkOpener
from inference.onnx_session import open_onnx

log = logging.getLogger(__name__)

_FEW_THREADS = 4
"""A face or two keep so few busy, each row on its own; more would often have nothing to do."""


def contract_of(pack: Pack, *, flip_average: bool) -> EmbeddingContract:
    """What the pack's embeddings mean: the same whichever runtime makes them."""
    return pack.manifest.contract(flip_average=flip_average)


def open_detector(
    pack: Pack, models: ModelOptions, detection: DetectionOptions, *, cache_dir: Path | None = None
) -> Detector:
    """The pack's detector, loaded on the calling thread, its file's digest checked. Raises SetupError.

    In `cache_dir`, what compiling it for this CPU gave is kept for the next start.
    """
    runtime = resolve_runtimes(models, pack).detector
    log.info("runtime_chosen network=detector pack=%s runtime=%s", pack.name, runtime)
    try:
        return detector_on(runtime, pack, models, detection, cache_dir=cache_dir)
    except ModelFileError as error:
        return detector_on(_other_than(runtime, models, error), pack, models, detection)


def open_embedder(pack: Pack, models: ModelOptions, *, cache_dir: Path | None = None) -> Embedder:
    """The pack's embedder; as `open_detector()`."""
    runtime = resolve_runtimes(models, pack).embedder
    log.info("runtime_chosen network=embedder pack=%s runtime=%s", pack.name, runtime)
    try:
        return embedder_on(runtime, pack, models, cache_dir=cache_dir)
    except ModelFileError as error:
        return embedder_on(_other_than(runtime, models, error), pack, models)


def detector_on(
    runtime: Runtime,
    pack: Pack,
    models: ModelOptions,
    detection: DetectionOptions,
    *,
    cache_dir: Path | None = None,
) -> Detector:
    """The pack's detector on that runtime; see `open_detector()`."""
    table = pack.manifest.detector
    spec = table.spec(
        score_threshold=detection.score_threshold or table.score_threshold,
        iou_threshold=detection.iou_threshold,
        names_faces=pack.manifest.closed_set is not None,
    )
    path = pack.checked_file(_detector_file(runtime, pack))
    if runtime.kind != "torch":
        runner = OnnxSsdDetector if table.layout == "ssd" else OnnxYoloDetector
        opener = _opener(runtime, pack, cache_dir, sizes=table.canvas_shapes)
        return runner(spec, path, threads=models.threads, open_network=opener)
    from inference.detection.ultralytics_yolo import UltralyticsYoloDetector  # noqa: PLC0415

    return UltralyticsYoloDetector(spec, path, device=runtime.device, threads=models.threads)


def embedder_on(
    runtime: Runtime, pack: Pack, models: ModelOptions, *, cache_dir: Path | None = None
) -> Embedder:
    """The pack's embedder on that runtime; see `open_embedder()`."""
    table = pack.manifest.embedder
    contract = contract_of(pack, flip_average=models.flip_average)
    path = pack.checked_file(table.onnx)
    if runtime.kind != "torch":
        threads = models.threads or usable_cores()
        few = threads <= _FEW_THREADS
        return OnnxEmbedder(
            table.spec,
            path,
            contract,
            flip_average=models.flip_average,
            threads=models.threads,
            open_network=_opener(
                runtime,
                pack,
                cache_dir,
                sizes=[(table.spec.side, table.spec.side)] if few else (),
                streams=threads if few and models.flip_average else 1,
            ),
        )
    from inference.embedding.torch_embedder import TorchEmbedder  # noqa: PLC0415

    return TorchEmbedder(
        table.spec,
        path,
        contract,
        flip_average=models.flip_average,
        device=runtime.device,
        threads=models.threads,
    )


def _opener(
    runtime: Runtime,
    pack: Pack,
    cache_dir: Path | None,
    *,
    sizes: Sequence[tuple[int, int]],
    streams: int = 1,
) -> NetworkOpener:
    if runtime.kind == "onnx":
        return open_onnx
    from inference.openvino_network import open_compiled  # noqa: PLC0415  # absent where it is not supported

    ranges = None
    if runtime.precision == "int8":
        table = pack.manifest.detector
        if table.int8 is None or table.onnx is None:
            raise lacks(pack, "int8", "detector", "Set models.precision to float32.")
        digest = pack.manifest.files[table.onnx].sha256
        ranges = read_ranges(pack.checked_file(table.int8), network=digest).ranges
    return partial(
        open_compiled,
        precision=runtime.precision,
        ranges=ranges,
        sizes=sizes,
        streams=streams,
        cache_dir=cache_dir,
    )


def _other_than(runtime: Runtime, models: ModelOptions, error: ModelFileError) -> Runtime:
    """ONNX Runtime, where Dareda itself has chosen OpenVINO, which takes fewer networks; else the error."""
    if models.runtime != "auto" or runtime.kind != "openvino":
        raise error
    log.warning("runtime_left_out runtime=openvino error=%s", error)
    return Runtime("onnx", "cpu")


def _detector_file(runtime: Runtime, pack: Pack) -> str:
    table = pack.manifest.detector
    name = table.torch if runtime.kind == "torch" else table.onnx
    if name is None:
        kind = "torch" if runtime.kind == "torch" else "onnx"
        raise lacks(pack, kind, "detector", "Set models.runtime to auto.")
    return name
