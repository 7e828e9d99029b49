"""Trains an SSD into a run folder: the classic recipe of boxes around the characters of one series."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from timm.scheduler.cosine_lr import CosineLRScheduler
from timm.utils.model_ema import ModelEmaV3
from torch import nn

from training.detector.batches import Batch, EpochPlan, as_served, training_loader
from training.detector.closed_set import naming_spec
from training.detector.export import Parity
from training.detector.naming import FIGURES, naming_shares
from training.detector.pictures import PictureSet
from training.detector.ssd_export import export_ssd
from training.detector.ssd_network import SsdNetwork, TorchSsdDetector
from training.detector.ssd_recipe import SsdRecipe
from training.errors import RunError
from training.runs import Run

_COMPARED = 24  # pictures on which the exported file is compared

Report = Callable[[str], None]


def train_ssd(
    recipe: SsdRecipe,
    training: PictureSet,
    validation: PictureSet,
    run: Run,
    *,
    seed: int,
    device: str = "cpu",
    threads: int = 0,
    workers: int = 1,
    resume: bool = False,
    report: Report | None = None,
) -> Parity:
    """Train all epochs that are left, then write detector.onnx; returns how it compares with the network.

    Raises RunError for a loss that is no longer a number, ParityError for an export that differs.
    """
    if threads:
        torch.set_num_threads(threads)
    trainer = SsdTrainer(recipe, training, validation, run, seed=seed, device=device, workers=workers)
    if resume:
        trainer.resume()
    trainer.train(report or (lambda _: None))
    shown = (validation if len(validation) else training).scenes[:_COMPARED]
    canvases = [as_served(scene, recipe.size).image for scene in shown]
    return export_ssd(trainer.network, run.folder / "detector.onnx", canvases, trainer.spec)


class SsdTrainer:
    """Trains one recipe on one set of pictures into one run folder."""

    def __init__(
        self,
        recipe: SsdRecipe,
        training: PictureSet,
        validation: PictureSet,
        run: Run,
        *,
        seed: int,
        device: str,
        workers: int,
    ) -> None:
        torch.manual_seed(seed)
        self._recipe = recipe
        self._validation = validation
        self._run = run
        self._device = torch.device(device)
        self._plan = EpochPlan(training, recipe.canvases, seed=seed)
        self._batches = training_loader(training, recipe.canvases, self._plan, workers)
        count = len(training.names)
        self._network = SsdNetwork(recipe.network, count, recipe.size).to(self._device)
        self._network = self._network.to(memory_format=torch.channels_last)
        schedule = recipe.schedule
        self._average = ModelEmaV3(self._network, decay=schedule.average, use_warmup=True)
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(), lr=schedule.rate, weight_decay=schedule.weight_decay
        )
        self._rates = CosineLRScheduler(
            self._optimizer,
            t_initial=schedule.epochs * len(self._plan),
            lr_min=schedule.rate * schedule.final,
            warmup_t=round(schedule.warm_up * len(self._plan)),
            warmup_lr_init=schedule.rate * schedule.final,
            t_in_epochs=False,
        )
        self.spec = naming_spec(count, recipe.size)
        self._epoch = 0

    @property
    def network(self) -> SsdNetwork:
        """The averaged network, which is what is validated and exported."""
        network: SsdNetwork = self._average.module
        return network.eval()

    def resume(self) -> None:
        """Go on after the last whole epoch."""
        path = self._run.checkpoints / "last.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self._device, weights_only=True)
        self._network.load_state_dict(state["network"])
        self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._epoch = state["epoch"]
        self._run.keep_rows(self._epoch)

    def train(self, report: Report) -> None:
        """All epochs that are left; a checkpoint and a row in metrics.csv after each."""
        started, first = time.monotonic(), self._epoch
        epochs, every = self._recipe.schedule.epochs, self._recipe.schedule.validate_every
        for epoch in range(first, epochs):
            row = self._train_epoch(epoch)
            self._epoch = epoch + 1
            due = self._epoch == epochs or self._epoch % every == 0
            row |= self._validated() if due else dict.fromkeys(FIGURES, "")
            self._run.log(row)
            self._save()
            minutes = (time.monotonic() - started) / (self._epoch - first) * (epochs - self._epoch) / 60
            report(f"epoch {self._epoch} of {epochs}: {_in_words(row)}; about {minutes:.0f} min left")

    def _train_epoch(self, epoch: int) -> dict[str, float | str]:
        self._plan.epoch = epoch
        self._network.train()
        boxes = classes = 0.0
        started = time.monotonic()
        for index, batch in enumerate(self._batches):
            of_boxes, of_classes = self._step(batch, epoch * len(self._plan) + index)
            boxes, classes = boxes + of_boxes, classes + of_classes
        return {
            "epoch": epoch + 1,
            "box_loss": boxes / len(self._plan),
            "class_loss": classes / len(self._plan),
            "rate": self._optimizer.param_groups[0]["lr"],
            "seconds": time.monotonic() - started,
        }

    def _step(self, batch: Batch, step: int) -> tuple[float, float]:
        self._rates.step_update(step)
        canvases, boxes, classes = _on(batch, self._device)
        losses = self._network.losses(self._network(canvases), boxes, classes)
        loss = losses.boxes + losses.classes
        if not math.isfinite(float(loss.detach())):
            raise RunError(
                self._run.folder, "the loss is no longer a number; lower schedule.rate and start anew"
            )
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # it has no annotations
        nn.utils.clip_grad_norm_(self._network.parameters(), self._recipe.schedule.clip)
        self._optimizer.step()
        # By its number the average warms up: without, it would remember the variances at the start too long.
        self._average.update(self._network, step=step)
        return float(losses.boxes.detach()), float(losses.classes.detach())

    def _validated(self) -> dict[str, float | str]:
        return naming_shares(TorchSsdDetector(self.spec, self.network), self._validation.scenes)

    def _save(self) -> None:
        """Replace the checkpoint as a whole, so that a kill leaves the old or the new one."""
        path = self._run.checkpoints / "last.pt"
        part = path.with_suffix(".part")
        torch.save(
            {
                "network": self._network.state_dict(),
                "average": self._average.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "epoch": self._epoch,
            },
            part,
        )
        part.replace(path)


def _on(batch: Batch, device: torch.device) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]:
    """Canvases in 0…1, and for each its boxes (corners in its pixels) and classes."""
    canvases = batch["img"].to(device, memory_format=torch.channels_last).float() / 255
    size = canvases.shape[-1]
    middles, sides = batch["bboxes"].to(device).split(2, dim=1)
    corners = torch.cat([middles - sides / 2, middles + sides / 2], dim=1) * size
    owners, classes = batch["batch_idx"].long(), batch["cls"][:, 0].long().to(device)
    rows = [torch.nonzero(owners == index)[:, 0] for index in range(len(canvases))]
    return canvases, [corners[own] for own in rows], [classes[own] for own in rows]


def _in_words(row: dict[str, float | str]) -> str:
    words = [f"losses {row['box_loss']:.2f} and {row['class_loss']:.2f}"]
    words += [f"{name} {row[name]:.1%}" for name in FIGURES if isinstance(row[name], float)]
    return ", ".join(words)
