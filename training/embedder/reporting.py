"""What an embedder's training shows while it runs: a progress bar, TensorBoard events, a line an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch.utils.tensorboard import SummaryWriter


@dataclass(frozen=True, slots=True)
class StepReport:
    """What a step came to."""

    epoch: int
    step: int
    """From 0 over the whole training."""
    loss: float
    rate: float
    margin: float
    side: int
    crops_per_second: float


class Reporter:
    """Shows steps and epochs; on a terminal with a bar, elsewhere with a line an epoch."""

    def __init__(self, console: Console, progress: Progress, task: TaskID, events: SummaryWriter) -> None:
        self._console = console
        self._progress = progress
        self._task = task
        self._events = events

    def step(self, report: StepReport) -> None:
        self._progress.update(
            self._task,
            completed=report.step + 1,
            description=f"epoch {report.epoch + 1}, loss {report.loss:.3f}, "
            f"{report.crops_per_second:.0f} crops/s",
        )
        for name in ("loss", "rate", "margin", "side", "crops_per_second"):
            self._add(name, getattr(report, name), report.step)

    def epoch(self, row: Mapping[str, float | str], step: int) -> None:
        """A row as it goes into metrics.csv."""
        found = {name: value for name, value in row.items() if isinstance(value, float)}
        for name, value in found.items():
            self._add(f"epoch/{name}", value, step)
        if not self._console.is_terminal:
            listed = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
            self._console.print(f"epoch {row['epoch']}: {listed}", soft_wrap=True)

    def _add(self, name: str, value: float, step: int) -> None:
        self._events.add_scalar(name, value, step)


@contextmanager
def reporting(folder: Path, console: Console, *, steps: int, done: int) -> Iterator[Reporter]:
    """A reporter into the run's folder and onto the console (a quiet one for all but one process)."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    shown = console.is_terminal and not console.quiet
    with (
        SummaryWriter(str(folder / "tensorboard")) as events,
        Progress(*columns, console=console, disable=not shown) as progress,
    ):
        yield Reporter(console, progress, progress.add_task("Training", total=steps, completed=done), events)
