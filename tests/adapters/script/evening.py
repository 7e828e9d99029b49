"""The log of a script that runs on one side: every step with all that was seen in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.chat import CommandName, OutgoingFile, Reply
from config.options import ImageLimits
from inference.domain import FaceBox, Identification
from inference.images import decode
from tests.adapters.script.side import Person, Seen, Side
from tests.bot.conversing import is_marked
from tests.conftest import CastPictures


@dataclass(frozen=True, slots=True)
class Step:
    what: str
    seen: list[Seen | None] = field(default_factory=list)
    """None for silence."""


class Portraits:
    """The cast by number."""

    cast: CastPictures

    def name(self, character: int) -> str:
        return self.cast.cast[character].name

    def sample(self, character: int, number: int) -> bytes:
        return (self.cast.folder / self.name(character) / f"{number}.png").read_bytes()

    def new(self, character: int) -> bytes:
        return self.cast.new[character].read_bytes()


@dataclass
class Evening(Portraits):
    """Does what `Side` does, and writes it down."""

    side: Side
    cast: CastPictures
    together: asyncio.Barrier | None = None
    """Where several sides wait for each other before each step."""
    boxes: dict[bytes, list[FaceBox]] = field(default_factory=dict, repr=False)
    """Where the faces of pictures are, which no gallery changes."""
    steps: list[Step] = field(default_factory=list)

    @asynccontextmanager
    async def step(self, what: str) -> AsyncIterator[None]:
        """One thing that somebody does, and what comes of it."""
        if self.together is not None:
            await self.together.wait()
        self.steps.append(Step(what))
        try:
            yield
        except BaseException as error:
            error.add_note(f"in step {len(self.steps)} of {type(self.side).__name__}: {what}")
            raise

    # ── what people do ──────────────────────────────────────────────────────────────────────────

    async def arrive(self) -> Seen:
        return self._noted(await self.side.arrive())

    async def post(self, who: Person, *pictures: bytes, **how: Any) -> Seen:
        """Posts, and is answered."""
        seen = await self.side.post(who, *pictures, **how)
        assert seen is not None, "nothing was said"
        return self._noted(seen)

    async def ignored(self, who: Person, *pictures: bytes, **how: Any) -> None:
        """Posts, and is not answered."""
        seen = await self.side.post(who, *pictures, **how)
        assert seen is None, seen
        self.steps[-1].seen.append(None)

    async def post_at_once(self, who: Person, *pictures: bytes) -> list[Seen]:
        return [self._noted(seen) for seen in await self.side.post_at_once(who, *pictures)]

    async def command(self, who: Person, command: CommandName, *pictures: bytes, **how: Any) -> Seen:
        return self._noted(await self.side.command(who, command, *pictures, **how))

    async def press(self, who: Person, seen: Seen, *labels: str) -> Seen:
        """Presses one after the other, each on what the one before showed."""
        for label in labels:
            seen = self._noted(await self.side.press(who, seen, label))
        return seen

    async def fill(self, who: Person, form: Seen, **fields: str) -> Seen:
        assert form.asks
        return self._noted(await self.side.fill(who, form, **fields))

    async def complete(self, typed: str) -> list[str]:
        names = await self.side.complete(typed)
        self._noted(Seen("", labels=tuple(names)))
        return names

    def _noted(self, seen: Seen) -> Seen:
        for data in seen.files:
            if not data.startswith(b"PK"):
                assert decode(data, ImageLimits()).frames[0].size
        self.steps[-1].seen.append(seen)
        return seen

    # ── pictures ────────────────────────────────────────────────────────────────────────────────

    async def identified(self, data: bytes) -> Identification:
        """The picture as the core sees it, asked from the club."""
        faces = self.side.conversation.services.faces
        return (await faces.identify(data, [self.side.scope])).identification

    async def frames(self, seen: Seen, *originals: bytes) -> bool:
        """Whether every face of what was posted has a frame around it in the pictures of the answer."""
        return len(seen.files) == len(originals) and all(
            [await self._framed(shown, data) for shown, data in zip(seen.files, originals, strict=True)]
        )

    async def _framed(self, shown: bytes, original: bytes) -> bool:
        if original not in self.boxes:
            faces = (await self.identified(original)).faces
            self.boxes[original] = [face.detection.box for face in faces]
        reply = Reply(files=(OutgoingFile("a.jpg", shown),))
        boxes = self.boxes[original]
        return bool(boxes) and all(is_marked(reply, original, box) for box in boxes)
