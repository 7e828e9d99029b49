"""Answers one interaction by Discord's rules: acknowledged at once, the reply edited in, in 15 minutes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from typing import Any, TypeVar

import aiohttp
import discord

from bot.adapters.discord.late_forms import LateForms
from bot.adapters.discord.render import Page, files_of, modal_of, pages_of, view_of
from bot.adapters.discord.sending import NO_MENTIONS, Destination, Sender, persistently, without_files
from bot.chat import Reply
from bot.errors import CannotSendError
from bot.texts import Texts, join_texts

log = logging.getLogger(__name__)

Done = TypeVar("Done")

# Opcodes and Status Codes, "JSON Error Codes".
_ACKNOWLEDGED_ALREADY = 40060
_EXPIRED = (10015, 50027)


_FILLER = "…"


class _Stage(Enum):
    """How far an interaction is answered."""

    NEW = auto()
    THINKING = auto()
    """A message of ours shows that we work, and waits to be filled."""
    UPDATING = auto()
    """The message with the button waits; ours come under it."""
    LOST = auto()
    """Discord does not take answers to it any more."""


class Response:
    """The answer to one command, press or form."""

    def __init__(self, interaction: discord.Interaction[Any], sender: Sender, forms: LateForms) -> None:
        self._interaction = interaction
        self._sender = sender
        self._forms = forms
        self._stage = _Stage.NEW
        self._private = False
        self._came_twice = False
        """Discord had an answer already: from the first time, or from a try of ours that seemed to fail."""

    async def acknowledge(self, *, private: bool) -> None:
        """Tells Discord to wait; for a command this decides whether others see the answer."""
        if self._stage is not _Stage.NEW:
            return
        interaction = self._interaction
        under = interaction.message is not None
        self._private = private and not under

        async def defer() -> None:
            if under:
                await interaction.response.defer()
            else:
                await interaction.response.defer(thinking=True, ephemeral=private)

        in_time = await self._first(defer)
        self._stage = _Stage.LOST if not in_time else _Stage.UPDATING if under else _Stage.THINKING

    async def give(self, reply: Reply, texts: Texts) -> str:
        """Shows the reply; the id of its message, empty where there is none. Raises CannotSendError."""
        if reply.form is not None and self._stage is _Stage.NEW:
            modal = modal_of(reply.form)
            if await self._first(lambda: self._interaction.response.send_modal(modal)):
                return ""
            self._stage = _Stage.LOST
        if reply.form is not None:
            reply = self._forms.button_for(reply, texts)
        await self.acknowledge(private=reply.private)
        if self._stage is not _Stage.LOST:
            with suppress(_TokenExpiredError):
                return await self._show_what_is_possible(reply, texts)
        return await self._show_in_channel(reply, texts)

    async def _show_what_is_possible(self, reply: Reply, texts: Texts) -> str:
        try:
            return await self._show(reply)
        except CannotSendError as error:
            if not reply.files or error.data["reason"] not in ("may_not_attach", "too_large"):
                raise
            return await self._show(without_files(reply, error, texts))

    async def _show(self, reply: Reply) -> str:
        pages = pages_of(reply)
        if self._stage is _Stage.UPDATING:
            return await self._show_under(reply, pages)
        if not pages:
            if not self._came_twice:
                await self._call(self._interaction.delete_original_response)
            return ""
        if reply.private != self._private:
            # What is deferred stays as visible as it was deferred, and so does the first message after it.
            await self._call(lambda: self._interaction.edit_original_response(content=_FILLER))
            sent = await self._follow_up(reply, pages)
            with suppress(CannotSendError):
                await self._call(self._interaction.delete_original_response)
            return sent
        sent = await self._edit(reply, pages[0])
        return await self._follow_up(reply, pages[1:]) or sent

    async def _show_under(self, reply: Reply, pages: tuple[Page, ...]) -> str:
        if reply.replaces and pages:
            sent = await self._edit(reply, pages[0])
            return await self._follow_up(reply, pages[1:]) or sent
        if reply.closes:
            await self._call(lambda: self._interaction.edit_original_response(view=None))
        return await self._follow_up(reply, pages)

    async def _edit(self, reply: Reply, page: Page) -> str:
        message = await self._call(
            lambda: self._interaction.edit_original_response(
                content=page.content or None,
                attachments=files_of(page.files),
                view=view_of(reply) if page.last else None,
                allowed_mentions=NO_MENTIONS,
            ),
            has_files=bool(page.files),
        )
        return str(message.id)

    async def _follow_up(self, reply: Reply, pages: tuple[Page, ...]) -> str:
        sent = ""
        for page in pages:
            message = await self._call(partial(self._send, reply, page), has_files=bool(page.files))
            sent = str(message.id)
        return sent

    async def _send(self, reply: Reply, page: Page) -> discord.WebhookMessage:
        view = view_of(reply) if page.last else None
        return await self._interaction.followup.send(
            page.content,
            files=files_of(page.files),
            view=view if view is not None else discord.utils.MISSING,
            ephemeral=reply.private,
            allowed_mentions=NO_MENTIONS,
            suppress_embeds=True,
            wait=True,
        )

    async def _show_in_channel(self, reply: Reply, texts: Texts) -> str:
        """As a message of its own; what only the asker shall see is not shown at all."""
        channel_id = self._interaction.channel_id
        if channel_id is None or not pages_of(reply):
            return ""
        late = texts.say("discord-too-late", name=self._interaction.user.display_name)
        reply = Reply(late) if reply.private else replace(reply, text=join_texts((late, reply.text)))
        return await self._sender.send(Destination(channel_id, self._interaction.guild_id), reply, texts)

    async def _first(self, answer: Callable[[], Awaitable[object]]) -> bool:
        """Whether the first answer, which has three seconds and is given once, was in time."""
        try:
            await answer()
        except (discord.HTTPException, discord.InteractionResponded, aiohttp.ClientError, OSError) as error:
            self._came_twice = getattr(error, "code", 0) == _ACKNOWLEDGED_ALREADY
            if not self._came_twice:
                log.warning(
                    "acknowledge_failed error=%s code=%s", type(error).__name__, getattr(error, "code", "")
                )
            return self._came_twice
        return True

    async def _call(self, call: Callable[[], Awaitable[Done]], *, has_files: bool = False) -> Done:
        async def checked() -> Done:
            try:
                return await call()
            except discord.HTTPException as error:
                if error.code in _EXPIRED:
                    raise _TokenExpiredError from error
                raise

        if self._interaction.is_expired():
            raise _TokenExpiredError
        return await persistently(checked, has_files=has_files)


class _TokenExpiredError(Exception):
    """The fifteen minutes are over."""
