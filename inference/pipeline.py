"""The face pipeline of one process: pictures in, faces and embeddings out, batched across all callers."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import numpy as np

from config.options import BatchingOptions, DetectionOptions, ImageLimits
from inference.batch_figures import BatcherStats
from inference.batching import MicroBatcher
from inference.closed_set import as_probes
from inference.cores import away_from, current_core, usable_cores
from inference.detection.base import Detector
from inference.detection.views import View, cut_canvas, merge_views, plan_views
from inference.domain import Detection, Embedding, EmbeddingContract, Embeddings, FaceBox, FaceCrop, ImageRGB
from inference.each import in_turn
from inference.embedding.align import align_crop, align_kept, keep_crop
from inference.embedding.arcface import EmbedderSpec
from inference.embedding.base import Embedder
from inference.errors import OverloadedError, StoppedError
from inference.image_probe import ImageProbe
from inference.images import DecodedImage, decode_probed, probed
from inference.memory import give_back_large_blocks, release_free_memory
from inference.per_core import CoreModels, PerCoreModels
from inference.pixel_budget import PixelBudget, PixelLoan
from inference.stopwatch import Stopwatch

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
    """A decoded picture, and what was found out about it without waiting for anybody.

    All of it on one worker: each other thread would cost a caller who is alone half a millisecond.
    """

    decoded: DecodedImage
    clock: Stopwatch
    """Runs since the picture was asked for; its laps so far are "decode", "detect" and "embed"."""
    canvas: ImageRGB | None = None
    """Its only view, height × width × 3 RGB; None where there are several, or where it has been looked at."""
    detections: tuple[Detection, ...] | None = None
    """Of a still picture, as by `PicturePipeline.detect()`."""
    embeddings: Embeddings | None = None
    """Of these, as by `PicturePipeline.probe()`."""


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
        load_per_core: Callable[[], CoreModels] | None = None,
    ) -> None:
        """`warm` makes the models ready for any picture; else what a picture needs is made ready for it.

        `load_per_core` loads, on any thread, what is used besides where pictures keep every core busy.
        """
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
        self._pictures = 0
        """Being decoded and looked at, or waiting for that."""
        self._max_pictures = batching.max_queue + self._worker_count
        self._per_core = PerCoreModels(self._worker_count, load_per_core)
        # With these a picture keeps its worker for long. One more than there are workers is let in, so that
        # none waits, and no more, so that what is left to do for earlier pictures comes before.
        self._turns = asyncio.Semaphore(self._worker_count + 1)
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
        await self._per_core.close()

    def stats(self) -> PipelineStats:
        """What the batchers have done so far."""
        return PipelineStats(self._detector.stats(), None)

    @abstractmethod
    async def probe(self, image: ImageRGB, detections: Sequence[Detection]) -> Embeddings:
        """What the gallery is asked about the faces found in a picture: one row each."""

    @abstractmethod
    def _probe_now(
        self, image: ImageRGB, detections: Sequence[Detection], models: CoreModels | None
    ) -> Embeddings | None:
        """As `probe()`, on a worker, with these models if any; None where that would have to wait."""

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

    def each(self, function: Callable[[In], T], items: Sequence[In], /) -> list[T]:
        """The function of each item, on a worker; idle ones help, so that who is alone waits half as long."""
        if len(items) < 2 or self._pieces >= self._worker_count:
            return in_turn(function, items)
        try:
            core = current_core()
            futures = [self._workers.submit(away_from, core, function, item) for item in items]
        except RuntimeError:  # no more work is taken: the pipeline is being closed
            return in_turn(function, items)
        # Helpers begin with the first item, this thread with the last: what they have not begun is its own.
        pairs = zip(reversed(items), reversed(futures), strict=True)
        backwards = [function(item) if future.cancel() else future.result() for item, future in pairs]
        return backwards[::-1]

    @asynccontextmanager
    async def decoded(self, data: bytes) -> AsyncIterator[DecodedImage]:
        """The picture, for the block; waits while too many pixels of other pictures are held.

        Raises ImageTooLargeError, ImageUnsupportedError, ImageUnreadableError.
        """
        async with self._held(data, look=False) as picture:
            yield picture.decoded

    @asynccontextmanager
    async def opened(self, data: bytes) -> AsyncIterator[OpenedPicture]:
        """As `decoded()`, for `detect_all()` and `probe_all()`. Raises OverloadedError, too."""
        async with self._held(data, look=True) as picture:
            yield picture

    @asynccontextmanager
    async def _held(self, data: bytes, *, look: bool) -> AsyncIterator[OpenedPicture]:
        clock = Stopwatch()
        takes_turns = look and self._per_core.are_open
        if takes_turns and self._pictures >= self._max_pictures:
            raise OverloadedError(limit=self._max_pictures)
        self._pictures += 1
        try:
            if look and self._are_enough:
                self._per_core.want()
            async with self._budget.loan() as loan:
                async with self._turns if takes_turns else nullcontext():
                    pixels, picture = await self.work(self._open_now, data, loan, clock, look)
                large = pixels >= _LARGE_PIXELS
                if picture is None:
                    await loan.take(pixels)
                    if large:
                        await self.work(release_free_memory)
                    picture = await self.work(lambda: self._open(probed(data, self._limits), clock, look))
                yield picture
        finally:
            self._pictures -= 1
        if large:
            await self.work(release_free_memory)

    def _open_now(
        self, data: bytes, loan: PixelLoan, clock: Stopwatch, look: bool
    ) -> tuple[int, OpenedPicture | None]:
        """How many pixels will be held; and the picture, if that can be without waiting."""
        probe = probed(data, self._limits)
        pixels = _pixels_held(probe, self._limits)
        if pixels >= _LARGE_PIXELS or not loan.take_now(pixels):
            return pixels, None
        return pixels, self._open(probe, clock, look)

    def _open(self, probe: ImageProbe, clock: Stopwatch, look: bool) -> OpenedPicture:
        decoded = decode_probed(probe, self._limits)
        if look and len(decoded.frames) == 1:
            views = self._views(decoded.frames[0])
            if len(views) == 1:
                return self._looked_at(decoded, views[0], clock)
        clock.lap("decode")
        return OpenedPicture(decoded, clock)

    def _looked_at(self, decoded: DecodedImage, view: View, clock: Stopwatch) -> OpenedPicture:
        """All of it where there is no other picture, or one for every core; else several share batches."""
        (frame,) = decoded.frames
        canvas = cut_canvas(frame, view)
        clock.lap("decode")
        models = self._per_core.take() if self._are_enough else None
        try:
            found = self._run_here(self._detector, models.detect if models else None, [canvas])
            if found is None:
                return OpenedPicture(decoded, clock, canvas)
            detections = self._merged(decoded, [(view, found[0])])
            clock.lap("detect")
            embeddings = self._probe_now(frame, detections, models)
            clock.lap("embed")
            return OpenedPicture(decoded, clock, None, detections, embeddings)
        finally:
            if models is not None:
                self._per_core.give_back(models)

    @property
    def _are_enough(self) -> bool:
        """There is a picture for every core."""
        return self._pictures >= self._worker_count

    def _run_here(
        self,
        batcher: MicroBatcher[In, T],
        function: Callable[[Sequence[In]], Sequence[T]] | None,
        items: Sequence[In],
    ) -> Sequence[T] | None:
        if function is not None:
            return batcher.run_with(function, items)
        return batcher.run_now(items) if self._pictures == 1 else None

    async def detect_all(self, picture: OpenedPicture) -> list[tuple[Detection, ...]]:
        """The faces of each frame, as by `detect()`."""
        if picture.detections is not None:
            return [picture.detections]
        frames = picture.decoded.frames
        if picture.canvas is None:
            return await asyncio.gather(*map(self.detect, frames))
        found = zip(self._views(frames[0]), await self._detector.submit_many([picture.canvas]), strict=True)
        return [self._merged(picture.decoded, found)]

    async def probe_all(
        self, picture: OpenedPicture, detections: Sequence[Sequence[Detection]]
    ) -> list[Embeddings]:
        """What the gallery is asked about the faces of each frame, as by `probe()`."""
        if picture.embeddings is not None:
            return [picture.embeddings]
        return await asyncio.gather(*map(self.probe, picture.decoded.frames, detections))

    def _merged(
        self, decoded: DecodedImage, found: Iterable[tuple[View, tuple[Detection, ...]]]
    ) -> tuple[Detection, ...]:
        return merge_views(decoded.width, decoded.height, found, self._detection)

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
        canvases = await self.work(self.each, partial(cut_canvas, image), views)
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
        load_per_core: Callable[[], CoreModels] | None = None,
    ) -> None:
        super().__init__(
            canvas_shapes=canvas_shapes,
            contract=contract,
            load_detector=load_detector,
            limits=limits,
            detection=detection,
            batching=batching,
            warm=warm,
            load_per_core=load_per_core,
        )
        self._spec = embedder_spec
        self._embedder = MicroBatcher[ImageRGB, Embedding](
            "embedder",
            lambda: rows_of(_ready(load_embedder(), warm=warm)),
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

    def _probe_now(
        self, image: ImageRGB, detections: Sequence[Detection], models: CoreModels | None
    ) -> Embeddings | None:
        if not detections:
            return self._stacked([])
        crops = self._aligned(image, [detection.box for detection in detections])
        rows = self._run_here(self._embedder, models.embed if models else None, crops)
        return None if rows is None else self._stacked(rows)

    async def embed(self, image: ImageRGB, boxes: Sequence[FaceBox]) -> Embeddings:
        """One row a box."""
        if not boxes:
            return self._stacked([])
        return await self._embed(await self.work(self._aligned, image, boxes))

    async def embed_kept(self, crops: Sequence[FaceCrop]) -> Embeddings:
        """One row a stored crop: what `Gallery.reindex` calls."""
        align = partial(align_kept, margin=self._spec.margin, side=self._spec.side)
        return await self._embed(await self.work(self.each, align, crops))

    async def keep(self, image: ImageRGB, box: FaceBox) -> FaceCrop:
        """The crop that is stored with a sample."""
        return await self.work(keep_crop, image, box, margin=self._spec.margin)

    async def aligned(self, image: ImageRGB, box: FaceBox) -> ImageRGB:
        """The crop that the embedder sees."""
        return await self.work(align_crop, image, box, margin=self._spec.margin, side=self._spec.side)

    def _aligned(self, image: ImageRGB, boxes: Sequence[FaceBox]) -> list[ImageRGB]:
        return self.each(partial(align_crop, image, margin=self._spec.margin, side=self._spec.side), boxes)

    async def _embed(self, crops: Sequence[ImageRGB]) -> Embeddings:
        return self._stacked(await self._embedder.submit_many(crops))

    def _stacked(self, rows: Sequence[Embedding]) -> Embeddings:
        if not rows:
            return Embeddings(np.empty((0, self.contract.dimension), dtype=np.float32))
        return Embeddings(np.stack(rows))


class ClosedSetPipeline(PicturePipeline):
    """Pictures in, faces and their class probabilities out: for a detector that names characters itself."""

    async def probe(self, image: ImageRGB, detections: Sequence[Detection]) -> Embeddings:
        return self._probe_now(image, detections, None)

    def _probe_now(
        self, image: ImageRGB, detections: Sequence[Detection], models: CoreModels | None
    ) -> Embeddings:
        return as_probes(detections, self.contract.dimension)


def _pixels_held(probe: ImageProbe, limits: ImageLimits) -> int:
    frames = min(len(probe.frame_delays_ms), limits.sampled_frames)
    return probe.width * probe.height * (frames + _ANIMATION_CANVASES if probe.animated else 1)


M = TypeVar("M", Detector, Embedder)


def _ready(model: M, *, warm: bool) -> M:
    if warm:
        model.warm_up()
    return model


def rows_of(embedder: Embedder) -> Callable[[Sequence[ImageRGB]], list[Embedding]]:
    """What a batcher needs, which hands every caller rows of its own."""
    return lambda crops: [Embedding(row) for row in embedder.embed(crops)]
