"""Every option with its default, each written once; receivers get these values, never the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a posted picture may be; all of it is checked before its pixels are decoded."""

    max_bytes: int = 25 * 1024 * 1024
    max_pixels: int = 50_000_000
    max_side: int = 32_000
    max_frames: int = 3_000
    sampled_frames: int = 8


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Which model pack runs, and on what."""

    pack: str = "starter"
    runtime: Literal["auto", "onnx", "torch"] = "auto"
    device: str = "auto"  # auto, cpu, cuda, cuda:N
    threads: int = 0  # intra-op threads of each model on the CPU; 0 = all cores
    flip_average: bool = True  # add the embedding of the mirrored crop


@dataclass(frozen=True, slots=True)
class DetectionOptions:
    """How faces are looked for; a threshold of 0 takes the model pack's own."""

    score_threshold: float = 0.0
    iou_threshold: float = 0.5
    max_faces: int = 64
    tile_aspect: float = 2.5  # a longer picture is cut into overlapping tiles
    tile_above: int = 2_560  # so is one whose longer side exceeds this many pixels
    tile_overlap: float = 0.25
    max_tiles: int = 48
    smallest_face: int = 12  # pixels of the picture; smaller boxes are dropped


@dataclass(frozen=True, slots=True)
class BatchingOptions:
    """How the shared queues collect work for one model call."""

    detector_items: int = 8
    embedder_items: int = 32
    max_wait_s: float = 0.004
    max_queue: int = 256
    deadline_s: float = 30.0


@dataclass(frozen=True, slots=True)
class DecisionOptions:
    """When a face is named; thresholds of 0 take the model pack's calibration."""

    false_name_rate: float = 0.01
    threshold: float = 0.0
    margin: float = 0.0
    one_face_per_character: bool = True
    top: int = 5  # matches reported for each face


@dataclass(frozen=True, slots=True)
class EnrollOptions:
    """What a face must be to become a sample."""

    smallest_face: int = 32  # shorter side of the face box, pixels
    lowest_score: float = 0.35
    lowest_sharpness: float = 4.0  # standard deviation of the Laplacian of the 112 px crop
    alike_hint: bool = True  # tell when the face already looks like another character


@dataclass(frozen=True, slots=True)
class AnnotateOptions:
    """How the answer picture looks and how large its file may get."""

    max_bytes: int = 8 * 1024 * 1024
    max_side: int = 4_096
    format: Literal["jpeg", "webp"] = "jpeg"
    quality: int = 90


@dataclass(frozen=True, slots=True)
class GalleryOptions:
    """Where enrolled characters live."""

    backend: Literal["embedded"] = "embedded"
    file: str = "gallery.sqlite"  # relative to the data folder
    shared: tuple[str, ...] = ()  # galleries that every scope also sees


@dataclass(frozen=True, slots=True)
class LoggingOptions:
    """What is logged and in which shape."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"
    format: Literal["console", "json"] = "console"


@dataclass(frozen=True, slots=True)
class Options:
    """All options of one process."""

    data_dir: Path = Path("data")
    images: ImageLimits = field(default_factory=ImageLimits)
    models: ModelOptions = field(default_factory=ModelOptions)
    detection: DetectionOptions = field(default_factory=DetectionOptions)
    batching: BatchingOptions = field(default_factory=BatchingOptions)
    decision: DecisionOptions = field(default_factory=DecisionOptions)
    enroll: EnrollOptions = field(default_factory=EnrollOptions)
    annotate: AnnotateOptions = field(default_factory=AnnotateOptions)
    gallery: GalleryOptions = field(default_factory=GalleryOptions)
    logging: LoggingOptions = field(default_factory=LoggingOptions)
