"""What can be chosen about an embedder's training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from training.recipes import Recipe

Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=32, le=512)]


class Stage(Recipe):
    """From that share of the training on, crops have this side: small ones first train several times faster.

    Touvron et al., "Fixing the train-test resolution discrepancy", NeurIPS 2019; Tan and Le,
    "EfficientNetV2", ICML 2021.
    """

    start: Annotated[float, Field(ge=0, lt=1)]
    side: Side


class InputRecipe(Recipe):
    """The crop: the same as in serving, where `side` and `margin` go into the pack's manifest."""

    side: Side = 112
    margin: Annotated[float, Field(ge=1, le=3)] = 1.3
    """Side of the crop over the longer side of the face box."""
    stages: tuple[Stage, ...] = ()
    """Smaller sides to begin with; none for `side` throughout."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        starts = [stage.start for stage in self.stages]
        if starts != sorted(set(starts)) or (starts and starts[0] != 0):
            raise ValueError("the first stage starts at 0 and each later one after the one before")
        return self

    def side_at(self, share: float) -> int:
        """The crop's side when that share of the training is done."""
        return next((stage.side for stage in reversed(self.stages) if share >= stage.start), self.side)


class NetworkRecipe(Recipe):
    backbone: Annotated[str, Field(pattern=r"^(iresnet18|iresnet50|mobilefacenet|timm:[\w.]+)$")] = (
        "timm:resnet18"
    )
    pool: Literal["average", "flatten", "depthwise"] = "average"
    """How the last feature map becomes a vector; only "average" takes crops of several sides."""
    initial: Path | None = None
    """Weights to begin with: a run folder or an exported `.onnx` file of the same network, or a `.pth` file
    with a published state dict of the backbone alone."""
    dropout: Probability = 0.0
    dimension: Annotated[int, Field(ge=8, le=2048)] = 512


class LossRecipe(Recipe):
    kind: Literal["arcface", "cosface", "adaface"] = "arcface"
    scale: Annotated[float, Field(gt=0, le=128)] = 32.0
    margin: Annotated[float, Field(ge=0, le=1)] = 0.3
    subcentres: Annotated[int, Field(ge=1, le=10)] = 1
    margin_start: Share = 0.0
    """Share of the training without a margin, …"""
    margin_full: Share = 0.25
    """… and the share from which it is whole; between them it grows evenly."""
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Label smoothing."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.margin_full < self.margin_start:
            raise ValueError("margin_full comes after margin_start")
        return self


class DistillRecipe(Recipe):
    """Learning from trained networks instead of names."""

    teachers: tuple[Path, ...] = ()
    """Run folders of embedders with the same crop margin; without any, names are learnt."""
    blend: Probability = 0.5
    """Of a crop being blended with up to half of another one."""
    scale: Annotated[float, Field(gt=0)] = 32.0
    """Of the loss, to be learnt at the rates that suit margin losses."""


class SamplingRecipe(Recipe):
    """How often each character is seen."""

    balance: Share = 0.5
    """0: every character as often; 1: every picture as often; between: by picture count to that power."""
    source_cap: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The largest share of an epoch that one source may fill."""
    source_weights: dict[str, Annotated[float, Field(ge=0, le=100)]] = Field(default_factory=dict)
    """How much more often than otherwise the characters of a source are seen; 1 where nothing is said."""
    fewest: Annotated[int, Field(ge=1)] = 1
    """Characters with fewer faces are left out."""
    pictures: Annotated[int, Field(ge=0)] = 0
    """Crops in an epoch; 0 for as many as there are faces."""


class AugmentRecipe(Recipe):
    """Probabilities and strengths of what happens to a crop."""

    shift: Annotated[float, Field(ge=0, le=0.5)] = 0.06
    """Of the box, as shares of its side, evenly to both sides: what a detector does."""
    zoom: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    flip: Probability = 0.5
    rotate: Probability = 0.3
    degrees: Annotated[float, Field(ge=0, le=45)] = 15.0
    colour: Probability = 0.6
    hue: Annotated[float, Field(ge=0, le=90)] = 6.0
    """Degrees of 360, evenly to both sides: hair colour tells characters apart, so little."""
    grey: Probability = 0.1
    tone: Probability = 0.05
    """Greyscale with a printed screen."""
    small: Probability = 0.2
    """Shrunk and enlarged again."""
    smallest: Side = 32
    jpeg: Probability = 0.25
    blur: Probability = 0.1
    noise: Probability = 0.05
    cover: Probability = 0.3
    """A rectangle covered with a colour, noise or a piece of the crop itself."""
    cover_share: Annotated[float, Field(gt=0, le=0.6)] = 0.25
    """The largest area covered."""


class ScheduleRecipe(Recipe):
    """Stochastic gradient descent with momentum; the rate rises in a warm-up, then falls as a cosine."""

    epochs: Annotated[int, Field(ge=1)] = 40
    batch: Annotated[int, Field(ge=2)] = 128
    chunk: Annotated[int, Field(ge=0)] = 0
    """Crops in one pass, whose gradients are added up over the batch; 0 for the whole batch. What fits a
    CPU's cache trains faster, and what a GPU's memory cannot hold at once, trains at all."""
    rate: Annotated[float, Field(gt=0)] = 0.1
    backbone_rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the rate for the backbone: initial weights of its own are kept better with less."""
    final: Share = 0.01
    """Of the rate, at the end."""
    warm_up: Annotated[float, Field(ge=0)] = 1.0
    """Epochs."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 5e-4
    """Of weights; biases, norms and slopes have none."""
    clip: Annotated[float, Field(gt=0)] = 5.0
    """The gradient's largest norm."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay per step of the exponential moving average of the weights, which is what is exported."""
    validate_every: Annotated[int, Field(ge=1)] = 2
    """Epochs."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.chunk and self.batch % self.chunk:
            raise ValueError(f"a batch of {self.batch} cannot be cut into chunks of {self.chunk}")
        return self


class EmbedderRecipe(Recipe):
    """`config/recipes/embedder-*.toml`."""

    input: InputRecipe = InputRecipe()
    network: NetworkRecipe = NetworkRecipe()
    loss: LossRecipe = LossRecipe()
    distill: DistillRecipe = DistillRecipe()
    sampling: SamplingRecipe = SamplingRecipe()
    augment: AugmentRecipe = AugmentRecipe()
    schedule: ScheduleRecipe = ScheduleRecipe()
    precision: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    """Of the backbone, by autocast; float16 (with loss scaling) on a GPU only."""
    compiled: bool = False
    """Let torch compile the network: a minute at the start, then faster. Needs a C++ compiler on a CPU."""
    kept_side: Side = 160
    """Faces are held in memory at most this large, 3 bytes a pixel."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.input.stages and self.network.pool != "average":
            raise ValueError('only pool = "average" takes crops of several sides; leave input.stages empty')
        return self
