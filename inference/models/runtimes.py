"""Which runtime each network of a pack gets on this machine, and in which precision."""

from __future__ import annotations

import logging
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from config.options import ModelOptions
from inference.errors import ModelFileError, SettingsError
from inference.models.manifest import MANIFEST_NAME
from inference.models.registry import Pack
from inference.network import Precision

log = logging.getLogger(__name__)

# What the driver leaves where there is an NVIDIA GPU; a look is far cheaper than importing torch.
_GPU_SIGNS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
_DETECTOR_MODULES = ("torch", "ultralytics")
_EMBEDDER_MODULES = ("torch", "onnx", "onnx2torch")
_OPENVINO_MODULES = ("openvino",)

RuntimeKind = Literal["openvino", "onnx", "torch"]


@dataclass(frozen=True, slots=True)
class Runtime:
    kind: RuntimeKind
    device: str
    """cpu, cuda or cuda:N."""
    precision: Precision = "float32"
    """On a CPU; on a GPU torch computes in half precision."""

    def __str__(self) -> str:
        return f"{self.kind} on {self.device}" + (f", {self.precision}" if self.device == "cpu" else "")


@dataclass(frozen=True, slots=True)
class Runtimes:
    """What each network runs on; they differ when a pack's network exists for one runtime only.

    A closed set has no embedder; its is that of the detector.
    """

    detector: Runtime
    embedder: Runtime


def resolve_runtimes(models: ModelOptions, pack: Pack) -> Runtimes:
    """What the options mean on this machine for that pack.

    `auto` is torch on CUDA where there is a GPU that torch can use, else OpenVINO on the CPU, else ONNX
    Runtime; a network that the pack does not have for it runs on another. A runtime or device asked for by
    name is that or an error: raises SettingsError, or ModelFileError when the pack lacks the file.

    A network computes in less than float32 where its pack says that it was measured to be as good, and this
    CPU to be faster. That is no trial at every start, so the same machine always gives the same answers.
    """
    table = pack.manifest.detector
    detector = _resolve(
        models,
        pack,
        "detector",
        onnx=table.onnx is not None,
        torch=table.torch is not None,
        less="int8" if table.int8 is not None else None,
        modules=_DETECTOR_MODULES,
    )
    if pack.manifest.closed_set is not None:
        return Runtimes(detector, detector)
    return Runtimes(
        detector,
        _resolve(
            models,
            pack,
            "embedder",
            onnx=True,
            torch=pack.manifest.embedder.runs_on_torch,
            less="bfloat16" if pack.manifest.embedder.bfloat16 else None,
            modules=_EMBEDDER_MODULES,
        ),
    )


def available_runtimes(pack: Pack) -> tuple[tuple[Runtime, ...], tuple[Runtime, ...]]:
    """On what the detector and the embedder can run here on the CPU, in the precisions that they may."""
    detector, embedder = pack.manifest.detector, pack.manifest.embedder_table
    torch = Runtime("torch", "cpu")
    detectors = _onnx_runtimes("int8" if detector.int8 is not None else None) if detector.onnx else []
    if detector.torch is not None and _importable(_DETECTOR_MODULES):
        detectors.append(torch)
    if embedder is None:
        return tuple(detectors), ()
    embedders = _onnx_runtimes("bfloat16" if embedder.bfloat16 else None)
    if embedder.runs_on_torch and _importable(_EMBEDDER_MODULES):
        embedders.append(torch)
    return tuple(detectors), tuple(embedders)


def _onnx_runtimes(less: Precision | None) -> list[Runtime]:
    """What an ONNX file runs on."""
    precisions = openvino_precisions()
    found = [Runtime("openvino", "cpu", one) for one in precisions if one in {less, "float32"}]
    return [Runtime("onnx", "cpu"), *found]


def openvino_precisions() -> tuple[Precision, ...]:
    """Those in which OpenVINO computes here; none where it is not installed or does not start."""
    return _openvino_precisions()[0]


