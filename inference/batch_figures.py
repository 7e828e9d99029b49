"""What a batcher tells of its work: of each batch, and in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BatchReport:
    """One call of the batch function."""

    size: int
    callers: int
    waited_s: float
    """Summed over the items, from submission to the start of the batch."""
    ran_s: float
    failed: bool
    """It raised or gave a wrong number of results; several items are then retried one by one."""


@dataclass(frozen=True, slots=True)
class BatcherStats:
    """What a batcher has done since its start."""

    batches: int
    failed_batches: int
    items: int
    """Items given to the batch function, retries included."""
    skipped: int
    """Items not run, or not retried, because their caller was cancelled, late, failed or stopped by then."""
    sizes: Mapping[int, int]
    """How many batches had that many items."""
    waited_s: float
    ran_s: float
    waiting: int
    """Items in the queue now."""


@dataclass(slots=True)
class BatchTotals:
    """What a batcher has counted so far."""

    batches: int = 0
    failed_batches: int = 0
    items: int = 0
    skipped: int = 0
    sizes: Counter[int] = field(default_factory=Counter)
    waited_s: float = 0.0
    ran_s: float = 0.0

    def add(self, report: BatchReport) -> None:
        self.batches += 1
        self.failed_batches += report.failed
        self.items += report.size
        self.sizes[report.size] += 1
        self.waited_s += report.waited_s
        self.ran_s += report.ran_s

    def snapshot(self, *, waiting: int) -> BatcherStats:
        """As they are now, with that many items in the queue."""
        return BatcherStats(
            batches=self.batches,
            failed_batches=self.failed_batches,
            items=self.items,
            skipped=self.skipped,
            sizes=dict(self.sizes),
            waited_s=self.waited_s,
            ran_s=self.ran_s,
            waiting=waiting,
        )
