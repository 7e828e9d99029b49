"""One ONNX network on OpenVINO: compiled for this CPU, in the precision asked for, its input made inside."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from inference import quantization
from inference.cores import bfloat16_is_fast, usable_cores
from inference.errors import ModelFileError
from inference.fixed_batches import FloatArray
from inference.kept_compilations import KeptCompilations
from inference.network import PixelBatch, PixelInput, Precision
from inference.openvino_library import ov
from inference.quantization import Range

_REINSTALL = "Check it with `python bot.py models verify`, or install the pack again."
_ELEMENT_TYPES = {"float32": "f32", "bfloat16": "bf16"}
_CAPABILITIES: dict[str, Precision] = {"BF16": "bfloat16", "INT8": "int8"}

Size = tuple[int, int]
"""Width and height."""

_REQUESTS_A_STREAM = 2
"""One to run and one to go on with: a stream that waits for its next row loses a tenth of its time."""


class CompiledNetwork:
    """A `Network` on OpenVINO: compiled for any input, or for each of a few sizes when it first comes.

    With several streams it runs as many rows beside each other, each on its share of the threads: these do
    not wait for the others at the end of every layer. A file that is for several rows at a time uses one of
    the streams.
    """

    def __init__(self, source: _Source, kept: KeptCompilations | None, sizes: Sequence[Size]) -> None:
        """Without `sizes` it takes any; else the first is compiled at once, unless it has been before."""
        self._source: _Source | None = source
        self._path = source.path
        self._kept = kept
        self._streams = source.streams
        self._requests: dict[Size | None, tuple[ov.InferRequest, ...]] = {}
        self._sizes: tuple[Size | None, ...] = tuple(sizes)
        self._fixed_batch = None if source.streams > 1 else 1
        if sizes and kept and kept.has(source.key_for(sizes[0])):
            return
        if not sizes or source.model.input(0).get_partial_shape()[0].is_static:
            self._sizes = (None,)  # a file with a batch of its own is taken as it is
        for size in self._sizes:
            if size is not None:
                _check_size(source.model, size, source.path)
        compiled = self._requests_for(self._sizes[0])[0].get_compiled_model()
        batch = compiled.input(0).get_partial_shape()[0]
        own = batch.get_length() if batch.is_static else None
        self._fixed_batch = None if own == 1 and self._streams > 1 else own

    @property
    def fixed_batch(self) -> int | None:
        return self._fixed_batch

    def run(self, pixels: PixelBatch) -> FloatArray:
        pixels = np.ascontiguousarray(pixels)  # here, because a request does not keep what it reads alive
        try:
            requests = self._requests_for((pixels.shape[2], pixels.shape[1]) if self._sizes[0] else None)
            if self._fixed_batch is None and len(requests) > 1:
                return _rows_beside_each_other(requests, pixels)
            return _whole(requests[0], pixels)
        except RuntimeError as error:
            raise _unfit(self._path, pixels.shape, _last_line(error)) from error

    def _requests_for(self, size: Size | None) -> tuple[ov.InferRequest, ...]:
        if size not in self._requests:
            if self._source is None or size not in self._sizes:
                raise RuntimeError(f"it was opened for other sizes: {self._sizes}")
            compiled = self._compiled(self._source, size)
            count = _REQUESTS_A_STREAM * self._streams if self._streams > 1 else 1
            self._requests[size] = tuple(compiled.create_infer_request() for _ in range(count))
            if self._requests.keys() == set(self._sizes):
                self._source = None  # it may hold the network as it was read, 14 MB of a detector
        return self._requests[size]

    def _compiled(self, source: _Source, size: Size | None) -> ov.CompiledModel:
        if self._kept is None:
            return source.compiled(size)
        key = source.key_for(size)
        compiled = self._kept.find(key, source.settings)
        if compiled is None:
            compiled = source.compiled(size)
            self._kept.keep(key, compiled)
        return compiled


def open_compiled(
    path: Path,
    pixels: PixelInput,
    *,
    threads: int,
    output: str | None = None,
    precision: Precision = "float32",
    ranges: Mapping[str, Range] | None = None,
    sizes: Sequence[Size] = (),
    streams: int = 1,
    cache_dir: Path | None = None,
) -> CompiledNetwork:
    """A network ready to run on the CPU; see `NetworkOpener`.

    `int8` needs the ranges of the activations; what they leave in floating point is bfloat16 where the CPU
    is fast at that. With `sizes` (width, height), the network is compiled for one input of each of them, all
    but the first when they first come. That makes it up to a fifth faster than one that takes any, which
    besides spends a millisecond whenever its input's shape is not the one before. Of several `streams` each
    gets rows of its own. `cache_dir` keeps the outcome for the next start.
    """
    if not path.is_file():
        raise ModelFileError(path=str(path), reason="it does not exist", fix=_REINSTALL)
    settings = _settings(threads, precision, streams)
    source = _Source(path, pixels, output, precision, ranges or {}, settings, streams)
    kept = KeptCompilations(cache_dir, _core(), _machine()) if cache_dir else None
    try:
        return CompiledNetwork(source, kept, sizes)
    except (RuntimeError, ValueError) as error:
        raise ModelFileError(path=str(path), reason=_last_line(error), fix=_REINSTALL) from error


@dataclass(frozen=True, eq=False)
class _Source:
    """An ONNX file and what is to become of it; read only where nothing that was compiled is kept."""

    path: Path
    pixels: PixelInput
    output: str | None
    precision: Precision
    ranges: Mapping[str, Range]
    settings: dict[str, Any]
    streams: int

    def key_for(self, size: Size | None) -> str:
        """Tells whatever is compiled differently apart."""
        return f"{self._key} {size}"

    @cached_property
    def _key(self) -> str:
        # What is done to a network is told apart by the code that does it, so that nobody can forget to.
        digests = [
            hashlib.sha256(file.read_bytes()).hexdigest()
            for file in (self.path, Path(__file__), Path(quantization.__file__))
        ]
        ranges, settings = sorted(self.ranges.items()), sorted(self.settings.items())
        return repr((digests, self.pixels, self.output, self.precision, ranges, settings))

    @cached_property
    def model(self) -> ov.Model:
        """The network as it takes pixels of any size. Raises RuntimeError, ValueError, ModelFileError."""
        model = _core().read_model(self.path)
        _keep_one_output(model, self.path, self.output)
        if self.precision == "int8":
            quantization.quantize(model, self.ranges)
        return _with_pixel_input(model, self.pixels)

    def compiled(self, size: Size | None) -> ov.CompiledModel:
        model = self.model if size is None else _for_size(self.model, size)
        return _core().compile_model(model, "CPU", self.settings)


def _whole(request: ov.InferRequest, pixels: PixelBatch) -> FloatArray:
    request.set_input_tensor(_tensor(pixels))
    request.infer()
    return _output(request)


def _rows_beside_each_other(requests: Sequence[ov.InferRequest], pixels: PixelBatch) -> FloatArray:
    """Each row by itself, as many at a time as there are requests."""
    running: deque[ov.InferRequest] = deque()
    outputs: list[FloatArray] = []

    def end_first() -> None:
        request = running.popleft()
        request.wait()
        outputs.append(_output(request))

    try:
        for row in range(len(pixels)):
            if len(running) == len(requests):
                end_first()
            request = requests[row % len(requests)]
            request.set_input_tensor(_tensor(pixels[row : row + 1]))
            request.start_async()
            running.append(request)
        while running:
            end_first()
    finally:
        for request in running:  # after an error: nothing may still read the pixels
            with suppress(RuntimeError):
                request.wait()
    return np.concatenate(outputs)


def _tensor(pixels: PixelBatch) -> ov.Tensor:
    return ov.Tensor(pixels, shared_memory=True)


def _output(request: ov.InferRequest) -> FloatArray:
    # The request writes its next output over this one.
    return np.array(request.get_output_tensor(0).data, dtype=np.float32)


def _check_size(model: ov.Model, size: Size, path: Path) -> None:
    # OpenVINO would reshape it all the same, and then write beyond its memory.
    if not model.input(0).get_partial_shape().compatible(_shape_of(size)):
        raise _unfit(path, (1, size[1], size[0], 3), "it takes inputs of another size")


def _for_size(model: ov.Model, size: Size) -> ov.Model:
    fixed: ov.Model = model.clone()
    fixed.reshape(_shape_of(size))
    return fixed


def _shape_of(size: Size) -> ov.PartialShape:
    return ov.PartialShape([1, size[1], size[0], 3])


def _unfit(path: Path, shape: tuple[int, ...], reason: str) -> ModelFileError:
    return ModelFileError(
        path=str(path),
        reason=f"it does not run on input {shape}: {reason}",
        fix="Correct the input size in the pack's manifest.",
    )


@cache
def computed_precisions() -> frozenset[Precision]:
    """What this CPU computes in besides float32."""
    names = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return frozenset(precision for name, precision in _CAPABILITIES.items() if name in names)


@cache
def fast_precisions() -> frozenset[Precision]:
    """Of these, what takes it less time than float32."""
    return computed_precisions() if bfloat16_is_fast() else computed_precisions() - {"bfloat16"}


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


def _settings(threads: int, precision: Precision, streams: int) -> dict[str, Any]:
    if precision == "int8":
        precision = "bfloat16" if "bfloat16" in fast_precisions() else "float32"
    return {
        "INFERENCE_PRECISION_HINT": _ELEMENT_TYPES[precision],
        "INFERENCE_NUM_THREADS": threads or usable_cores(),
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,  # the cores are shared with decoding and with the other network
    }


def _machine() -> str:
    """What compiled networks are right for."""
    return "\n".join(
        [ov.get_version(), _core().get_property("CPU", "FULL_DEVICE_NAME"), *sorted(fast_precisions())]
    )


def _last_line(error: Exception) -> str:
    """OpenVINO's reasons come after where in its own code they arose."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
