"""Checks a pack: every file's digest, and a dry run of each network on one or every runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from config.options import DetectionOptions, ModelOptions
from inference.errors import ModelFileError, SettingsError
from inference.models.manifest import MANIFEST_NAME
from inference.models.registry import RECALIBRATE, Pack
from inference.models.runners import detector_on, embedder_on
from inference.models.runtimes import Runtime, Runtimes, available_runtimes

_ROWS = 3  # more than one, and not a batch size of its own, so that batches are tried too


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about a pack that is not as its manifest says."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


def verify_pack(pack: Pack, *, on: Runtimes | None = None) -> tuple[Problem, ...]:
    """Everything that is wrong with the pack; empty when it can be used as it is.

    Reads every file, and runs the networks: on the runtimes that are given, or on every one that is
    installed, on the CPU. Where torch is installed, the latter takes many seconds.
    """
    problems = [
        Problem(name, reason) for name in pack.manifest.files if (reason := pack.file_fault(name)) is not None
    ]
    bad = {problem.file for problem in problems}
    if reason := pack.manifest.calibration_fault:
        problems.append(Problem(MANIFEST_NAME, f"{reason}. {RECALIBRATE}"))
    detector, embedder = pack.manifest.detector, pack.manifest.embedder_table
    detectors, embedders = ((on.detector,), (on.embedder,)) if on else available_runtimes(pack)
    if not detectors:
        problems.append(
            Problem(MANIFEST_NAME, "its detector needs torch and ultralytics, which are not installed")
        )
    for runtime in detectors:
        name = detector.torch if runtime.kind == "torch" else detector.onnx
        if name is not None and name not in bad:
            found = _dry_run(name, runtime, partial(_try_detector, runtime, pack))
            problems += found
            bad |= {problem.file for problem in found}  # once is enough
    for runtime in embedders:
        if embedder is not None and embedder.onnx not in bad:
            found = _dry_run(embedder.onnx, runtime, partial(_try_embedder, runtime, pack))
            problems += found
            bad |= {problem.file for problem in found}
    return tuple(problems)


def _dry_run(name: str, runtime: Runtime, run: Callable[[], None]) -> list[Problem]:
    try:
        run()
    except ModelFileError as error:
        return [Problem(name, f"{error.data['reason']} ({runtime}). {error.data['fix']}")]
    except (SettingsError, ValueError) as error:
        return [Problem(name, f"{error} ({runtime})")]
    return []


def _try_detector(runtime: Runtime, pack: Pack) -> None:
    detector = detector_on(runtime, pack, ModelOptions(), DetectionOptions())
    for width, height in detector.canvas_shapes:
        detector.detect([np.full((height, width, 3), 114, dtype=np.uint8)] * _ROWS)


def _try_embedder(runtime: Runtime, pack: Pack) -> None:
    side = pack.manifest.embedder.side
    crops = np.random.default_rng(0).integers(0, 256, (_ROWS, side, side, 3), dtype=np.uint8)
    embedder_on(runtime, pack, ModelOptions()).embed(list(crops))
