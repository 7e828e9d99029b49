"""Both models once for each core: on few cores, what many callers are answered with fastest."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inference.domain import Detection, Embedding, ImageRGB

log = logging.getLogger(__name__)

_WANTED = 64
"""Pictures that would have used them until they are worth their memory."""


@dataclass(frozen=True, slots=True)
class CoreModels:
    """A detector and an embedder that compute on the thread that calls them, one thread at a time."""

    detect: Callable[[Sequence[ImageRGB]], Sequence[tuple[Detection, ...]]]
    embed: Callable[[Sequence[ImageRGB]], Sequence[Embedding]] | None
    """None where there is no embedder."""


class PerCoreModels:
    """As many `CoreModels` as cores, opened on a thread of their own once they have been wanted often.

    Cores that share one picture wait for each other at the end of every layer of a network; each with a
    picture of its own does not. It belongs to one event loop; any thread may `take()` and `give_back()`.
    """

    def __init__(self, cores: int, load: Callable[[], CoreModels] | None) -> None:
        """Without `load` there are never any."""
        self.cores = cores
        self.are_open = False
        self._load = load
        self._wanted = 0
        self._closing = False
        self._opening: threading.Thread | None = None
        self._idle: queue.SimpleQueue[CoreModels] = queue.SimpleQueue()

    def want(self) -> None:
        """Said of each picture that comes while there is one for every core."""
        self._wanted += 1
        if self._load is not None and self._wanted >= _WANTED and self._opening is None and not self._closing:
            self._opening = threading.Thread(target=self._open, args=[self._load], name="per-core models")
            self._opening.start()

    def take(self) -> CoreModels | None:
        """Some that nobody else has until they are given back; None where there are none."""
        if not self.are_open:
            return None
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return None

    def give_back(self, models: CoreModels) -> None:
        self._idle.put(models)

    async def close(self) -> None:
        """Those that are being opened are waited for: the library must not be torn down meanwhile."""
        self._closing = True
        if self._opening is not None:
            await asyncio.to_thread(self._opening.join)
        self.are_open = False
        self._idle = queue.SimpleQueue()  # they hold hundreds of megabytes

    def _open(self, load: Callable[[], CoreModels]) -> None:
        try:
            for _ in range(self.cores):
                if self._closing:
                    return
                self._idle.put(load())
        except Exception as error:  # whatever it is, all is answered without them
            self._idle = queue.SimpleQueue()
            log.warning("per_core_models_left_out error=%r", error)
            return
        self.are_open = True
        log.info("per_core_models_opened cores=%d", self.cores)
