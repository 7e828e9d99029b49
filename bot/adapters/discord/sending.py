"""Sends replies to channels: once, in spite of failures, and as much of them as the permissions allow."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import aiohttp
import discord

from bot.adapters.discord.pace import Pace
from bot.adapters.discord.render import Page, files_of, pages_of, view_of
from bot.chat import Reply
from bot.errors import CannotSendError, MessageGoneError, PictureGoneError
from bot.texts import Texts, join_texts

log = logging.getLogger(__name__)

Sent = TypeVar("Sent")
_Reason = Literal["gone", "may_not_write", "may_not_attach", "too_large", "platform"]

_WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Before trying again; discord.py has tried five times each by then, but not after every kind of failure."""

NO_MENTIONS = discord.AllowedMentions.none()

# Opcodes and Status Codes, "JSON Error Codes".
_UNKNOWN_MESSAGE, _MISSING_PERMISSIONS, _INVALID_FORM, _CANNOT_READ_HISTORY = 10008, 50013, 50035, 160002
_REASONS: Mapping[int, _Reason] = {
    10003: "gone",  # unknown channel
    40005: "too_large",
    50001: "may_not_write",  # missing access
    50007: "may_not_write",  # to this user
    _MISSING_PERMISSIONS: "may_not_write",
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a reply goes."""

    channel_id: int
    guild_id: int | None
    answers: int | None = None
    """The message that it answers."""

    @property
    def reference(self) -> discord.MessageReference | None:
        """Fails when the message is gone: nobody's deleted picture is posted again."""
        if self.answers is None:
            return None
        return discord.MessageReference(
            message_id=self.answers, channel_id=self.channel_id, guild_id=self.guild_id
        )


class HistoryHiddenError(CannotSendError):
    """The bot may write in the channel, but not answer messages there."""

    def __init__(self) -> None:
        super().__init__(reason="may_not_write")


class Sender:
    """Sends with everything that can go wrong."""

    def __init__(self, client: discord.Client, pace: Pace) -> None:
        self._client = client
        self._pace = pace
        self._told_of_history: set[int] = set()

    async def send(self, to: Destination, reply: Reply, texts: Texts) -> str:
        """The id of the message, the last of them if there are more; empty when there is nothing to say.

        What is in the way of all of it is said in place of the part that cannot be shown. Raises
        CannotSendError when nothing can be said.
        """
        try:
            return await self._send_pages(to, reply)
        except HistoryHiddenError:
            return await self.send(
                replace(to, answers=None), self._with_history_note(to, reply, texts), texts
            )
        except MessageGoneError:
            gone = Reply(texts.error(PictureGoneError()))
            return await self._send_pages(replace(to, answers=None), gone)
        except CannotSendError as error:
            if not reply.files or error.data["reason"] not in ("may_not_attach", "too_large"):
                raise
            return await self.send(to, without_files(reply, error, texts), texts)

    async def _send_pages(self, to: Destination, reply: Reply) -> str:
        sent = ""
        for number, page in enumerate(pages_of(reply)):
            # Known by its nonce, a message is sent once, however often it is tried.
            nonce = f"{to.answers}.{number}" if to.answers else str(secrets.randbits(64))
            place = to if number == 0 else replace(to, answers=None)
            sent = str(await self._send_page(place, page, reply, nonce))
        return sent

    async def _send_page(self, to: Destination, page: Page, reply: Reply, nonce: str) -> int:
        channel = self._client.get_partial_messageable(to.channel_id, guild_id=to.guild_id)

        async def send() -> discord.Message:
            await self._pace.turn()
            return await channel.send(
                page.content or None,
                files=files_of(page.files),
                view=view_of(reply) if page.last else None,  # type: ignore[arg-type]  # None is its default
                reference=to.reference,  # type: ignore[arg-type]  # None is its default
                allowed_mentions=NO_MENTIONS,
                suppress_embeds=True,
                nonce=nonce,
            )

        return (await persistently(send, has_files=bool(page.files))).id

    def _with_history_note(self, to: Destination, reply: Reply, texts: Texts) -> Reply:
        if to.channel_id in self._told_of_history:
            return reply
        self._told_of_history.add(to.channel_id)
        return replace(reply, text=join_texts((reply.text, texts.say("discord-no-history"))))


def without_files(reply: Reply, error: CannotSendError, texts: Texts) -> Reply:
    """The reply with the reason in place of its files."""
    return replace(reply, files=(), text=join_texts((reply.text, texts.error(error))))


async def persistently(send: Callable[[], Awaitable[Sent]], *, has_files: bool = False) -> Sent:
    """What `send` returns, tried again after what may pass. Raises CannotSendError."""
    for wait_s in (*_WAITS_S, None):
        try:
            return await send()
        except (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError) as error:
            if not _may_pass(error):
                raise _refusal(error, has_files=has_files) from error
            if wait_s is None:
                raise CannotSendError(reason="platform") from error
            log.info("send_again error=%s", type(error).__name__)
        await asyncio.sleep(wait_s)
    raise AssertionError


def _may_pass(error: Exception) -> bool:
    return not isinstance(error, discord.HTTPException) or error.status >= 500 or error.status == 429


def _refusal(error: Exception, *, has_files: bool) -> CannotSendError:
    code = getattr(error, "code", 0)
    if code == _CANNOT_READ_HISTORY:
        return HistoryHiddenError()
    if code == _UNKNOWN_MESSAGE or (code == _INVALID_FORM and "message_reference" in str(error)):
        return MessageGoneError()
    if code == _MISSING_PERMISSIONS and has_files:
        return CannotSendError(reason="may_not_attach")
    return CannotSendError(reason=_REASONS.get(code, "platform"))
