"""What can be chosen about an SSD detector's training."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from training.detector.recipe import (
    DetectorRecipe,
    LayoutRecipe,
    MediumRecipe,
    Probability,
    SamplingRecipe,
    ScheduleRecipe,
    Size,
    SizeRecipe,
)
from training.recipes import Recipe

_SMALLEST_SSD300 = 288  # below, the last feature map would be empty


class SsdNetworkRecipe(Recipe):
    architecture: Literal["ssd300", "ssdlite"] = "ssdlite"
    """VGG-16 as in the paper (Liu et al., ECCV 2016), or MobileNetV3 (Howard et al., ICCV 2019); both
    start from scratch."""
    classes: Literal["face", "characters"] = "characters"
    """One class; or one a character, and "face" for faces without a name."""
    smallest: Annotated[float, Field(gt=0, lt=1)] = 0.1
    largest: Annotated[float, Field(gt=0, lt=1)] = 0.9
    """Sides of the default boxes of the finest and the coarsest feature map, as shares of the canvas."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.smallest >= self.largest:
            raise ValueError("smallest must be below largest")
        return self


class SsdScheduleRecipe(Recipe):
    """AdamW; the rate rises in a warm-up, then falls as a cosine."""

    epochs: Annotated[int, Field(ge=1)] = 40
    rate: Annotated[float, Field(gt=0)] = 1e-3
    final: Probability = 0.02
    """Of the rate, at the end."""
    warm_up: Annotated[float, Field(ge=0)] = 1.0
    """Epochs."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    clip: Annotated[float, Field(gt=0)] = 5.0
    """Largest norm of the gradient."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """Decay of the averaged weights, which are what is validated and exported."""
    validate_every: Annotated[int, Field(ge=1)] = 5
    """Epochs."""


class SsdRecipe(Recipe):
    """`config/recipes/detector-ssd*.toml`."""

    network: SsdNetworkRecipe = SsdNetworkRecipe()
    size: Size = 320
    """Of the one canvas that the network takes."""
    batch: Annotated[int, Field(ge=2)] = 16
    layout: LayoutRecipe = LayoutRecipe()
    medium: MediumRecipe = MediumRecipe()
    sampling: SamplingRecipe = SamplingRecipe()
    schedule: SsdScheduleRecipe = SsdScheduleRecipe()
    kept_side: Annotated[int, Field(ge=64, le=4096)] = 640
    """Pictures are held in memory at most this large, 3 bytes a pixel."""

    @property
    def canvases(self) -> DetectorRecipe:
        """The part that says how canvases are made, which is the same as for a YOLO."""
        return DetectorRecipe(
            sizes=(SizeRecipe(size=self.size, batch=self.batch),),
            layout=self.layout,
            medium=self.medium,
            sampling=self.sampling,
            schedule=ScheduleRecipe(epochs=self.schedule.epochs),
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.network.architecture == "ssd300" and self.size < _SMALLEST_SSD300:
            raise ValueError(f"size of an ssd300 must be at least {_SMALLEST_SSD300}")
        return self
