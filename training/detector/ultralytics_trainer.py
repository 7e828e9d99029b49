"""Ultralytics' detection trainer on our batches, run folders and checkpoints."""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Ultralytics looks for updates and missing packages on the network unless told not to.
os.environ.setdefault("YOLO_OFFLINE", "1")
os.environ.setdefault("YOLO_AUTOINSTALL", "0")

import torch
from torch.utils.data import DataLoader
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel, torch_safe_load

from training.detector.batches import Batch, EpochPlan, training_loader, validation_loader
from training.detector.pictures import PictureSet
from training.detector.recipe import DetectorRecipe
from training.errors import RunError
from training.runs import Run

_AMP_ON_GPU = {"float32": False, "float16": True, "bfloat16": "bf16"}


class FaceDetectorTrainer(DetectionTrainer):
    """Trains one recipe on one set of pictures into one run folder.

    What it changes: pictures come from memory, laid out by our own augmentation; checkpoints are whole or not
    there, and read without running what a pickle could hold; a CPU computes in bfloat16, channels last.
    """

    def __init__(
        self,
        recipe: DetectorRecipe,
        training: PictureSet,
        validation: PictureSet,
        run: Run,
        *,
        seed: int,
        device: str,
        threads: int = 0,
        workers: int = 1,
        resume: bool = False,
        plots: bool = True,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self._recipe = recipe
        self._training, self._validation = training, validation
        self._run = run
        self._threads, self._workers = threads, workers
        self._report = report
        self._plan = EpochPlan(training, recipe, seed=seed)
        self._started = time.monotonic()
        super().__init__(overrides=_arguments(recipe, run, seed=seed, device=device, plots=plots))
        self.wdir = run.checkpoints
        self.last, self.best = self.wdir / "last.pt", self.wdir / "best.pt"
        self.resume = resume and self.last.exists()
        self.add_callback("on_train_epoch_start", FaceDetectorTrainer._begin_epoch)
        self.add_callback("on_fit_epoch_end", FaceDetectorTrainer._end_epoch)

    @property
    def finished(self) -> bool:
        """Whether the run that is resumed has come to its end already."""
        return bool(self.resume) and int(load_checkpoint(self.last)["epoch"]) + 1 >= self.epochs

    def train(self) -> None:
        """All epochs that are left; a checkpoint and a row in metrics.csv after each."""
        base: Any = super()  # its methods have no annotations
        with warnings.catch_warnings():
            # Its plots show names of characters, for which Matplotlib's own font has no glyphs.
            warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
            base.train()

    def get_dataset(self) -> dict[str, Any]:
        names = dict(enumerate(self._training.names))
        return {"train": "", "val": "", "names": names, "nc": len(names), "channels": 3}

    def get_dataloader(
        self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> DataLoader[Batch]:
        if mode == "train":
            return training_loader(self._training, self._recipe, self._plan, self._workers)
        return validation_loader(self._validation, size=self._recipe.validated_size, batch=batch_size)

    def setup_model(self) -> dict[str, Any] | None:
        network = self._recipe.network
        checkpoint = load_checkpoint(self.last) if self.resume else None
        weights = network_of(checkpoint, self.last) if checkpoint else None
        if weights is None and network.initial is not None:
            weights = network_of(load_checkpoint(network.initial), network.initial)
        architecture: Any = weights.yaml if weights is not None else f"{network.architecture}.yaml"
        model = self.get_model(architecture, weights, verbose=False)
        self.model = model.to(memory_format=torch.channels_last)
        return checkpoint

    def preprocess_batch(self, batch: Batch) -> Batch:
        prepared: Batch = super().preprocess_batch(batch)
        prepared["img"] = prepared["img"].contiguous(memory_format=torch.channels_last)
        return prepared

    def validate(self) -> tuple[dict[str, Any], float]:
        every = self._recipe.schedule.validate_every
        due = (self.epoch + 1) % every == 0 or self.epoch + 1 == self.epochs
        if not due or not len(self._validation):
            return dict.fromkeys(self.metrics or {}, ""), 0.0
        base: Any = super()
        metrics, fitness = base.validate()
        return metrics, float(fitness)

    def save_model(self) -> bool:
        """Replace the checkpoint as a whole, so that a kill leaves the old or the new one."""
        base: Any = super()
        last, best = self.last, self.best
        self.last, self.best = last.with_suffix(".part"), best.with_suffix(".part")
        try:
            saved = bool(base.save_model())
            for part, whole in ((self.last, last), (self.best, best)):
                if part.exists():
                    part.replace(whole)
        finally:
            self.last, self.best = last, best
        return saved

    def save_metrics(self, metrics: dict[str, Any]) -> None:
        self._run.log({"epoch": self.epoch + 1, **metrics, "seconds": time.monotonic() - self._started})

    def read_results_csv(self) -> dict[str, Any]:
        return {}  # what the checkpoint would hold a second time

    def plot_training_labels(self) -> None:
        """Not drawn: the faces on the canvases are of other sizes than those in the pictures."""

    def plot_metrics(self) -> None:
        base: Any = super()
        shutil.copyfile(self._run.folder / "metrics.csv", self.csv)
        base.plot_metrics()

    def final_eval(self) -> None:
        """Nothing: the last epoch has been validated, and the weights are exported elsewhere."""

    def _setup_train(self) -> None:
        base: Any = super()
        base._setup_train()
        if self.device.type == "cpu":
            torch.set_num_threads(self._threads or os.cpu_count() or 1)
            # Ultralytics turns mixed precision off on a CPU, where autocast's own choice is bfloat16.
            self.amp = self._recipe.precision == "bfloat16"
        if self.resume:
            self._run.keep_rows(self.start_epoch)

    def _begin_epoch(self) -> None:
        self._plan.epoch = self.epoch
        if self.epoch == self.start_epoch:
            self._started = time.monotonic()

    def _end_epoch(self) -> None:
        done, left = self.epoch + 1 - self.start_epoch, self.epochs - self.epoch - 1
        minutes = (time.monotonic() - self._started) / done * left / 60
        if self._report:
            self._report(f"epoch {self.epoch + 1} of {self.epochs} done, about {minutes:.0f} min left")


def load_checkpoint(path: Path) -> dict[str, Any]:
    """An Ultralytics checkpoint, read without letting through other classes than networks are made of.

    Raises RunError when it is none.
    """
    load: Any = torch_safe_load  # it has no annotations
    try:
        checkpoint: dict[str, Any] = load(str(path.resolve(strict=True)), safe_only=True)[0]
    except Exception as error:  # whatever unpickling runs into
        raise RunError(path, f"is not an Ultralytics checkpoint: {str(error)[:200]}") from error
    return checkpoint


def network_of(checkpoint: dict[str, Any], path: Path) -> DetectionModel:
    """The averaged network of a checkpoint, in float32. Raises RunError when it holds no detector."""
    network: Any = checkpoint.get("ema") or checkpoint.get("model")
    if not isinstance(network, DetectionModel):
        raise RunError(path, f"holds a {type(network).__name__}, not a detection network")
    loose: Any = network
    detector: DetectionModel = loose.float()
    return detector


def _arguments(recipe: DetectorRecipe, run: Run, *, seed: int, device: str, plots: bool) -> dict[str, Any]:
    """Ultralytics' own; those of its augmentation play no part."""
    schedule = recipe.schedule
    batch = recipe.sizes[0].batch
    return {
        "task": "detect",
        "mode": "train",
        "model": f"{recipe.network.architecture}.yaml",
        "data": "manifest",
        "save_dir": str(run.folder / "plots"),
        "device": device,
        "seed": seed,
        # On a CPU nothing is left to chance, and asking for it loads torch's compiler, which takes seconds.
        "deterministic": device != "cpu",
        "epochs": schedule.epochs,
        "batch": batch,
        "nbs": batch,  # an optimizer step after every batch
        "imgsz": recipe.validated_size,
        "optimizer": schedule.optimizer,
        "lr0": schedule.rate,
        "lrf": schedule.final,
        "cos_lr": True,
        "momentum": schedule.momentum,
        "weight_decay": schedule.weight_decay,
        "warmup_epochs": schedule.warm_up,
        "warmup_bias_lr": 0.0,
        "warmup_momentum": schedule.momentum,
        "freeze": recipe.network.freeze or None,
        "amp": False if device == "cpu" else _AMP_ON_GPU[recipe.precision],
        "patience": 0,  # the schedule is always run to its end
        "close_mosaic": 0,
        "plots": plots,
    }
