"""What groups and channels are called, for the operator: as seen since the start, in memory only."""

from __future__ import annotations

from telegram import Chat

_MOST = 4_096
"""The chat heard of longest ago is forgotten first."""


class Titles:
    """The newest title of each chat that something came from; people have none."""

    def __init__(self) -> None:
        self._titles: dict[int, str] = {}

    def see(self, chat: Chat) -> None:
        """Something came from there."""
        if chat.title:
            self._titles.pop(chat.id, None)
            self._titles[chat.id] = chat.title
            if len(self._titles) > _MOST:
                del self._titles[next(iter(self._titles))]

    def of(self, chat_id: int) -> str:
        """Empty when it is not known."""
        return self._titles.get(chat_id, "")
