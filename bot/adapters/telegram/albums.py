"""Puts albums together: Telegram sends each of their messages by itself, and never says which is the last."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence

from telegram import Message

MOST_IN_ALBUM = 10
_MOST_REMEMBERED = 1_000
_SLICES = 6

_Key = tuple[int, str]


class Albums:
    """Albums that are being put together, and the last ones that were."""

    def __init__(self, wait_s: float, is_behind: Callable[[], bool]) -> None:
        """`is_behind`: whether more may have been sent that could not be received yet."""
        self._wait_s = wait_s
        self._is_behind = is_behind
        self._open: dict[_Key, _Album] = {}
        self._recent: OrderedDict[_Key, Sequence[Message]] = OrderedDict()
        self._notes: OrderedDict[tuple[int, int], int] = OrderedDict()

    def begins(self, message: Message) -> bool:
        """True for the first message of an album, whose finder calls `whole()`; the others are kept for it.

        A message that comes after its album was taken for whole is one by itself.
        """
        key = _key(message)
        if album := self._open.get(key):
            album.add(message)
            return False
        if key not in self._recent:
            self._open[key] = _Album(message)
        return True

    async def whole(self, first: Message) -> Sequence[Message]:
        """All messages of the album, in their order, when nothing more has come for a while.

        One that comes after its album was taken for whole is all that is left to answer; `with_all()` knows
        the others.
        """
        key = _key(first)
        album = self._open.get(key)
        if album is None:
            self.remember((*self.with_all(first), first))
            return (first,)
        try:
            while len(album.messages) < MOST_IN_ALBUM:
                if not await album.grew(self._wait_s) and not self._is_behind():
                    break
        finally:
            del self._open[key]
        messages = tuple(album.messages[number] for number in sorted(album.messages))
        self.remember(messages)
        return messages

    def remember(self, messages: Sequence[Message]) -> None:
        """Somebody may reply to one of them and mean all."""
        self._recent[_key(messages[0])] = messages
        while len(self._recent) > _MOST_REMEMBERED:
            self._recent.popitem(last=False)

    def with_all(self, message: Message) -> Sequence[Message]:
        """The album that the message belongs to, as far as it is remembered; else the message."""
        return self._recent.get(_key(message), (message,)) if message.media_group_id else (message,)

    def stands_for(self, note: Message, first: Message) -> None:
        """Who replies to the note, which has the buttons, means the album."""
        self._notes[note.chat.id, note.message_id] = first.message_id
        while len(self._notes) > _MOST_REMEMBERED:
            self._notes.popitem(last=False)

    def meant_by(self, message: Message) -> int:
        """Id of the message that somebody means who replies to this one: of an album it is the first."""
        noted = self._notes.get((message.chat.id, message.message_id))
        return noted or self.with_all(message)[0].message_id


class _Album:
    def __init__(self, first: Message) -> None:
        self.messages = {first.message_id: first}
        self._grown = asyncio.Event()

    def add(self, message: Message) -> None:
        self.messages[message.message_id] = message
        self._grown.set()

    async def grew(self, within_s: float) -> bool:
        """Whether another one came in that time.

        It passes in slices: when the process was held up, what came meanwhile is still to be read.
        """
        self._grown.clear()
        for _ in range(_SLICES):
            try:
                await asyncio.wait_for(self._grown.wait(), within_s / _SLICES)
            except TimeoutError:
                continue
            return True
        return False


def _key(message: Message) -> _Key:
    return message.chat.id, message.media_group_id or ""
