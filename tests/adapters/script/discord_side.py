"""The script's side in the strict Discord, over sockets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Self

from bot.adapters.discord.adapter import DiscordAdapter
from bot.chat import CommandName
from bot.conversation import Conversation
from inference.domain import Scope
from tests.adapters.discord.connecting import connected
from tests.adapters.script.side import Person, Place, Seen, typed_behind
from tests.discord_server.interactions import Interaction
from tests.discord_server.people import Picture
from tests.discord_server.permissions import MEMBER_PERMISSIONS, Permission
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Member, Message, User

PATIENCE_S = 60.0
_SILENCE_S = 0.2
"""How long a message may be on its way to the bot."""
_MARKUP = re.compile(r"\\(.)|(\*\*)|([^\\*]+|.)", re.DOTALL)


class DiscordSide:
    """`Side` of a server with a channel."""

    def __init__(self, server: DiscordServer, conversation: Conversation) -> None:
        self.conversation = conversation
        self._server = server
        guild = server.add_guild("club")
        self.scope = Scope(f"discord:{guild.id}")
        self._channel = server.add_channel(guild, "pictures")
        managers = server.add_role(guild, "managers", Permission.MANAGE_GUILD | MEMBER_PERMISSIONS)
        self._people = {
            Person.MANAGER: server.add_member(guild, Person.MANAGER, roles=[managers]),
            Person.MEMBER: server.add_member(guild, Person.MEMBER),
        }
        self._ignored: list[Message] = []
        self._stack = AsyncExitStack()
        self._adapter: DiscordAdapter

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()
        assert not any(self._server.replies(message) for message in self._ignored)

    async def arrive(self) -> Seen:
        words = await self._server.until(
            lambda: self._server.said_in(self._channel), "the first words", timeout_s=PATIENCE_S
        )
        return self._seen(words)

    async def restart(self) -> None:
        await self._stack.aclose()
        await self._connect()

    async def post(
        self,
        who: Person,
        *pictures: bytes,
        mention: bool = False,
        name: str = "a.png",
        place: Place = Place.CLUB,
    ) -> Seen | None:
        channel, author = self._where(who, place)
        message = self._server.post_message(
            channel,
            author,
            self._bot if mention else "",
            attachments=[Picture(name, data) for data in pictures],
        )
        return await self._answer_to(message)

    async def post_at_once(self, who: Person, *pictures: bytes) -> list[Seen]:
        messages = [
            self._server.post_message(self._channel, self._people[who], attachments=[Picture("a.png", data)])
            for data in pictures
        ]
        return [self._seen([await self._reply_to(message)]) for message in messages]

    async def command(
        self,
        who: Person,
        command: CommandName,
        *pictures: bytes,
        reply_to: Any = None,
        file: bytes | None = None,
        place: Place = Place.CLUB,
        **arguments: str,
    ) -> Seen:
        channel, author = self._where(who, place)
        if reply_to is not None:
            words = f"{self._bot} {command} {typed_behind(command, arguments)}"
            message = self._server.post_message(
                channel,
                author,
                words,
                reply_to=reply_to,
                attachments=[Picture("a.png", data) for data in pictures],
            )
            return self._seen([await self._reply_to(message)])
        given: dict[str, str | Picture] = dict(arguments)
        for number, data in enumerate(pictures, start=1):
            given[f"picture{number}" if number > 1 else "picture"] = Picture(f"{number}.png", data)
        if file is not None:
            given["archive"] = Picture("gallery.zip", file)
        return await self._outcome(self._server.slash(channel, author, command, given))

    async def press(self, who: Person, seen: Seen, label: str) -> Seen:
        message: Message = seen.handle
        author = self._where(who, Place.CLUB if message.channel.guild else Place.HOME)[1]
        lines = {_line(option): option["value"] for option in _options(message)}
        if label in lines:
            return await self._outcome(self._server.select(message, author, [lines[label]]))
        return await self._outcome(self._server.click(message, author, label=label))

    async def fill(self, who: Person, form: Seen, **fields: str) -> Seen:
        assert form.handle.user.name == who
        return await self._outcome(self._server.submit_modal(form.handle, fields))

    async def complete(self, typed: str) -> list[str]:
        channel, author = self._where(Person.MEMBER, Place.HOME)
        asked = self._server.autocomplete(channel, author, "character", "character", typed)
        return [choice["value"] for choice in await self._server.choices(asked, timeout_s=PATIENCE_S)]

    # ── what comes back ─────────────────────────────────────────────────────────────────────────

    @property
    def _bot(self) -> str:
        return f"<@{self._server.world.bot.id}>"

    def _where(self, who: Person, place: Place) -> tuple[Channel, Member | User]:
        member = self._people[who]
        if place is Place.CLUB:
            return self._channel, member
        return self._server.direct_channel(member.user), member.user

    async def _connect(self) -> None:
        self._adapter = await self._stack.enter_async_context(connected(self._server, self.conversation))

    async def _landed(self) -> None:
        assert await self._adapter.client.in_flight.landed(PATIENCE_S), self._server.transcript()

    async def _answer_to(self, message: Message) -> Seen | None:
        with suppress(AssertionError):
            await self._server.replies_to(message, timeout_s=_SILENCE_S)
        await self._landed()
        if self._server.replies(message):
            return self._seen([await self._reply_to(message)])
        self._ignored.append(message)
        return None

    async def _reply_to(self, message: Message) -> Message:
        reply = await self._server.reply_to(message, timeout_s=PATIENCE_S)
        await self._landed()
        return reply

    async def _outcome(self, interaction: Interaction) -> Seen:
        await self._server.acknowledged(interaction, timeout_s=PATIENCE_S)
        await self._landed()
        if interaction.modal is not None:
            return Seen(interaction.modal["title"], asks=True, handle=interaction)
        if interaction.message is not None:  # of the button
            return self._seen(interaction.followups or [interaction.message])
        first = interaction.original
        assert first is not None
        return self._seen([*([] if first.deleted else [first]), *interaction.followups])

    def _seen(self, messages: Sequence[Message]) -> Seen:
        """The messages of one answer as one."""
        assert not any(message.pings for message in messages)
        last = messages[-1]
        return Seen(
            *text_of_markdown("\n".join(message.content for message in messages if message.content)),
            tuple(file.data for message in messages for file in message.files),
            (*map(_line, _options(last)), *(one["label"] for one in _parts(last) if "label" in one)),
            handle=last,
            asked=messages[0].reply_to,
        )


def text_of_markdown(content: str) -> tuple[str, tuple[str, ...]]:
    """The text as it is shown, and what is strong in it."""
    pieces = list(_pieces(content))
    return "".join(text for text, _ in pieces), tuple(text for text, strong in pieces if strong)


def _pieces(content: str) -> Iterator[tuple[str, bool]]:
    strong, text = False, ""
    for escaped, emphasis, plain in _MARKUP.findall(content):
        if emphasis:
            if text:
                yield text, strong
            strong, text = not strong, ""
        text += escaped or plain
    if text:
        yield text, strong


def _parts(message: Message) -> Iterator[dict[str, Any]]:
    return (part for row in message.components for part in row["components"])


def _options(message: Message) -> list[dict[str, Any]]:
    """The lines of the menu under a message."""
    return [option for part in _parts(message) for option in part.get("options", [])]


def _line(option: dict[str, Any]) -> str:
    detail = option.get("description")
    return f"{option['label']} · {detail}" if detail else str(option["label"])
