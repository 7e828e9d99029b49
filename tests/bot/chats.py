"""Chats, actors and a clock for tests of the chat layer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.chat import Actor, ChatRef, Platform


def make_chat(
    space: str = "100",
    channel: str = "1",
    *,
    platform: Platform = "discord",
    topic: str = "",
    private: bool = False,
) -> ChatRef:
    return ChatRef(platform, space, channel, topic, private)


def make_group(space: str) -> ChatRef:
    """A Telegram group, whose only channel is itself."""
    return ChatRef("telegram", space, space)


def make_actor(
    user: str = "7", *, manages: bool = False, roles: frozenset[str] = frozenset(), language: str = ""
) -> Actor:
    return Actor(user, f"user {user}", manages, roles, language)


class HandClock:
    """A clock that moves only when told to; called, it tells the time in UTC."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def forward(self, **duration: float) -> None:
        self.now += timedelta(**duration)
