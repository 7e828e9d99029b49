"""The discord.py client: which events there are and who answers them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import discord

from bot.adapters.discord.activity import TypingIndicators
from bot.adapters.discord.addresses import learn_gateway
from bot.adapters.discord.arrivals import Arrivals
from bot.adapters.discord.commands import CommandTree, FluentTranslator
from bot.adapters.discord.interactions import Interactions
from bot.adapters.discord.late_forms import LateForms
from bot.adapters.discord.messages import Messages
from bot.adapters.discord.pace import Pace
from bot.adapters.discord.pictures import ReadUrl
from bot.adapters.discord.sending import NO_MENTIONS, Sender
from bot.adapters.in_flight import InFlight
from bot.conversation import Conversation
from config.options import DiscordOptions

log = logging.getLogger(__name__)

_LONGEST_RATE_LIMIT_S = 60.0


def intents_of(options: DiscordOptions) -> discord.Intents:
    """What is asked of Discord's gateway."""
    return discord.Intents(guilds=True, messages=True, message_content=options.message_content)


class DiscordClient(discord.AutoShardedClient):
    """Takes events and hands them on. It keeps no messages and no members.

    Not `ext.commands.AutoShardedBot`: there are no prefix commands to look for.
    """

    def __init__(
        self,
        conversation: Conversation,
        options: DiscordOptions,
        read: ReadUrl,
        *,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(
            intents=intents_of(options),
            shard_count=options.shards or None,
            shard_ids=shard_ids_of(options),  # type: ignore[arg-type]  # None is its default
            allowed_mentions=NO_MENTIONS,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=_LONGEST_RATE_LIMIT_S,
        )
        pace, forms = Pace(options.requests_per_second), LateForms()
        self.sender = Sender(self, pace)
        self.in_flight = InFlight()
        self.interactions = Interactions(conversation, self.sender, forms, self.in_flight, read)
        self._messages = Messages(
            self,
            conversation=conversation,
            sender=self.sender,
            typing=TypingIndicators(self, pace),
            forms=forms,
            in_flight=self.in_flight,
            read=read,
        )
        self.tree = CommandTree(self)
        self._arrivals = Arrivals(conversation, self.sender)
        self._say = say
        self._paused = False
        self._connected: set[int] = set()
        """Shards whose connection stands."""

    @property
    def is_connected(self) -> bool:
        """Whether all shards of this process are."""
        return not self.is_closed() and 0 < len(self._connected) == len(self.shards)

    def pause(self) -> None:
        """No more messages are taken up; interactions still are, since silence would look like a fault."""
        self._paused = True

    async def setup_hook(self) -> None:
        await learn_gateway(self)
        await self.tree.set_translator(FluentTranslator())
        # One process of several is enough.
        if self.shard_ids is None or 0 in self.shard_ids:
            try:
                await self.tree.sync()
            except discord.HTTPException as error:
                log.warning("command_sync_failed status=%s code=%s", error.status, error.code)

    async def on_ready(self) -> None:
        # Also after reconnecting anew.
        servers = f"{len(self.guilds)} server{'s' * (len(self.guilds) != 1)}"
        self._say(f"Discord: signed in as {self.user}, in {servers}.")
        log.info("ready servers=%d shards=%s", len(self.guilds), self.shard_count)

    async def on_shard_connect(self, shard_id: int) -> None:
        self._connected.add(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        self._connected.add(shard_id)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        self._connected.discard(shard_id)

    async def on_message(self, message: discord.Message) -> None:
        if not self._paused:
            await self._messages.posted(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        if not self._paused:
            await self._messages.changed(event.message)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        # Commands come by the tree.
        if interaction.type in (discord.InteractionType.component, discord.InteractionType.modal_submit):
            await self.interactions.control(interaction)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self._arrivals.arrived(guild)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        # Also the way to hear, at the start, of servers that were joined meanwhile.
        await self._arrivals.arrived(guild)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        del args, kwargs
        log.exception("event_failed event=%s", event_method)


def shard_ids_of(options: DiscordOptions) -> list[int] | None:
    """The shards of this process; None is all. Raises ValueError when there are no such shards."""
    if options.shard_ids == "all":
        return None
    first, _, last = options.shard_ids.partition("-")
    ids = list(range(int(first), int(last or first) + 1))
    if not ids or ids[-1] >= options.shards:
        raise ValueError(options.shard_ids)
    return ids
