"""The embedder's training loop: steps, averages, checkpoints, validation; resumable at every epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from timm.utils.model_ema import ModelEmaV3
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from inference.embedding.align import align_crop
from training.embedder.backbones import EmbedderNetwork
from training.embedder.batches import EpochPlan, loader, normalised
from training.embedder.distillation import Student, load_teachers
from training.embedder.faces import FaceSet
from training.embedder.initial import load_averaged, load_initial
from training.embedder.margin_loss import MarginLoss
from training.embedder.recipe import EmbedderRecipe, LossRecipe, ScheduleRecipe
from training.embedder.reporting import Reporter, StepReport
from training.errors import RunError
from training.runs import Run

FIGURES = ("eer", "rank_1", "tpir_at_1_percent")
"""What a validation measures, each as a share."""

Validate = Callable[[EmbedderNetwork, int], dict[str, float | str]]
"""From a network in evaluation mode and the side of the crops that it is trained on now to the figures."""

_PLAIN_CROPS = 256
_PRECISIONS = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True, slots=True)
class Place:
    """Which of how many processes this is, and its device."""

    device: torch.device
    rank: int = 0
    ranks: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @contextmanager
    def lead_first(self) -> Iterator[None]:
        """The first process does what is inside before the others, which then find its files."""
        if not self.leads:
            torch.distributed.barrier()
        yield
        if self.leads and self.ranks > 1:
            torch.distributed.barrier()


class _Classifier(nn.Module):
    """Network and loss as one module, so that one wrapper sees all gradients."""

    def __init__(self, network: EmbedderNetwork, loss: MarginLoss) -> None:
        super().__init__()
        self.network = network
        self.loss = loss

    def forward(
        self, crops: torch.Tensor, labels: torch.Tensor, margin: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        loss, right = self.loss(self.network(crops), labels, margin)
        return loss, right


class EmbedderTrainer:
    """Trains one recipe on one set of faces into one run folder."""

    def __init__(
        self, recipe: EmbedderRecipe, faces: FaceSet, run: Run, *, seed: int, place: Place, workers: int
    ) -> None:
        torch.manual_seed(seed)
        self._recipe = recipe
        self._run = run
        self._seed = seed
        self._place = place
        self._plan = EpochPlan(faces, recipe, seed=seed, rank=place.rank, ranks=place.ranks)
        if not self._plan.steps:
            raise RunError(run.folder, f"{len(faces)} faces do not fill one batch of {recipe.schedule.batch}")
        self._batches = loader(faces, recipe, self._plan, workers)
        network = EmbedderNetwork(recipe.network, recipe.input.side)
        if recipe.network.initial is not None:
            load_initial(network, recipe.network.initial, _plain_crops(faces, recipe, _PLAIN_CROPS))
        self._model = _learner(network, faces, recipe, place.device)
        self._parallel: nn.Module = self._model
        if place.ranks > 1:
            devices = [place.device] if place.device.type == "cuda" else None
            self._parallel = DistributedDataParallel(self._model, device_ids=devices)
        schedule = recipe.schedule
        # With its warm-up, early averages do not remember the random start.
        self._average = ModelEmaV3(self._model.network, decay=schedule.average, use_warmup=True)
        if recipe.compiled:
            self._model.network.compile()
        self._optimizer = torch.optim.SGD(
            _parameter_groups(self._model, schedule),
            lr=schedule.rate,
            momentum=schedule.momentum,
            nesterov=schedule.momentum > 0,
        )
        half = recipe.precision == "float16" and place.device.type == "cuda"
        self._scaler = torch.amp.GradScaler(place.device.type, enabled=half)
        self._epoch = 0

    @property
    def network(self) -> EmbedderNetwork:
        """The averaged network, which is what is validated and exported."""
        network: EmbedderNetwork = self._average.module
        return network.eval()

    @property
    def steps(self) -> int:
        return self._recipe.schedule.epochs * self._plan.steps

    def resume(self) -> int:
        """Go on after the last whole epoch. Returns how many steps are done."""
        path = self._run.checkpoints / "last.pt"
        if not path.exists():
            return 0
        state = torch.load(path, map_location=self._place.device, weights_only=True)
        self._model.load_state_dict(state["model"])
        self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["generator"].cpu())
        self._epoch = state["epoch"]
        if self._place.leads:
            self._run.keep_rows(state["rows"])
        return self._epoch * self._plan.steps

    def train(self, reporter: Reporter, validate: Validate | None = None) -> None:
        """All epochs that are left; a checkpoint and a row in metrics.csv after each."""
        for epoch in range(self._epoch, self._recipe.schedule.epochs):
            row = self._train_epoch(epoch, reporter)
            self._epoch = epoch + 1
            if not self._place.leads:
                continue
            last = self._epoch == self._recipe.schedule.epochs
            measured = last or self._epoch % self._recipe.schedule.validate_every == 0
            if validate is not None:
                row |= validate(self.network, int(row["side"])) if measured else dict.fromkeys(FIGURES, "")
            self._run.log(row)
            reporter.epoch(row, self._epoch * self._plan.steps)
            self._save()

    def _train_epoch(self, epoch: int, reporter: Reporter) -> dict[str, float | str]:
        self._plan.epoch = epoch
        self._parallel.train()
        losses = right = seen = 0.0
        rate = margin = 0.0
        started = time.perf_counter()
        for index, (crops, labels) in enumerate(self._batches):
            step = epoch * self._plan.steps + index
            rate = learning_rate(self._recipe.schedule, step, self._plan.steps)
            margin = margin_at(self._recipe.loss, step / self.steps)
            loss, correct = self._step(crops, labels, step, rate=rate, margin=margin)
            losses, right, seen = losses + loss * len(labels), right + correct, seen + len(labels)
            speed = seen / max(time.perf_counter() - started, 1e-9)
            reporter.step(StepReport(epoch, step, loss, rate, margin, int(crops.shape[-1]), speed))
        return {
            "epoch": epoch + 1,
            "loss": losses / seen,
            "accuracy": right / seen,
            "rate": rate,
            "margin": margin,
            "side": int(crops.shape[-1]),
            "seconds": time.perf_counter() - started,
        }

    def _step(
        self, crops: torch.Tensor, labels: torch.Tensor, step: int, *, rate: float, margin: float
    ) -> tuple[float, float]:
        for group in self._optimizer.param_groups:
            group["lr"] = rate * group["share"]
        self._optimizer.zero_grad(set_to_none=True)
        chunk = self._recipe.schedule.chunk or len(labels)
        parts = [
            self._learn(part, part_labels, margin, share=len(part_labels) / len(labels))
            for part, part_labels in zip(torch.split(crops, chunk), torch.split(labels, chunk), strict=True)
        ]
        value = sum(loss for loss, _ in parts)
        if not math.isfinite(value):
            raise RunError(self._run.folder, "the loss is no longer a number; lower schedule.rate and resume")
        self._scaler.unscale_(self._optimizer)
        nn.utils.clip_grad_norm_(self._model.parameters(), self._recipe.schedule.clip)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._average.update(self._model.network, step=step)
        return value, sum(right for _, right in parts)

    def _learn(
        self, crops: torch.Tensor, labels: torch.Tensor, margin: float, *, share: float
    ) -> tuple[float, float]:
        """Add the gradients of a part of a batch; returns its share of the loss and how many were right."""
        device = self._place.device
        precision = _PRECISIONS.get(self._recipe.precision)
        mixed: Any = torch.autocast(device.type, dtype=precision) if precision else nullcontext()
        with mixed:
            loss, right = self._parallel(
                normalised(crops, device), labels.to(device, non_blocking=True), margin
            )
        self._scaler.scale(loss * share).backward()
        return float(loss.detach()) * share, float(right.sum())

    def _save(self) -> None:
        """Replace the checkpoint as a whole, so that a kill leaves the old or the new one."""
        path = self._run.checkpoints / "last.pt"
        part = path.with_suffix(".part")
        torch.save(
            {
                "model": self._model.state_dict(),
                "average": self._average.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "scaler": self._scaler.state_dict(),
                "generator": torch.get_rng_state(),
                "epoch": self._epoch,
                "rows": len(self._run.rows()),
            },
            part,
        )
        part.replace(path)


def learning_rate(schedule: ScheduleRecipe, step: int, steps_per_epoch: int) -> float:
    """Linear warm-up, then a cosine from the rate to its final share (Loshchilov and Hutter, ICLR 2017)."""
    warm_up = schedule.warm_up * steps_per_epoch
    if step < warm_up:
        return schedule.rate * (step + 1) / math.ceil(warm_up)
    total = schedule.epochs * steps_per_epoch
    share = (step - warm_up) / max(1.0, total - warm_up)
    return schedule.rate * (schedule.final + (1 - schedule.final) * (1 + math.cos(math.pi * share)) / 2)


def margin_at(loss: LossRecipe, share: float) -> float:
    """The margin when that share of the training is done."""
    if share >= loss.margin_full:
        return loss.margin
    if share <= loss.margin_start:
        return 0.0
    return loss.margin * (share - loss.margin_start) / (loss.margin_full - loss.margin_start)


def load_network(run: Run, recipe: EmbedderRecipe) -> EmbedderNetwork:
    """The averaged network of a run's last checkpoint, on the CPU. Raises TrainingError."""
    network = EmbedderNetwork(recipe.network, recipe.input.side)
    load_averaged(network, run.checkpoints / "last.pt")
    return network.eval()


