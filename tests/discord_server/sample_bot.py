"""An ordinary discord.py bot that uses what ours will use, to try the server with."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import discord
from discord import app_commands
from discord.ext import commands

from tests.discord_server.server import DiscordServer

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x20\x00\x00\x00\x10" + bytes(range(256)) * 40
"""What looks like a picture of 32 × 16 pixels to the server; nobody decodes it here."""

NAMES = ("Chitanda Eru", "Ibara Mayaka", "Oreki Hotaro")


class RightButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"right:(?P<face>\d+)"):
    """A button that works after a restart, because its id says all."""

    def __init__(self, face: int) -> None:
        super().__init__(discord.ui.Button(label="Right", custom_id=f"right:{face}"))
        self.face = face

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: Any, /
    ) -> Self:
        return cls(int(match["face"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        await interaction.response.send_message(f"face {self.face} is right", ephemeral=True)


class NameModal(discord.ui.Modal, title="Who is it?"):
    name: discord.ui.Label[Any] = discord.ui.Label(
        text="Name", component=discord.ui.TextInput(custom_id="name", min_length=2, max_length=50)
    )

    async def on_submit(self, interaction: discord.Interaction[Any]) -> None:
        assert isinstance(self.name.component, discord.ui.TextInput)
        await interaction.response.edit_message(content=f"It is {self.name.component.value}", view=None)


class FaceView(discord.ui.View):
    """What stands under a reply."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(RightButton(7))

    @discord.ui.button(label="Who is it?", custom_id="ask")
    async def ask(self, interaction: discord.Interaction[Any], button: discord.ui.Button[Self]) -> None:
        await interaction.response.send_modal(NameModal(custom_id=f"name:{interaction.id}"))

    @discord.ui.select(
        custom_id="candidates", options=[discord.SelectOption(label=name) for name in NAMES], max_values=2
    )
    async def choose(self, interaction: discord.Interaction[Any], select: discord.ui.Select[Self]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content=" or ".join(select.values), view=None)


class Japanese(app_commands.Translator):
    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: Any
    ) -> str | None:
        return {"name": "名前"}.get(string.message) if locale is discord.Locale.japanese else None


class SampleBot(commands.AutoShardedBot):
    """Answers pictures with the same pictures. It keeps what it saw, for tests to look at."""

    def __init__(self, *, intents: discord.Intents | None = None, **options: Any) -> None:
        wanted = intents or discord.Intents(guilds=True, messages=True, message_content=True)
        super().__init__(
            command_prefix="unused!",
            intents=wanted,
            allowed_mentions=discord.AllowedMentions.none(),
            **({"guild_ready_timeout": 0.1, "max_ratelimit_timeout": 30.0} | options),
        )
        self.seen: list[discord.Message] = []
        self.failures: list[BaseException | None] = []
        """What its handlers raised; `running` finds it empty."""
        self.tree.error(self._note)
        self.answering = 0
        """Messages whose answers it has not been told of yet: it may be about to try again."""
        self.resumes = 0
        self.edits: list[discord.RawMessageUpdateEvent] = []

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Not the five seconds that the default sleeps; the server is told not to want them."""

    async def setup_hook(self) -> None:
        self.add_view(FaceView())
        self.add_dynamic_items(RightButton)
        self.tree.add_command(picture)
        self.tree.add_command(lookup)
        self.tree.add_command(slow)
        self.tree.add_command(ask_menu)
        await self.tree.set_translator(Japanese())
        await self.tree.sync()

    async def on_resumed(self) -> None:
        self.resumes += 1

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        self.edits.append(event)

    async def on_message(self, message: discord.Message, /) -> None:
        if message.author == self.user:
            return
        self.seen.append(message)
        snapshots = [file for one in message.message_snapshots for file in one.attachments]
        if pictures := [*message.attachments, *snapshots]:
            self.answering += 1
            try:
                async with message.channel.typing():
                    files = [await one.to_file(spoiler=one.is_spoiler()) for one in pictures]
                await message.reply("I see", files=files, view=FaceView())
            finally:
                self.answering -= 1

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        self.failures.append(sys.exception())

    async def _note(self, interaction: discord.Interaction[Any], error: Exception) -> None:
        self.failures.append(error)


@app_commands.command(name="picture", description="Sends the picture back")
async def picture(interaction: discord.Interaction[Any], file: discord.Attachment) -> None:
    await interaction.response.defer(thinking=True)
    data = await file.read()
    await interaction.followup.send("here", file=discord.File(io.BytesIO(data), file.filename))


@app_commands.command(name="lookup", description="Finds somebody")
@app_commands.default_permissions(manage_guild=True)
@app_commands.allowed_contexts(guilds=True)
@app_commands.rename(name=app_commands.locale_str("name"))
async def lookup(interaction: discord.Interaction[Any], name: app_commands.Range[str, 1, 80]) -> None:
    await interaction.response.send_message(f"**{name}**")


@lookup.autocomplete("name")
async def complete_name(
    interaction: discord.Interaction[Any], current: str
) -> list[app_commands.Choice[str]]:
    fitting = [name for name in NAMES if current.lower() in name.lower()]
    return [app_commands.Choice(name=name, value=name) for name in fitting]


@app_commands.command(name="slow", description="Answers after the test says so")
async def slow(interaction: discord.Interaction[Any]) -> None:
    await interaction.response.defer(ephemeral=True)
    interaction.client.dispatch("slow", interaction)


@app_commands.context_menu(name="Who is this?")
async def ask_menu(interaction: discord.Interaction[Any], message: discord.Message) -> None:
    await interaction.response.send_message(f"{len(message.attachments)} pictures", ephemeral=True)


@asynccontextmanager
async def running(
    server: DiscordServer, bot: SampleBot | None = None, *, ready: bool = True
) -> AsyncIterator[SampleBot]:
    """The bot, logged in and ready; afterwards logged out, and whatever ended it before is raised."""
    bot = bot or SampleBot()
    async with bot:
        task = asyncio.create_task(bot.start(server.token), name="bot")
        if ready:
            waiting = asyncio.create_task(bot.wait_until_ready())
            await asyncio.wait({task, waiting}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            assert not task.done(), task.exception() or "the bot ended by itself"
            assert bot.is_ready(), server.transcript()
        yield bot
        await bot.close()
        await task
    assert not bot.failures, bot.failures
