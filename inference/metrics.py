"""Figures of one process for Prometheus: what was seen, how long it took, what waits, what was refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from inference.batch_figures import BatcherStats
from inference.domain import Identification
from inference.errors import AppError
from inference.gallery.base import Gallery
from inference.pipeline import PipelineStats

log = logging.getLogger(__name__)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024)
_GALLERY_WITHIN_S = 5.0
_GALLERY_FOR_S = 15.0
"""Counting a large gallery takes a moment, and its size changes slowly."""


class Metrics:
    """All figures of a process. Labels are codes, stages and platforms, never what somebody wrote."""

    MEDIA_TYPE = CONTENT_TYPE_LATEST

    def __init__(self, *, replica: str = "") -> None:
        """`replica` labels every figure, where one address shows those of several processes in turn."""
        self.registry = CollectorRegistry()
        self._shown: Collector = _Labelled(self.registry, replica) if replica else self.registry
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        counter, histogram = self._counter, self._histogram
        self._pictures = counter("dareda_pictures", "Pictures that were looked at", [])
        self._faces = counter("dareda_faces", "Faces that were found, by what was decided", ["decision"])
        self._use_cases = counter("dareda_use_cases", "What was asked of the core", ["use_case"])
        self._refusals = counter("dareda_refusals", "What could not be done", ["use_case", "code"])
        self._stages = histogram("dareda_stage_seconds", "Time of one picture in each stage", ["stage"])
        self._durations = histogram("dareda_use_case_seconds", "Time until the answer", ["use_case"])
        self._requests = counter("dareda_http_requests", "Requests over HTTP", ["route", "status"])
        self._request_seconds = histogram("dareda_http_seconds", "Time until the answer", ["route"])
        self._gallery_up = self._gauge("dareda_gallery_up", "1 when the gallery could be asked")
        self._gallery_sizes = {
            "characters": self._gauge("dareda_gallery_characters", "Characters in the gallery"),
            "samples": self._gauge("dareda_gallery_samples", "Enrolled faces"),
            "negatives": self._gauge("dareda_gallery_negatives", "Faces that are known not to be somebody"),
            "size_bytes": self._gauge("dareda_gallery_bytes", "What the gallery takes"),
        }
        self._gallery: Gallery | None = None
        self._gallery_until = 0.0
        self._looking = asyncio.Lock()

    # ── what is told ────────────────────────────────────────────────────────────────────────────

    def identified(self, seen: Identification) -> None:
        """A picture was looked at."""
        self._pictures.inc()
        for face in seen.faces:
            self._faces.labels(face.decision.value).inc()
        for stage, milliseconds in seen.timings_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def done(self, use_case: str, seconds: float) -> None:
        self._use_cases.labels(use_case).inc()
        self._durations.labels(use_case).observe(seconds)

    def refused(self, use_case: str, code: str) -> None:
        self._refusals.labels(use_case, code).inc()

    def request(self, route: str, status: int, seconds: float) -> None:
        """An HTTP request was answered."""
        self._requests.labels(route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    # ── what is looked at when somebody asks ────────────────────────────────────────────────────

    def watch_pipeline(self, stats: Callable[[], PipelineStats]) -> None:
        """Queues and batches of the models."""
        self.registry.register(_Batchers(stats))

    def watch_gallery(self, gallery: Gallery) -> None:
        """How much is enrolled, with which model."""
        self._gallery = gallery
        contract = gallery.contract
        model = Info("dareda_model", "The model that embeds faces", registry=self.registry)
        model.info({"model": contract.model, "contract": contract.id})

    async def render(self) -> bytes:
        """All figures in the text format that `MEDIA_TYPE` names."""
        await self._look_at_gallery()
        return await asyncio.to_thread(generate_latest, self._shown)

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        """The samples of that name, by the values of their labels."""
        return {
            tuple(sample.labels.values()): sample.value
            for metric in self.registry.collect()
            for sample in metric.samples
            if sample.name == name
        }

    async def _look_at_gallery(self) -> None:
        now = asyncio.get_running_loop().time()
        async with self._looking:
            if self._gallery is None or now < self._gallery_until:
                return
            try:
                async with asyncio.timeout(_GALLERY_WITHIN_S):
                    stats = await self._gallery.stats()
            except (AppError, TimeoutError) as error:
                log.warning("gallery_not_counted error=%r", error)
                self._gallery_up.set(0)
            else:
                self._gallery_up.set(1)
                for name, gauge in self._gallery_sizes.items():
                    gauge.set(getattr(stats, name))
            self._gallery_until = now + _GALLERY_FOR_S

    def _counter(self, name: str, text: str, labels: list[str]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=self.registry)

    def _histogram(self, name: str, text: str, labels: list[str]) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=_SECONDS)


class _Labelled(Collector):
    """The same figures with the label `replica`."""

    def __init__(self, figures: Collector, replica: str) -> None:
        self._figures = figures
        self._replica = replica

    def collect(self) -> Iterable[Metric]:
        for metric in self._figures.collect():
            metric.samples = [
                sample._replace(labels={**sample.labels, "replica": self._replica})
                for sample in metric.samples
            ]
            yield metric


class _Batchers(Collector):
    """What the batchers have counted themselves."""

    def __init__(self, stats: Callable[[], PipelineStats]) -> None:
        self._stats = stats

    def collect(self) -> Iterable[Metric]:
        stats = self._stats()
        batchers = {"detector": stats.detector}
        if stats.embedder is not None:
            batchers["embedder"] = stats.embedder
        waiting = GaugeMetricFamily(
            "dareda_queue_items", "Items that wait for a model now", labels=["batcher"]
        )
        sizes = HistogramMetricFamily("dareda_batch_items", "Items of one model call", labels=["batcher"])
        counts: Mapping[str, tuple[CounterMetricFamily, Callable[[BatcherStats], float]]] = {
            name: (CounterMetricFamily(name, text, labels=["batcher"]), value)
            for name, text, value in (
                ("dareda_batches_failed", "Model calls that failed", lambda one: one.failed_batches),
                ("dareda_items_skipped", "Items that nobody waited for any more", lambda one: one.skipped),
                ("dareda_queue_seconds", "Time that items waited, summed", lambda one: one.waited_s),
                ("dareda_batch_seconds", "Time of model calls, summed", lambda one: one.ran_s),
            )
        }
        for name, batcher in batchers.items():
            waiting.add_metric([name], batcher.waiting)
            sizes.add_metric([name], _buckets(batcher.sizes), float(batcher.items))
            for family, value in counts.values():
                family.add_metric([name], value(batcher))
        return [waiting, sizes, *(family for family, _ in counts.values())]


def _buckets(sizes: Mapping[int, int]) -> list[tuple[str, float]]:
    """How many batches had at most so many items."""
    limits = [(str(float(limit)), limit) for limit in _BATCH_SIZES]
    counted = [(name, float(sum(n for size, n in sizes.items() if size <= limit))) for name, limit in limits]
    return [*counted, ("+Inf", float(sum(sizes.values())))]
