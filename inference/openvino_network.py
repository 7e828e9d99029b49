"""One ONNX network on OpenVINO: compiled for this CPU, in the precision asked for, its input made inside."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from inference.cores import usable_cores
from inference.errors import ModelFileError
from inference.fixed_batches import FloatArray
from inference.network import PixelBatch, PixelInput, Precision
from inference.openvino_library import LOCALE_KEPT, ov
from inference.quantization import Range, quantize

log = logging.getLogger(__name__)

_REINSTALL = "Check it with `python bot.py models verify`, or install the pack again."
_ELEMENT_TYPES = {"float32": "f32", "bfloat16": "bf16"}
_CAPABILITIES: dict[str, Precision] = {"BF16": "bfloat16", "INT8": "int8"}
_KEPT_COMPILATIONS = 8  # files of some 5 MB; those of earlier packs and versions go


class CompiledNetwork:
    """A `Network` on OpenVINO: compiled for any input, or for each of a few sizes when it first comes."""

    def __init__(
        self,
        compile_for: Callable[[tuple[int, int] | None], ov.CompiledModel],
        sizes: Sequence[tuple[int, int]],
        path: Path,
        fixed_batch: int | None,
    ) -> None:
        """Without `sizes` it takes any; else the first is compiled at once. They are width and height."""
        self._compile_for: Callable[[tuple[int, int] | None], ov.CompiledModel] | None = compile_for
        self._sizes: tuple[tuple[int, int] | None, ...] = tuple(sizes) or (None,)
        self._requests: dict[tuple[int, int] | None, ov.InferRequest] = {}
        self._path = path
        self._fixed_batch = fixed_batch
        self._request_for(self._sizes[0])

    @property
    def fixed_batch(self) -> int | None:
        return self._fixed_batch

    def run(self, pixels: PixelBatch) -> FloatArray:
        try:
            request = self._request_for((pixels.shape[2], pixels.shape[1]) if self._sizes[0] else None)
            request.set_input_tensor(ov.Tensor(np.ascontiguousarray(pixels), shared_memory=True))
            request.infer()
        except RuntimeError as error:
            raise _unfit(self._path, pixels.shape, _last_line(error)) from error
        # The request writes its next output over this one.
        return np.array(request.get_output_tensor(0).data, dtype=np.float32)

    def _request_for(self, size: tuple[int, int] | None) -> ov.InferRequest:
        if size not in self._requests:
            if self._compile_for is None or size not in self._sizes:
                raise RuntimeError(f"it was opened for other sizes: {self._sizes}")
            self._requests[size] = self._compile_for(size).create_infer_request()
            if self._requests.keys() == set(self._sizes):
                self._compile_for = None  # it holds the network as it was read, 14 MB of a detector
        return self._requests[size]


def open_compiled(
    path: Path,
    pixels: PixelInput,
    *,
    threads: int,
    output: str | None = None,
    precision: Precision = "float32",
    ranges: Mapping[str, Range] | None = None,
    sizes: Sequence[tuple[int, int]] = (),
    cache_dir: Path | None = None,
) -> CompiledNetwork:
    """A network ready to run on the CPU; see `NetworkOpener`.

    `int8` needs the ranges of the activations; what they leave in floating point is bfloat16 where the CPU
    computes that. With `sizes` (width, height), the network is compiled for a batch of one of each of them,
    which makes it a fifth faster than one that takes any; all but the first when they first come.
    `cache_dir` keeps the outcome for the next start.
    """
    if not path.is_file():
        raise ModelFileError(path=str(path), reason="it does not exist", fix=_REINSTALL)
    core = _core()
    try:
        model = core.read_model(path)
        _keep_one_output(model, path, output)
        batch = model.input(0).get_partial_shape()[0]
        fixed_batch = batch.get_length() if batch.is_static else None
        if precision == "int8":
            quantize(model, ranges or {})
        taking_pixels = _with_pixel_input(model, pixels)
        settings = _settings(threads, precision)
        sizes = () if fixed_batch is not None else sizes
        for size in sizes:
            _check_size(taking_pixels, size, path)

        def compile_for(size: tuple[int, int] | None) -> ov.CompiledModel:
            fitted = taking_pixels if size is None else _for_size(taking_pixels, size)
            return _compile(core, fitted, settings, cache_dir)

        return CompiledNetwork(compile_for, sizes, path, 1 if sizes else fixed_batch)
    except (RuntimeError, ValueError) as error:
        raise ModelFileError(path=str(path), reason=_last_line(error), fix=_REINSTALL) from error


def _check_size(model: ov.Model, size: tuple[int, int], path: Path) -> None:
    # OpenVINO would reshape it all the same, and then write beyond its memory.
    if not model.input(0).get_partial_shape().compatible(_shape_of(size)):
        raise _unfit(path, (1, size[1], size[0], 3), "it takes inputs of another size")


def _for_size(model: ov.Model, size: tuple[int, int]) -> ov.Model:
    fixed: ov.Model = model.clone()
    fixed.reshape(_shape_of(size))
    return fixed


def _shape_of(size: tuple[int, int]) -> ov.PartialShape:
    return ov.PartialShape([1, size[1], size[0], 3])


def _unfit(path: Path, shape: tuple[int, ...], reason: str) -> ModelFileError:
    return ModelFileError(
        path=str(path),
        reason=f"it does not run on input {shape}: {reason}",
        fix="Correct the input size in the pack's manifest.",
    )


@cache
def fast_precisions() -> frozenset[Precision]:
    """What this CPU computes faster than float32."""
    names = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return frozenset(precision for name, precision in _CAPABILITIES.items() if name in names)


@cache
def _core() -> ov.Core:
    """One for all networks: each holds compiled kernels of its own."""
    return ov.Core()


def _keep_one_output(model: ov.Model, path: Path, output: str | None) -> None:
    """Remove the others, which would be computed as well."""
    results = model.get_results()
    names = [sorted(result.input_value(0).get_names()) for result in results]
    chosen = next((index for index, own in enumerate(names) if output is None or output in own), None)
    if chosen is None:
        known = ", ".join(sorted(name for own in names for name in own))
        raise ModelFileError(
            path=str(path),
            reason=f"it has no output {output!r}, only {known}",
            fix="Correct the output name in the pack's manifest.",
        )
    for index, result in enumerate(results):
        if index != chosen:
            model.remove_result(result)


def _with_pixel_input(model: ov.Model, pixels: PixelInput) -> ov.Model:
    batch, _, height, width = model.input(0).get_partial_shape()
    builder = ov.preprocess.PrePostProcessor(model)
    entry = builder.input()
    entry.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    entry.tensor().set_shape(ov.PartialShape([batch, height, width, ov.Dimension(3)]))
    entry.model().set_layout(ov.Layout("NCHW"))
    steps = entry.preprocess()
    if pixels.bgr:
        steps.reverse_channels()
    steps.convert_element_type(ov.Type.f32)
    if any(pixels.mean):
        steps.mean([value * 255 for value in pixels.mean])
    steps.scale([value * 255 for value in pixels.std])
    built: ov.Model = builder.build()
    return built


def _settings(threads: int, precision: Precision) -> dict[str, Any]:
    if precision == "int8":
        precision = "bfloat16" if "bfloat16" in fast_precisions() else "float32"
    return {
        "INFERENCE_PRECISION_HINT": _ELEMENT_TYPES[precision],
        "INFERENCE_NUM_THREADS": threads or usable_cores(),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,  # the cores are shared with decoding and with the other network
    }


def _compile(
    core: ov.Core, model: ov.Model, settings: dict[str, Any], cache_dir: Path | None
) -> ov.CompiledModel:
    if cache_dir is None:
        return core.compile_model(model, "CPU", settings)
    # OpenVINO tells networks apart, but what it keeps is right for this CPU only.
    machine = [ov.get_version(), core.get_property("CPU", "FULL_DEVICE_NAME"), *sorted(fast_precisions())]
    folder = cache_dir / hashlib.sha256("\n".join(machine).encode()).hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with LOCALE_KEPT:
            compiled = core.compile_model(model, "CPU", settings | {"CACHE_DIR": str(folder)})
        _prune(cache_dir)
    except (RuntimeError, OSError) as error:
        log.warning("compiled_network_not_kept folder=%s error=%r", folder, str(error)[:200])
        return core.compile_model(model, "CPU", settings)
    return compiled


def _prune(cache_dir: Path) -> None:
    files = sorted(cache_dir.glob("*/*.blob"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[_KEPT_COMPILATIONS:]:
        file.unlink(missing_ok=True)


def _last_line(error: Exception) -> str:
    """OpenVINO's reasons come after where in its own code they arose."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