def fast_openvino_precisions() -> tuple[Precision, ...]:
    """Of these, float32 and what is faster."""
    return _openvino_precisions()[1]


@cache
def _openvino_precisions() -> tuple[tuple[Precision, ...], tuple[Precision, ...]]:
    if not _importable(_OPENVINO_MODULES):
        return (), ()
    try:
        # 0.2 s where it is not used
        from inference.openvino_network import computed_precisions, fast_precisions  # noqa: PLC0415
    except (ImportError, OSError) as error:
        log.warning("runtime_left_out runtime=openvino error=%r", error)
        return (), ()
    return ("float32", *sorted(computed_precisions())), ("float32", *sorted(fast_precisions()))


def _on_cpu(models: ModelOptions, less: Precision | None) -> Runtime:
    """For a network that exists as an ONNX file, and that its maker has found as good in less precision."""
    if models.runtime == "onnx" or not (precisions := fast_openvino_precisions()):
        return Runtime("onnx", "cpu")
    if models.precision == "auto" and less in precisions:
        return Runtime("openvino", "cpu", less)
    return Runtime("openvino", "cpu")


def _resolve(
    models: ModelOptions,
    pack: Pack,
    network: str,
    *,
    onnx: bool,
    torch: bool,
    less: Precision | None,
    modules: tuple[str, ...],
) -> Runtime:
    wants_gpu = models.device.startswith("cuda")
    if models.runtime in {"onnx", "openvino"}:
        if wants_gpu:
            raise SettingsError(
                key="models.device",
                reason=f"{models.runtime} runs on the CPU only, not on {models.device}; "
                "set models.runtime to torch, or models.device to auto",
            )
        if not onnx:
            raise lacks(pack, "onnx", network, "Set models.runtime to auto.")
        if models.runtime == "openvino":
            _require(_OPENVINO_MODULES, "models.runtime")
        return _on_cpu(models, less)
    if models.runtime == "torch" or wants_gpu:
        if not torch:
            raise lacks(pack, "torch", network, "Set models.runtime and models.device to auto.")
        _require(modules, "models.runtime" if models.runtime == "torch" else "models.device")
        return Runtime("torch", _torch_device(models.device))
    if torch and models.device == "auto" and _sees_gpu() and _importable(modules) and _cuda_devices() > 0:
        return Runtime("torch", "cuda")
    if onnx:
        return _on_cpu(models, less)
    if not _importable(modules):
        raise lacks(
            pack, "onnx", network, "Install the packages of requirements.txt, which run its torch file."
        )
    return Runtime("torch", "cpu")


def _torch_device(device: str) -> str:
    if device == "cpu":
        return device
    count = _cuda_devices() if _sees_gpu() else 0
    if device == "auto":
        return "cuda" if count else "cpu"
    index = int(device.partition(":")[2] or 0)
    if index >= count:
        raise SettingsError(
            key="models.device",
            reason=f"torch sees {count or 'no'} NVIDIA GPU{'s' if count > 1 else ''}, so not {device}; "
            "check the driver with nvidia-smi, or set models.device to auto",
        )
    return device


def _sees_gpu() -> bool:
    if sys.platform == "win32":
        return shutil.which("nvidia-smi") is not None
    return any(sign.exists() for sign in _GPU_SIGNS)


def _cuda_devices() -> int:
    import torch  # noqa: PLC0415  # seconds to import, and absent from the slim set

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _importable(modules: tuple[str, ...]) -> bool:
    return all(find_spec(module) is not None for module in modules)


def _require(modules: tuple[str, ...], key: str) -> None:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise SettingsError(
            key=key,
            reason=f"that needs {', '.join(missing)}, which is not installed; "
            "install the packages of requirements.txt, or set it to auto",
        )


def lacks(pack: Pack, kind: str, network: str, fix: str) -> ModelFileError:
    """The error for a pack that does not have a network for a runtime."""
    return ModelFileError(
        path=str(pack.folder / MANIFEST_NAME), reason=f"it has no {kind} {network}", fix=fix
    )
