"""The state of the server, and the events that tell sessions of its changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.discord_server import message_payloads, payloads
from tests.discord_server.cdn import Cdn
from tests.discord_server.clock import ServerClock, Snowflakes
from tests.discord_server.intents import PRIVILEGED_INTENTS, Intent, without_content
from tests.discord_server.interactions import Interactions
from tests.discord_server.permissions import (
    DIRECT_MESSAGE_PERMISSIONS,
    Permission,
    channel_permissions,
)
from tests.discord_server.state import (
    Channel,
    ChannelKind,
    Guild,
    Json,
    Member,
    Message,
    StoredFile,
    User,
)


@dataclass(frozen=True, slots=True)
class Event:
    """What sessions with `intent` on the guild's shard hear of; without a guild, those on shard 0."""

    name: str
    payload_for: Callable[[Intent], Json]
    """By the intents of the session."""
    guild_id: int | None = None
    intent: Intent = Intent.NONE


class World:
    """Everything that exists. `emit` hands an event to the gateway."""

    def __init__(self, clock: ServerClock, snowflakes: Snowflakes, cdn: Cdn) -> None:
        self.clock = clock
        self.snowflakes = snowflakes
        self.cdn = cdn
        self.emit: Callable[[Event], None] = lambda event: None
        self.token = "a.test.token-" + "x" * 40
        self.portal_intents = PRIVILEGED_INTENTS
        """The privileged intents that the developer portal allows."""
        self.bot = User(snowflakes.next(), "dareda", bot=True)
        self.application_id = snowflakes.next()
        """Not the bot's id, as with applications from before 2016."""
        self.owner = User(snowflakes.next(), "operator")
        self.users: dict[int, User] = {user.id: user for user in (self.bot, self.owner)}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.commands: dict[int | None, list[Json]] = {}
        """Registered application commands by guild id, the global ones under None."""
        self.interactions = Interactions(clock)

    @property
    def application_flags(self) -> int:
        """Which privileged intents the portal allows (Application resource, "Application Flags")."""
        limited = {
            Intent.GUILD_PRESENCES: 1 << 13,
            Intent.GUILD_MEMBERS: 1 << 15,
            Intent.MESSAGE_CONTENT: 1 << 19,
        }
        return sum(flag for intent, flag in limited.items() if intent in self.portal_intents)

    def bot_member(self, guild: Guild) -> Member:
        return guild.members[self.bot.id]

    def bot_permissions(self, channel: Channel) -> Permission:
        """What the bot may do in the channel: everything in direct messages, nothing in guilds it left."""
        if channel.guild is None:
            return DIRECT_MESSAGE_PERMISSIONS
        if channel.guild.id not in self.guilds:
            return Permission.NONE
        return channel_permissions(channel, self.bot_member(channel.guild))

    def direct_channel(self, user: User) -> Channel:
        """The direct messages between the bot and `user`."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self.snowflakes.next(), user.name, kind=ChannelKind.DIRECT_MESSAGE, recipient=user)
        self.channels[channel.id] = channel
        return channel

    def file_urls(self, file: StoredFile) -> tuple[str, str]:
        return self.cdn.urls(file)

    def send(self, message: Message) -> None:
        """Puts a new message into its channel and tells the sessions."""
        self.messages[message.id] = message
        message.channel.messages.append(message)
        for file in message.files:
            self.cdn.add(file)
        self._emit_message("MESSAGE_CREATE", message)

    def changed(self, message: Message) -> None:
        """Tells the sessions that a message is another now."""
        for file in message.files:
            self.cdn.add(file)
        self._emit_message("MESSAGE_UPDATE", message)

    def delete(self, message: Message) -> None:
        message.deleted = True
        message.channel.messages.remove(message)
        for file in message.files:
            self.cdn.forget(file)
        guild = message.channel.guild
        payload = {"id": str(message.id), "channel_id": str(message.channel.id)}
        if guild:
            payload["guild_id"] = str(guild.id)
        self._emit_about(message.channel, "MESSAGE_DELETE", lambda _: payload)

    def reaction_changed(self, message: Message, user: User, emoji: str, *, added: bool) -> None:
        payload: Json = {
            "user_id": str(user.id),
            "channel_id": str(message.channel.id),
            "message_id": str(message.id),
            "emoji": {"id": None, "name": emoji},
            "type": 0,
            "burst": False,
        }
        guild = message.channel.guild
        if guild:
            payload["guild_id"] = str(guild.id)
            if added:
                payload["member"] = payloads.member_payload(guild.members[user.id])
        self.emit(
            Event(
                "MESSAGE_REACTION_ADD" if added else "MESSAGE_REACTION_REMOVE",
                lambda _: payload,
                guild.id if guild else None,
                Intent.GUILD_MESSAGE_REACTIONS if guild else Intent.DIRECT_MESSAGE_REACTIONS,
            )
        )

    def emit_guild(self, guild: Guild, name: str, payload: Json, intent: Intent = Intent.GUILDS) -> None:
        """Tells the sessions of the guild's shard something about it."""
        self.emit(Event(name, lambda _: payload, guild.id, intent))

    def guild_create(self, guild: Guild, intents: Intent) -> Json:
        """The guild as a session with these intents learns of it.

        Without the members intent it lists the bot alone (Gateway Events, "Guild Create").
        """
        everyone = list(guild.members.values())
        known = everyone if Intent.GUILD_MEMBERS in intents else [self.bot_member(guild)]
        return payloads.guild_create_payload(guild, known)

    def message_for_rest(self, message: Message) -> Json:
        """The message as REST shows it to the bot, whose content the portal may keep from it."""
        payload = message_payloads.rest_message_payload(message, self)
        return payload if self._may_read(message, self.portal_intents) else without_content(payload)

    def _emit_message(self, name: str, message: Message) -> None:
        def payload_for(intents: Intent) -> Json:
            payload = message_payloads.gateway_message_payload(message, self)
            return payload if self._may_read(message, intents) else without_content(payload)

        self._emit_about(message.channel, name, payload_for)

    def _emit_about(self, channel: Channel, name: str, payload_for: Callable[[Intent], Json]) -> None:
        guild = channel.guild
        if guild and Permission.VIEW_CHANNEL not in self.bot_permissions(channel):
            return
        self.emit(
            Event(
                name,
                payload_for,
                guild.id if guild else None,
                Intent.GUILD_MESSAGES if guild else Intent.DIRECT_MESSAGES,
            )
        )

    def _may_read(self, message: Message, intents: Intent) -> bool:
        # The exceptions that the documentation lists (Gateway, "Message Content Intent").
        return (
            Intent.MESSAGE_CONTENT in intents
            or message.author is self.bot
            or message.channel.guild is None
            or self.bot in message.mentions
        )