def _learner(
    network: EmbedderNetwork, faces: FaceSet, recipe: EmbedderRecipe, device: torch.device
) -> _Classifier | Student:
    """What is trained, on the device: the network with the loss that the recipe asks for."""
    network = network.to(device).to(memory_format=torch.channels_last)
    if not recipe.distill.teachers:
        return _Classifier(network, MarginLoss(recipe.loss, recipe.network.dimension, len(faces.names))).to(
            device
        )
    teachers = load_teachers(recipe, device)
    crops = _plain_crops(faces, recipe, 4 * recipe.network.dimension).to(device)
    student = Student(network, teachers, recipe.distill, crops)
    if recipe.compiled:
        teachers.compile()
    return student


def _plain_crops(faces: FaceSet, recipe: EmbedderRecipe, count: int) -> torch.Tensor:
    """That many faces from all over the set, normalised, as serving would cut them."""
    chosen = np.linspace(0, len(faces) - 1, min(count, len(faces))).astype(int)
    crops = np.stack(
        [
            align_crop(faces.squares[i], faces.box(i), margin=recipe.input.margin, side=recipe.input.side)
            for i in chosen
        ]
    )
    return normalised(torch.from_numpy(crops).permute(0, 3, 1, 2), torch.device("cpu"))


def _parameter_groups(model: _Classifier | Student, schedule: ScheduleRecipe) -> list[dict[str, Any]]:
    """Backbone and the rest, each with and without decay; `share` is how much of the rate they get."""
    backbone = {id(parameter) for parameter in model.network.backbone.parameters()}
    groups: list[dict[str, Any]] = [
        {"params": [], "weight_decay": decay, "share": share}
        for share in (schedule.backbone_rate, 1.0)
        for decay in (schedule.weight_decay, 0.0)
    ]
    for parameter in model.parameters():
        groups[2 * (id(parameter) not in backbone) + (parameter.ndim <= 1)]["params"].append(parameter)
    return [group for group in groups if group["params"]]
