"""The script's side in simcord, which is somebody else's reading of Discord."""

from __future__ import annotations

from typing import Any

from bot.chat import CommandName
from bot.conversation import Conversation
from tests.adapters.discord.club import Club, Shown
from tests.adapters.script.discord_side import text_of_markdown
from tests.adapters.script.side import Person, Place, Seen, typed_behind


class SimulatedSide:
    """`Side` of the club in simcord, where everything is settled when an action returns."""

    def __init__(self, club: Club, conversation: Conversation) -> None:
        self.conversation = conversation
        self.scope = club.scope
        self._club = club
        self._people = {Person.MANAGER: club.manager, Person.MEMBER: club.member}

    async def arrive(self) -> Seen:
        await self.restart()
        await self.restart()  # it introduces itself once
        (words,) = self._club.pictures.history()
        return self._seen(self._club.shown(words))

    async def restart(self) -> None:
        await self._club.simulation.restart()

    async def post(
        self,
        who: Person,
        *pictures: bytes,
        mention: bool = False,
        name: str = "a.png",
        place: Place = Place.CLUB,
    ) -> Seen | None:
        text = self._bot if mention else ""
        if place is Place.HOME:
            shown = await self._club.post_at_home(self._people[who], *pictures)
        else:
            shown = await self._club.post(self._people[who], *pictures, text=text, name=name)
        return self._seen(shown) if shown is not None else None

    async def post_at_once(self, who: Person, *pictures: bytes) -> list[Seen]:
        seen = [await self.post(who, data) for data in pictures]
        return [one for one in seen if one is not None]

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
        member = self._people[who]
        if reply_to is not None:
            words = f"{self._bot} {command} {typed_behind(command, arguments)}"
            shown = await self._club.post(member, text=words, reply_to=reply_to)
            assert shown is not None
            return self._seen(shown)
        given: dict[str, Any] = dict(arguments)
        for number, data in enumerate(pictures, start=1):
            given[f"picture{number}" if number > 1 else "picture"] = f"{number}.png", data
        if file is not None:
            given["archive"] = "gallery.zip", file
        if place is Place.HOME:
            return self._seen(self._club.answer(await member.user.slash(command.value, **given)))
        return self._seen(await self._club.slash(member, command.value, **given))

    async def press(self, who: Person, seen: Seen, label: str) -> Seen:
        shown, member = self._club.shown(seen.handle), self._people[who]
        act = self._club.choose if label in shown.lines else self._club.click
        return self._seen(await act(member, shown, label))

    async def fill(self, who: Person, form: Seen, **fields: str) -> Seen:
        return self._seen(self._club.answer(await self._people[who].submit_modal(form.handle, fields)))

    async def complete(self, typed: str) -> list[str]:
        choices = await self._club.member.user.autocomplete("character", "character", typed)
        return [choice["value"] for choice in choices]

    @property
    def _bot(self) -> str:
        mention: str = self._club.env.bot.user.mention
        return mention

    def _seen(self, shown: Shown) -> Seen:
        if shown.modal is not None:
            return Seen(shown.content, asks=True, handle=shown.modal)
        text, strong = text_of_markdown(shown.content)
        reference = shown.message.reference
        asked = [one for one in self._club.pictures.history() if reference and one.id == reference.message_id]
        return Seen(
            text,
            strong,
            tuple(data for _, data in shown.files),
            (*shown.lines, *shown.labels),
            handle=shown.message,
            asked=asked[0] if asked else None,
        )
