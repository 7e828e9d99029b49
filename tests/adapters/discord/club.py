"""A server inside simcord with people in it, and what they see of the bot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import discord
import numpy as np

from config.options import ImageLimits
from inference.domain import Scope
from inference.images import decode
from tests.adapters.discord.simulated import SimulatedDiscord
from tests.adapters.script.side import Person

MANAGER = discord.Permissions(manage_guild=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of the bot as somebody sees it; its pictures have been decoded."""

    content: str
    files: tuple[tuple[str, bytes], ...]
    labels: tuple[str, ...]
    lines: dict[str, str]
    """Of a menu: labels and values."""
    private: bool
    message: Any
    modal: Any = None
    """The interaction that opened a form, if that was the answer."""


@dataclass
class Club:
    """The server, its channels and its people."""

    simulation: SimulatedDiscord

    def __post_init__(self) -> None:
        env = self.simulation.env
        self.env = env
        self.guild = env.create_guild("club")
        self.pictures = self.guild.create_text_channel("pictures")
        self.elsewhere = self.guild.create_text_channel("elsewhere")
        self.log = self.guild.create_text_channel("log")
        self.teachers = self.guild.create_role("teachers")
        managers = self.guild.create_role("managers", permissions=MANAGER)
        self.manager = self.guild.add_member(env.create_user(Person.MANAGER), roles=[managers])
        self.teacher = self.guild.add_member(env.create_user("Teacher"), roles=[self.teachers])
        self.member = self.guild.add_member(env.create_user(Person.MEMBER))

    @property
    def scope(self) -> Scope:
        return Scope(f"discord:{self.guild.id}")

    async def post(
        self, who: Any, *pictures: bytes, text: str = "", channel: Any = None, name: str = "a.png", **how: Any
    ) -> Shown | None:
        """Posts pictures; the bot's reply, None where it says nothing."""
        place = channel or self.pictures
        before = {message.id for message in place.history()}
        posted = await who.send(place, text, attachments=[(name, data) for data in pictures], **how)
        said = [one for one in place.history() if one.id not in before | {posted.id}]
        assert len(said) <= 1, [one.content for one in said]
        if not said:
            return None
        assert said[0].reference.message_id == posted.id
        return self.shown(said[0])

    async def post_at_home(self, who: Any, *pictures: bytes) -> Shown | None:
        """The same in somebody's private chat."""
        chat = who.user.dm_channel
        before = len(chat.history())
        files = [("a.png", data) for data in pictures]
        await who.send_dm(attachments=self.env.backend.store_attachments(chat.id, files))
        said = chat.history()[before + 1 :]
        assert len(said) <= 1, [one.content for one in said]
        return self.shown(said[0]) if said else None

    async def slash(self, who: Any, command: str, /, **options: Any) -> Shown:
        return self.answer(await who.slash(self.pictures, command, **options))

    async def click(self, who: Any, shown: Shown, label: str) -> Shown:
        return self.answer(await who.click(shown.message, label=label))

    async def choose(self, who: Any, shown: Shown, label: str) -> Shown:
        return self.answer(await who.select(shown.message, [shown.lines[label]]))

    async def submit(self, who: Any, form: Shown, **values: str) -> Shown:
        return self.answer(await who.submit_modal(form.modal, values))

    def answer(self, result: Any) -> Shown:
        """What an interaction led to: its last message, or the form that it opened."""
        assert result.acknowledged, "Discord would say that the application did not respond"
        if result.modal is not None:
            return Shown(result.modal["title"], (), (), {}, True, None, result)
        message = result.followups[-1] if result.followups else result.response
        assert message is not None, "nothing is to be seen"
        return self.shown(message.message, private=message.ephemeral)

    def shown(self, message: Any, *, private: bool = False) -> Shown:
        files = tuple(
            (file.filename, self.env.backend.cdn.get(file.url) or b"") for file in message.attachments
        )
        for name, data in files:
            if not name.endswith(".zip"):
                assert np.ptp(decode(data, ImageLimits()).frames[0]) > 0
        parts = [part for row in message.components for part in row.children]
        assert not (message.mentions or message.role_mentions or message.mention_everyone)
        assert len(message.content) <= 2000
        return Shown(
            message.content,
            files,
            tuple(part.label for part in parts if isinstance(part, discord.Button)),
            {
                option.label: option.value
                for part in parts
                if isinstance(part, discord.SelectMenu)
                for option in part.options
            },
            private or bool(message.flags.ephemeral),
            message,
        )
