"""What can be chosen about a YOLO detector's training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from training.recipes import Recipe

Probability = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=100)]
Size = Annotated[int, Field(ge=64, le=1536, multiple_of=32)]
"""Side of a square canvas in pixels; YOLO networks halve it five times."""


class NetworkRecipe(Recipe):
    architecture: Annotated[str, Field(pattern=r"^yolo[\w-]+$")] = "yolov8n"
    """A YOLO detection network that Ultralytics knows: yolov8n, yolo11n, yolo26n, …"""
    initial: Path | None = None
    """An Ultralytics checkpoint to start from, whose architecture it keeps; none to start from scratch."""
    freeze: Annotated[int, Field(ge=0, le=30)] = 0
    """That many first modules keep their weights."""
    classes: Literal["face", "characters"] = "face"
    """One class; or one a character, and "face" for faces without a name."""


class SizeRecipe(Recipe):
    """A canvas size and how often batches have it."""

    size: Size
    weight: Weight = 1.0
    batch: Annotated[int, Field(ge=2)]


class LayoutRecipe(Recipe):
    """How often a canvas is laid out in each way; weights, whatever their sum."""

    whole: Weight = 4.0
    """A picture on its canvas as in serving, or smaller, or a little larger than the canvas."""
    zoom: Weight = 2.0
    """A part of a picture in which one face is large."""
    mosaic: Weight = 2.0
    """Four pictures around a corner (Bochkovskiy et al., YOLOv4, 2020)."""
    crowd: Weight = 1.5
    """Many small pictures side by side."""
    page: Weight = 1.5
    """Panels with speech balloons, as on a page of a comic."""
    stickers: Weight = 1.0
    """Faces cut out of their pictures and pasted on pictures without faces or on plain grounds."""

    largest: Annotated[float, Field(gt=0.1, le=0.95)] = 0.85
    """Of the canvas: the largest face that `zoom` makes."""
    enlarged: Annotated[float, Field(ge=1, le=16)] = 6.0
    """How far `zoom` may enlarge pixels."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not any((self.whole, self.zoom, self.mosaic, self.crowd, self.page, self.stickers)):
            raise ValueError("at least one layout needs a weight")
        return self


class MediumRecipe(Recipe):
    """Probabilities and strengths of what happens to a finished canvas."""

    flip: Probability = 0.5
    rotate: Probability = 0.25
    degrees: Annotated[float, Field(ge=0, le=45)] = 14.0
    colour: Probability = 0.6
    grey: Probability = 0.12
    tone: Probability = 0.08
    """Greyscale with a printed screen; pages are printed far more often."""
    print_pages: Probability = 0.75
    """How often a page is in greyscale; half of those with a screen."""
    small: Probability = 0.15
    """Shrunk and enlarged again."""
    blur: Probability = 0.08
    sharpen: Probability = 0.15
    noise: Probability = 0.06
    jpeg: Probability = 0.35


class SamplingRecipe(Recipe):
    pictures: Annotated[int, Field(ge=0)] = 0
    """Canvases in an epoch; 0 for as many as there are pictures."""
    source_weights: dict[str, Weight] = Field(default_factory=dict)
    """How much more often than otherwise the pictures of a source are seen; 1 where nothing is said."""
    closing: Probability = 0.15
    """Share of the training at its end with whole pictures and zooms only."""


class ScheduleRecipe(Recipe):
    """The rate rises in a warm-up, then falls as a cosine."""

    epochs: Annotated[int, Field(ge=1)] = 20
    optimizer: Literal["SGD", "AdamW", "MuSGD"] = "AdamW"
    rate: Annotated[float, Field(gt=0)] = 1e-3
    final: Probability = 0.02
    """Of the rate, at the end."""
    warm_up: Annotated[float, Field(ge=0)] = 1.0
    """Epochs."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    validate_every: Annotated[int, Field(ge=1)] = 1
    """Epochs."""


class DetectorRecipe(Recipe):
    """`config/recipes/detector-*.toml`."""

    network: NetworkRecipe = NetworkRecipe()
    sizes: Annotated[tuple[SizeRecipe, ...], Field(min_length=1)] = (SizeRecipe(size=640, batch=16),)
    """One is drawn for every batch."""
    validated_size: Size = 640
    layout: LayoutRecipe = LayoutRecipe()
    medium: MediumRecipe = MediumRecipe()
    sampling: SamplingRecipe = SamplingRecipe()
    schedule: ScheduleRecipe = ScheduleRecipe()
    precision: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    """Of the network, by autocast; float16 (with loss scaling) on a GPU only."""
    kept_side: Annotated[int, Field(ge=64, le=4096)] = 960
    """Pictures are held in memory at most this large, 3 bytes a pixel."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not any(entry.weight for entry in self.sizes):
            raise ValueError("at least one size needs a weight")
        return self
