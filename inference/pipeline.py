"""The face pipeline of one process: pictures in, faces and embeddings out, batched across all callers."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from math import ceil
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import numpy as np

from config.options import BatchingOptions, DetectionOptions, ImageLimits
from inference.batching import BatcherStats, MicroBatcher
from inference.closed_set import as_probes
from inference.cores import usable_cores
from inference.detection.base import Detector
from inference.detection.views import View, cut_canvas, merge_views, plan_views
from inference.domain import Detection, Embedding, EmbeddingContract, Embeddings, FaceBox, FaceCrop, ImageRGB
from inference.embedding.align import align_crop, align_kept, keep_crop
from inference.embedding.arcface import EmbedderSpec
from inference.embedding.base import Embedder
from inference.errors import StoppedError
from inference.image_probe import ImageProbe
from inference.images import DecodedImage, decode_probed, probed
from inference.memory import give_back_large_blocks, release_free_memory
from inference.pixel_budget import PixelBudget, PixelLoan

P = ParamSpec("P")
In = TypeVar("In")
T = TypeVar("T")

_VIEWS_AT_ONCE = 4  # a huge picture shares the queue, and its canvases need not all exist at once
_LARGE_PIXELS = 8_000_000  # decoding more takes over 100 MB, so what others have freed is given back first
_ANIMATION_CANVASES = 4  # what a decoder of animations holds besides the sampled frames


@dataclass(frozen=True, slots=True)
class PipelineStats:
    detector: BatcherStats
    embedder: BatcherStats | None
    """None where there is no embedder."""


@dataclass(frozen=True, slots=True)
class OpenedPicture:
    """A decoded picture, as far as possible ready for the detector."""

    decoded: DecodedImage
    canvas: ImageRGB | None
    """Its only view, height × width × 3 RGB; None where there are several.

    Cut where it is decoded: another piece of work would cost a caller who is alone half a millisecond.
    """


class PicturePipeline(ABC):
    """Owns the model threads and the worker threads; everything that sees pixels goes through it.

    Entered with `async with`, which loads the models.
    """

    def __init__(
        self,
        *,
        canvas_shapes: tuple[tuple[int, int], ...],
        contract: EmbeddingContract,
        load_detector: Callable[[], Detector],
        limits: ImageLimits,
        detection: DetectionOptions,
        batching: BatchingOptions,
        warm: bool = True,
    ) -> None:
        """`warm` makes the models ready for any picture; else what a picture needs is made ready for it."""
        self.contract = contract
        self._canvas_shapes = canvas_shapes
        self._limits = limits
        self._detection = detection
        self._budget = PixelBudget(limits.max_pixels)
        self._stopping = False
        self._worker_count = usable_cores()
        self._workers = ThreadPoolExecutor(self._worker_count, thread_name_prefix="worker")
        self._pieces = 0
        """Of work, running or waiting for a worker."""
        self._detector = MicroBatcher[ImageRGB, tuple[Detection, ...]](
            "detector",
            lambda: _ready(load_detector(), warm=warm).detect,
            max_items=batching.detector_items,
            max_wait_s=batching.max_wait_s,
            max_queue=batching.max_queue,
            deadline_s=batching.deadline_s,
        )
        self._batchers: tuple[MicroBatcher[Any, Any], ...] = (self._detector,)

    async def __aenter__(self) -> Self:
        give_back_large_blocks()
        # All models load at once: most of the time goes into graph optimisation, which frees the GIL.
        starts = await asyncio.gather(
            *(batcher.start() for batcher in self._batchers), return_exceptions=True
        )
        for outcome in starts:
            if isinstance(outcome, BaseException):
                await self.close()
                raise outcome
        # Loading leaves tens of megabytes behind that nothing needs again.
        await self.work(release_free_memory)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let running batches finish, fail what is pending with StoppedError, end the threads."""
        self._stopping = True
        await asyncio.gather(*(batcher.close() for batcher in self._batchers))
        await asyncio.to_thread(self._workers.shutdown)

    def stats(self) -> PipelineStats:
        """What the batchers have done so far."""
        return PipelineStats(self._detector.stats(), None)

    @abstractmethod
    async def probe(self, image: ImageRGB, detections: Sequence[Detection]) -> Embeddings:
        """What the gallery is asked about the faces found in a picture: one row each."""

    async def work(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function of pixels on a worker thread. Raises StoppedError after close()."""
        if self._stopping:
            raise StoppedError
        loop = asyncio.get_running_loop()
        self._pieces += 1
        try:
            return await loop.run_in_executor(self._workers, lambda: function(*args, **kwargs))
        finally:
            self._pieces -= 1

    async def _work_on_each(self, function: Callable[[In], T], items: Sequence[In]) -> list[T]:
        """As `work()`; idle workers share it, so that who is alone need not wait for a single one."""
        sharers = max(1, min(len(items), self._worker_count - self._pieces))
        size = max(1, ceil(len(items) / sharers))
        shares = [items[start : start + size] for start in range(0, len(items), size)]
        done = await asyncio.gather(*(self.work(lambda own: [*map(function, own)], own) for own in shares))
        return [*chain.from_iterable(done)]

    @asynccontextmanager
    async def decoded(self, data: bytes) -> AsyncIterator[DecodedImage]:
        """The picture, for the block; waits while too many pixels of other pictures are held.

        Raises ImageTooLargeError, ImageUnsupportedError, ImageUnreadableError.
        """
        async with self._held(data, cut=False) as picture:
            yield picture.decoded

    @asynccontextmanager
    async def opened(self, data: bytes) -> AsyncIterator[OpenedPicture]:
        """As `decoded()`, for `detect_all()`."""
        async with self._held(data, cut=True) as picture:
            yield picture

    @asynccontextmanager
    async def _held(self, data: bytes, *, cut: bool) -> AsyncIterator[OpenedPicture]:
        async with self._budget.loan() as loan:
            pixels, picture = await self.work(self._open_now, data, loan, cut)
            large = pixels >= _LARGE_PIXELS
            if picture is None:
                await loan.take(pixels)
                if large:
                    await self.work(release_free_memory)
                picture = await self.work(lambda: self._open(probed(data, self._limits), cut))
            yield picture
        if large:
            await self.work(release_free_memory)

    def _open_now(self, data: bytes, loan: PixelLoan, cut: bool) -> tuple[int, OpenedPicture | None]:
        """How many pixels will be held; and the picture, if that can be without waiting."""
        probe = probed(data, self._limits)
        pixels = _pixels_held(probe, self._limits)
        if pixels >= _LARGE_PIXELS or not loan.take_now(pixels):
            return pixels, None
        return pixels, self._open(probe, cut)

    def _open(self, probe: ImageProbe, cut: bool) -> OpenedPicture:
        decoded = decode_probed(probe, self._limits)
        if cut and len(decoded.frames) == 1:
            views = self._views(decoded.frames[0])
            if len(views) == 1:
                return OpenedPicture(decoded, cut_canvas(decoded.frames[0], views[0]))
        return OpenedPicture(decoded, None)

    async def detect_all(self, picture: OpenedPicture) -> list[tuple[Detection, ...]]:
        """The faces of each frame, as by `detect()`."""
        frames = picture.decoded.frames
        if picture.canvas is None:
            return await asyncio.gather(*map(self.detect, frames))
        found = zip(self._views(frames[0]), await self._detector.submit_many([picture.canvas]), strict=True)
        return [merge_views(picture.decoded.width, picture.decoded.height, found, self._detection)]

    async def detect(self, image: ImageRGB) -> tuple[Detection, ...]:
        """The faces of one picture of any size, best score first, boxes in its pixels."""
        height, width = image.shape[:2]
        views = self._views(image)
        found: list[tuple[View, tuple[Detection, ...]]] = []
        for start in range(0, len(views), _VIEWS_AT_ONCE):
            part = views[start : start + _VIEWS_AT_ONCE]
            found += zip(part, await self._detect_in(image, part), strict=True)
        return merge_views(width, height, found, self._detection)

    def _views(self, image: ImageRGB) -> tuple[View, ...]:
        height, width = image.shape[:2]
        return plan_views(width, height, self._canvas_shapes, self._detection)

    async def _detect_in(self, image: ImageRGB, views: Sequence[View]) -> list[tuple[Detection, ...]]:
        canvases = await self._work_on_each(partial(cut_canvas, image), views)
        return await self._detector.submit_many(canvases)


class FacePipeline(PicturePipeline):
    """Pictures in, faces and their embeddings out, with a thread for each of the two models."""

    def __init__(
        self,
        *,
        canvas_shapes: tuple[tuple[int, int], ...],
        embedder_spec: EmbedderSpec,
        contract: EmbeddingContract,
        load_detector: Callable[[], Detector],
        load_embedder: Callable[[], Embedder],
        limits: ImageLimits,
        detection: DetectionOptions,
        batching: BatchingOptions,
        warm: bool = True,
    ) -> None:
        super().__init__(
            canvas_shapes=canvas_shapes,
            contract=contract,
            load_detector=load_detector,
            limits=limits,
            detection=detection,
            batching=batching,
            warm=warm,
        )
        self._spec = embedder_spec
        self._embedder = MicroBatcher[ImageRGB, Embedding](
            "embedder",
            lambda: _rows_of(_ready(load_embedder(), warm=warm)),
            max_items=batching.embedder_items,
            max_wait_s=batching.max_wait_s,
            max_queue=batching.max_queue,
            deadline_s=batching.deadline_s,
        )
        self._batchers = (self._detector, self._embedder)

    def stats(self) -> PipelineStats:
        return PipelineStats(self._detector.stats(), self._embedder.stats())

    async def probe(self, image: ImageRGB, detections: Sequence[Detection]) -> Embeddings:
        return await self.embed(image, [detection.box for detection in detections])

    async def embed(self, image: ImageRGB, boxes: Sequence[FaceBox]) -> Embeddings:
        """One row a box."""
        align = partial(align_crop, image, margin=self._spec.margin, side=self._spec.side)
        return await self._embed(await self._work_on_each(align, boxes))

    async def embed_kept(self, crops: Sequence[FaceCrop]) -> Embeddings:
        """One row a stored crop: what `Gallery.reindex` calls."""
        align = partial(align_kept, margin=self._spec.margin, side=self._spec.side)
        return await self._embed(await self._work_on_each(align, crops))

    async def keep(self, image: ImageRGB, box: FaceBox) -> FaceCrop:
        """The crop that is stored with a sample."""
        return await self.work(keep_crop, image, box, margin=self._spec.margin)

    async def aligned(self, image: ImageRGB, box: FaceBox) -> ImageRGB:
        """The crop that the embedder sees."""
        return await self.work(align_crop, image, box, margin=self._spec.margin, side=self._spec.side)

    async def _embed(self, crops: Sequence[ImageRGB]) -> Embeddings:
        if not crops:
            return Embeddings(np.empty((0, self.contract.dimension), dtype=np.float32))
        return Embeddings(np.stack(await self._embedder.submit_many(crops)))


class ClosedSetPipeline(PicturePipeline):
    """Pictures in, faces and their class probabilities out: for a detector that names characters itself."""

    async def probe(self, image: ImageRGB, detections: Sequence[Detection]) -> Embeddings:
        return as_probes(detections, self.contract.dimension)


def _pixels_held(probe: ImageProbe, limits: ImageLimits) -> int:
    frames = min(len(probe.frame_delays_ms), limits.sampled_frames)
    return probe.width * probe.height * (frames + _ANIMATION_CANVASES if probe.animated else 1)


M = TypeVar("M", Detector, Embedder)


def _ready(model: M, *, warm: bool) -> M:
    if warm:
        model.warm_up()
    return model


def _rows_of(embedder: Embedder) -> Callable[[Sequence[ImageRGB]], list[Embedding]]:
    return lambda crops: [Embedding(row) for row in embedder.embed(crops)]
