"""Keeps the order of answers in a channel, whatever takes how long."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable


class ChannelOrder:
    """Hands out places in the line of a channel, in the order of asking."""

    def __init__(self) -> None:
        self._last: dict[Hashable, asyncio.Future[None]] = {}

    def enter(self, channel_id: Hashable) -> Place:
        """A place behind all others; who has one must `leave()` it."""
        place = Place(self, channel_id, self._last.get(channel_id))
        self._last[channel_id] = place.left
        return place

    def leave(self, place: Place) -> None:
        if self._last.get(place.channel_id) is place.left:
            del self._last[place.channel_id]


class Place:
    """One place in the line of a channel."""

    def __init__(
        self, order: ChannelOrder, channel_id: Hashable, before: asyncio.Future[None] | None
    ) -> None:
        self.channel_id = channel_id
        self.left: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._order = order
        self._before = before

    async def reached(self) -> None:
        """Returns when everybody before has left."""
        if self._before is not None:
            # Shielded: a cancelled waiter must not take away what others wait for.
            await asyncio.shield(self._before)

    def leave(self) -> None:
        """Lets the next one come, once those before are gone too."""
        if self._before is None or self._before.done():
            self._go()
        else:
            self._before.add_done_callback(lambda _: self._go())

    def _go(self) -> None:
        if not self.left.done():
            self.left.set_result(None)
            self._order.leave(self)
