"""A conversation that says what a test tells it to, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from bot.chat import (
    ChatRef,
    Command,
    ImagePost,
    Platform,
    PlatformAccess,
    Press,
    Reply,
    Span,
    Submission,
)
from bot.texts import choose_language

Answer = Reply | None | BaseException | Callable[[Any], Awaitable[Reply | None]]


def said(text: str, **parts: Any) -> Reply:
    return Reply((Span(text),), **parts)


@dataclass
class ScriptedConversation:
    """Fails on what no test has prepared."""

    answers: dict[object, Answer] = field(default_factory=dict)
    """By the type of the event, a CommandName or a token."""
    forms: set[object] = field(default_factory=set)
    """Keys of `answers` that open forms."""
    wanted: bool = True
    names: tuple[str, ...] = ()
    asked: list[Any] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)
    """Answers with their messages."""
    welcome: Reply | None = None
    access: PlatformAccess | None = None
    closed: bool = False

    def attach(self, platform: Platform, access: PlatformAccess) -> None:
        assert platform == "discord"
        self.access = access

    def wants(self, chat: ChatRef, *, mentions_bot: bool) -> bool:
        return self.wanted or mentions_bot

    def opens_form(self, event: Command | Press) -> bool:
        return self._key(event) in self.forms

    def language(self, chat: ChatRef, language: str = "") -> str:
        return choose_language(language)

    async def post(self, post: ImagePost) -> Reply | None:
        return await self._answer(post)

    async def command(self, command: Command) -> Reply:
        return await self._answer(command)  # type: ignore[return-value]

    async def press(self, press: Press) -> Reply:
        return await self._answer(press)  # type: ignore[return-value]

    async def submit(self, submission: Submission) -> Reply:
        return await self._answer(submission)  # type: ignore[return-value]

    async def suggest(self, chat: ChatRef, text: str, *, limit: int = 25) -> tuple[str, ...]:
        return tuple(name for name in self.names if text.lower() in name.lower())[:limit]

    async def answered(self, chat: ChatRef, answer: str, message: str) -> None:
        self.sent.append((answer, message))

    async def joined(self, chat: ChatRef, language: str) -> Reply | None:
        words, self.welcome = self.welcome, None
        return words

    async def moved(self, old: ChatRef, new: ChatRef) -> None:
        raise AssertionError("Discord moves nothing")

    async def close(self, deadline_s: float) -> None:
        self.closed = True

    def _key(self, event: Any) -> object:
        for key in (getattr(event, "name", None), getattr(event, "token", None), type(event)):
            if key in self.answers:
                return key
        raise AssertionError(f"nothing prepared for {event}")

    async def _answer(self, event: Any) -> Reply | None:
        self.asked.append(event)
        answer = self.answers[self._key(event)]
        if isinstance(answer, BaseException):
            raise answer
        return await answer(event) if callable(answer) else answer
