"""One ONNX network with one input and one output, on ONNX Runtime; the only `import onnxruntime`."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import ModelFileError
from inference.fixed_batches import FloatArray
from inference.network import PixelBatch, PixelInput

if TYPE_CHECKING:
    import onnxruntime

_REINSTALL = "Check it with `python bot.py models verify`, or install the pack again."


class OnnxSession:
    """A loaded network; float32 in, float32 out, also where the network itself takes half precision."""

    def __init__(self, session: onnxruntime.InferenceSession, path: Path, output: str | None) -> None:
        self._session = session
        self._path = path
        entry = session.get_inputs()[0]
        self._input = entry.name
        self._dtype = np.float16 if entry.type == "tensor(float16)" else np.float32
        self.fixed_batch: int | None = entry.shape[0] if isinstance(entry.shape[0], int) else None
        """The only batch size that the network takes; None when it takes any."""
        self._output = output or session.get_outputs()[0].name

    def run(self, rows: FloatArray) -> FloatArray:
        """The network's output for a batch. Raises ModelFileError when it does not take that shape."""
        try:
            output = self._session.run([self._output], {self._input: rows.astype(self._dtype, copy=False)})[0]
        except Exception as error:  # ONNX Runtime raises its own classes, which share no public base
            raise ModelFileError(
                path=str(self._path),
                reason=f"it does not run on input {rows.shape}: {_first_line(error)}",
                fix="Correct the input size in the pack's manifest.",
            ) from error
        result: FloatArray = np.asarray(output, dtype=np.float32)
        return result


class OnnxNetwork:
    """A `Network` on ONNX Runtime."""

    def __init__(self, session: OnnxSession, pixels: PixelInput) -> None:
        self._session = session
        self._pixels = pixels

    @property
    def fixed_batch(self) -> int | None:
        return self._session.fixed_batch

    def run(self, pixels: PixelBatch) -> FloatArray:
        return self._session.run(self._pixels.rows(pixels))


def open_onnx(path: Path, pixels: PixelInput, *, threads: int, output: str | None = None) -> OnnxNetwork:
    """A network ready to run on the CPU; see `NetworkOpener`."""
    return OnnxNetwork(open_session(path, threads=threads, output=output), pixels)


def open_session(path: Path, *, threads: int, output: str | None = None) -> OnnxSession:
    """A network ready to run on the CPU; `threads` 0 means all cores, `output` None the first output.

    Raises ModelFileError when the file is missing or not a usable network.
    """
    if not path.is_file():
        raise ModelFileError(path=str(path), reason="it does not exist", fix=_REINSTALL)
    onnxruntime = load_library()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors; its warnings are about graph details
    # The arena keeps three times what a batch needs and saves no time that could be measured.
    options.enable_cpu_mem_arena = False
    # Without spinning, threads that wait for the next batch leave the cores to decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelFileError(path=str(path), reason=_first_line(error), fix=_REINSTALL) from error
    names = [entry.name for entry in session.get_outputs()]
    if output is not None and output not in names:
        raise ModelFileError(
            path=str(path),
            reason=f"it has no output {output!r}, only {', '.join(names)}",
            fix="Correct the output name in the pack's manifest.",
        )
    return OnnxSession(session, path, output)


def load_library() -> ModuleType:
    """ONNX Runtime, imported only now: where OpenVINO runs the networks, nobody needs it."""
    # From 1.31 on it tells its maker how it is used, under an id that it leaves in the home folder. Its own
    # function to switch that off (`disable_telemetry_events`) comes too late: this is read at the import.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime  # noqa: PLC0415

    library: ModuleType = onnxruntime
    return library


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
