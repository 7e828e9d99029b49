"""From a pack to running networks: which runtime, on which device, under which contract."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from config.options import DetectionOptions, ModelOptions
from inference.detection.base import Detector
from inference.detection.ssd import OnnxSsdDetector
from inference.detection.yolo import OnnxYoloDetector
from inference.domain import EmbeddingContract
from inference.embedding.arcface import OnnxEmbedder
from inference.embedding.base import Embedder
from inference.errors import ModelFileError, SettingsError
from inference.models.manifest import MANIFEST_NAME
from inference.models.registry import Pack

# What the driver leaves where there is an NVIDIA GPU; a look is far cheaper than importing torch.
_GPU_SIGNS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
_DETECTOR_MODULES = ("torch", "ultralytics")
_EMBEDDER_MODULES = ("torch", "onnx", "onnx2torch")

RuntimeKind = Literal["onnx", "torch"]


@dataclass(frozen=True, slots=True)
class Runtime:
    kind: RuntimeKind
    device: str
    """cpu, cuda or cuda:N."""


@dataclass(frozen=True, slots=True)
class Runtimes:
    """What each network runs on; they differ when a pack's network exists for one runtime only.

    A closed set has no embedder; its is that of the detector.
    """

    detector: Runtime
    embedder: Runtime


def contract_of(pack: Pack, *, flip_average: bool) -> EmbeddingContract:
    """What the pack's embeddings mean: the same whichever runtime makes them."""
    return pack.manifest.contract(flip_average=flip_average)


def resolve_runtimes(models: ModelOptions, pack: Pack) -> Runtimes:
    """What the options mean on this machine for that pack.

    `auto` is torch on CUDA where there is a GPU that torch can use, else ONNX Runtime on the CPU; a network
    that the pack does not have for it runs on the other. A runtime or device asked for by name is that or an
    error: raises SettingsError, or ModelFileError when the pack lacks the file.
    """
    detector = _resolve(
        models,
        pack,
        "detector",
        onnx=pack.manifest.detector.onnx is not None,
        torch=pack.manifest.detector.torch is not None,
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
            modules=_EMBEDDER_MODULES,
        ),
    )


def open_detector(pack: Pack, models: ModelOptions, detection: DetectionOptions) -> Detector:
    """The pack's detector, loaded on the calling thread, its file's digest checked. Raises SetupError."""
    return detector_on(resolve_runtimes(models, pack).detector, pack, models, detection)


def open_embedder(pack: Pack, models: ModelOptions) -> Embedder:
    """The pack's embedder, loaded on the calling thread, its file's digest checked. Raises SetupError."""
    return embedder_on(resolve_runtimes(models, pack).embedder, pack, models)


def available_runtimes(pack: Pack) -> tuple[tuple[Runtime, ...], tuple[Runtime, ...]]:
    """On what the detector and the embedder can run here on the CPU."""
    detector, embedder = pack.manifest.detector, pack.manifest.embedder_table
    onnx, torch = Runtime("onnx", "cpu"), Runtime("torch", "cpu")
    detectors = [onnx] if detector.onnx is not None else []
    if detector.torch is not None and _importable(_DETECTOR_MODULES):
        detectors.append(torch)
    if embedder is None:
        return tuple(detectors), ()
    embedders = [onnx]
    if embedder.runs_on_torch and _importable(_EMBEDDER_MODULES):
        embedders.append(torch)
    return tuple(detectors), tuple(embedders)


def detector_on(runtime: Runtime, pack: Pack, models: ModelOptions, detection: DetectionOptions) -> Detector:
    """The pack's detector on that runtime; see `open_detector()`."""
    table = pack.manifest.detector
    spec = table.spec(
        score_threshold=detection.score_threshold or table.score_threshold,
        iou_threshold=detection.iou_threshold,
        names_faces=pack.manifest.closed_set is not None,
    )
    path = pack.checked_file(_detector_file(runtime, pack))
    if runtime.kind == "onnx":
        runner = OnnxSsdDetector if table.layout == "ssd" else OnnxYoloDetector
        return runner(spec, path, threads=models.threads)
    from inference.detection.ultralytics_yolo import UltralyticsYoloDetector  # noqa: PLC0415

    return UltralyticsYoloDetector(spec, path, device=runtime.device, threads=models.threads)


def embedder_on(runtime: Runtime, pack: Pack, models: ModelOptions) -> Embedder:
    """The pack's embedder on that runtime; see `open_embedder()`."""
    table = pack.manifest.embedder
    contract = contract_of(pack, flip_average=models.flip_average)
    path = pack.checked_file(table.onnx)
    if runtime.kind == "onnx":
        return OnnxEmbedder(
            table.spec, path, contract, flip_average=models.flip_average, threads=models.threads
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


def _resolve(
    models: ModelOptions, pack: Pack, network: str, *, onnx: bool, torch: bool, modules: tuple[str, ...]
) -> Runtime:
    wants_gpu = models.device.startswith("cuda")
    if models.runtime == "onnx":
        if wants_gpu:
            raise SettingsError(
                key="models.device",
                reason=f"ONNX Runtime runs on the CPU only, not on {models.device}; "
                "set models.runtime to torch, or models.device to auto",
            )
        if not onnx:
            raise _lacks(pack, network, "onnx", "Set models.runtime to auto.")
        return Runtime("onnx", "cpu")
    if models.runtime == "torch" or wants_gpu:
        if not torch:
            raise _lacks(pack, network, "torch", "Set models.runtime and models.device to auto.")
        _require(modules, "models.runtime" if models.runtime == "torch" else "models.device")
        return Runtime("torch", _torch_device(models.device))
    if torch and models.device == "auto" and _sees_gpu() and _importable(modules) and _cuda_devices() > 0:
        return Runtime("torch", "cuda")
    if onnx:
        return Runtime("onnx", "cpu")
    if not _importable(modules):
        raise _lacks(
            pack, network, "onnx", "Install the packages of requirements.txt, which run its torch file."
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


def _detector_file(runtime: Runtime, pack: Pack) -> str:
    table = pack.manifest.detector
    name = table.onnx if runtime.kind == "onnx" else table.torch
    if name is None:
        raise _lacks(pack, "detector", runtime.kind, "Set models.runtime to auto.")
    return name


def _lacks(pack: Pack, network: str, kind: RuntimeKind, fix: str) -> ModelFileError:
    return ModelFileError(
        path=str(pack.folder / MANIFEST_NAME), reason=f"it has no {kind} {network}", fix=fix
    )
