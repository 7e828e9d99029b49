"""The script's side in the strict Bot API server, by long polling or by webhook."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Self

from bot.adapters.telegram.adapter import TelegramAdapter
from bot.chat import CommandName
from bot.conversation import Conversation
from inference.domain import Scope
from tests.adapters.script.side import Person, Place, Seen, typed_behind
from tests.adapters.telegram.connecting import connected
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, Media, Message, Status

PATIENCE_S = 60.0


class TelegramSide:
    """`Side` of a group, whose bot sees all messages. Pictures are sent as files: photos would be changed."""

    def __init__(
        self, server: TelegramServer, conversation: Conversation, *, receive: str = "polling"
    ) -> None:
        self.conversation = conversation
        self._server = server
        self._receive = receive
        self._people = {person: server.add_user(person) for person in Person}
        self._group = server.add_group(
            "club", self._people[Person.MEMBER], owner=self._people[Person.MANAGER]
        )
        self.scope = Scope(f"telegram:{self._group.id}")
        self._home = server.add_private_chat(self._people[Person.MEMBER])
        server.world.privacy_mode = False
        self._stack = AsyncExitStack()
        self._adapter: TelegramAdapter

    async def __aenter__(self) -> Self:
        await self._connect()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def arrive(self) -> Seen:
        bot = self._server.world.bot
        self._server.set_status(self._group, bot, Status.LEFT)
        self._server.add_member(self._group, bot, by=self._people[Person.MANAGER])
        (words,) = await self._server.until(
            lambda: self._server.said_in(self._group), "the first words", timeout_s=PATIENCE_S
        )
        return self._seen([words])

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
        media = [self._server.files.document(name, data) for data in pictures]
        said = await self._say(who, self._bot if mention else "", *media, place=place)
        return self._seen(said) if said else None

    async def post_at_once(self, who: Person, *pictures: bytes) -> list[Seen]:
        posted = [
            self._server.post(
                self._group, self._people[who], media=self._server.files.document("a.png", data)
            )
            for data in pictures
        ]
        await self._landed()
        return [self._seen([await self._server.reply_to(message)]) for message in posted]

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
        text = f"/{command} {typed_behind(command, arguments)}".rstrip()
        media = [self._server.files.document(f"{number}.png", data) for number, data in enumerate(pictures)]
        if file is not None:
            media.append(self._server.files.document("gallery.zip", file))
        return self._seen(await self._say(who, text, *media, place=place, reply_to=reply_to))

    async def press(self, who: Person, seen: Seen, label: str) -> Seen:
        message: Message = seen.handle
        before, media = len(self._server.world.sent), message.media
        query = self._server.press(message, self._people[who], label=label)
        await self._landed()
        note = (await self._server.answered(query)).get("text", "")
        said = self._server.world.sent[before:]
        if note:
            assert not said
            return Seen(note)
        if said:
            return self._seen(said)
        changed = self._seen([message])
        # A picture can be changed, but not be taken from its message.
        return replace(changed, files=()) if message.media is media else changed

    async def fill(self, who: Person, form: Seen, **fields: str) -> Seen:
        place = Place.HOME if form.handle.chat is self._home else Place.CLUB
        text = " | ".join(fields.values())
        return self._seen(await self._say(who, text, place=place, reply_to=form.handle))

    async def complete(self, typed: str) -> list[str]:
        asked = self._server.ask_inline(self._people[Person.MEMBER], typed)
        offered = await self._server.offered(asked, timeout_s=PATIENCE_S)
        return [result["title"] for result in offered["results"]]

    # ── what comes back ─────────────────────────────────────────────────────────────────────────

    @property
    def _bot(self) -> str:
        return f"@{self._server.world.bot.username}"

    def _chat(self, place: Place) -> Chat:
        return self._group if place is Place.CLUB else self._home

    async def _connect(self) -> None:
        self._adapter = await self._stack.enter_async_context(
            connected(self._server, self.conversation, receive=self._receive)
        )

    async def _landed(self) -> None:
        """The bot has taken up all updates and is done with them."""
        await self._server.until(
            lambda: not self._server.updates.pending_count, "updates to be taken", timeout_s=PATIENCE_S
        )
        assert await self._adapter._dispatch.in_flight.landed(PATIENCE_S), self._server.transcript()

    async def _say(
        self, who: Person, text: str, *media: Media, place: Place, reply_to: Message | None = None
    ) -> list[Message]:
        """What the bot answers to a message or an album."""
        chat, author, before = self._chat(place), self._people[who], len(self._server.world.sent)
        if len(media) > 1:
            posted = await self._server.post_album(chat, author, media, text, reply_to=reply_to)
        else:
            posted = [
                self._server.post(chat, author, text, media=media[0] if media else None, reply_to=reply_to)
            ]
        await self._landed()
        said = self._server.world.sent[before:]
        assert not said or said[0].reply_to in posted
        return said

    def _seen(self, messages: list[Message]) -> Seen:
        """The messages of one answer as one: an album has its buttons under a message of their own."""
        assert messages, "nothing was said"
        assert not any(one.body.marked(kind) for one in messages for kind in ("mention", "url", "hashtag"))
        first, last = messages[0], messages[-1]
        if last.markup is not None and "force_reply" in last.markup:
            return Seen(last.body.marked("bold")[0], asks=True, handle=last)
        worded = [one for one in messages if not (one is last and first.group_id and not one.group_id)]
        return Seen(
            "\n".join(one.text for one in worded if one.text),
            tuple(text for one in worded for text in one.body.marked("bold")),
            tuple(one.media.uploaded for one in messages if one.media is not None),
            tuple(button["text"] for button in last.buttons),
            handle=last,
            asked=first.reply_to,
        )
