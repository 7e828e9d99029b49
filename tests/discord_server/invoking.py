"""Hands interactions to the bot, caused by clicks and commands (Interactions, "Interaction Structure")."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.discord_server import message_payloads, payloads
from tests.discord_server.checks.messages import LARGEST_FILE_BYTES
from tests.discord_server.interactions import Interaction, InteractionKind
from tests.discord_server.people import Picture
from tests.discord_server.permissions import DIRECT_MESSAGE_PERMISSIONS
from tests.discord_server.state import Channel, Json, Member, Message, Role, User
from tests.discord_server.world import Event, World


def invoke(
    world: World,
    kind: InteractionKind,
    channel: Channel,
    author: Member | User,
    data: Json,
    *,
    message: Message | None = None,
    command_type: int | None = None,
    command_name: str = "",
) -> Interaction:
    """Sends INTERACTION_CREATE; from now on the bot has three seconds."""
    interaction = Interaction(
        world.snowflakes.next(),
        kind,
        author if isinstance(author, User) else author.user,
        channel,
        data,
        world.clock.now(),
        member=author if isinstance(author, Member) else None,
        message=message,
        command_type=command_type,
        command_name=command_name,
    )
    world.interactions.add(interaction)
    payload = _payload(world, interaction)
    guild_id = channel.guild.id if channel.guild else None
    world.emit(Event("INTERACTION_CREATE", lambda _: payload, guild_id))
    return interaction


class Resolved:
    """Collects the objects behind the ids in an interaction (Interactions, "Resolved Data Structure")."""

    def __init__(self, world: World, channel: Channel, author: Member | User) -> None:
        self.data: Json = {}
        self._world = world
        self._channel = channel
        self._author = author if isinstance(author, Member) else None

    def add(self, thing: Any) -> str:
        """The id that stands for a member, user, role, channel, message or file."""
        match thing:
            case Member():
                member = payloads.interaction_member_payload(thing, self._channel)
                for name in ("user", "deaf", "mute"):  # "Partial Member objects are missing" these
                    del member[name]
                self._put("members", thing.user.id, member)
                return self._put("users", thing.user.id, payloads.user_payload(thing.user))
            case User():
                return self._put("users", thing.id, payloads.user_payload(thing))
            case Role():
                return self._put("roles", thing.id, payloads.role_payload(thing))
            case Channel():
                return self._put(
                    "channels", thing.id, payloads.interaction_channel_payload(thing, self._author)
                )
            case Message():
                # Its content is there without the intent too (Gateway, "Message Content Intent").
                payload = message_payloads.rest_message_payload(thing, self._world)
                return self._put("messages", thing.id, payload)
            case Picture():
                file = thing.stored(self._world, self._channel, "ephemeral-attachments")
                self._world.cdn.add(file)
                return self._put(
                    "attachments", file.id, message_payloads.attachment_payload(file, self._world)
                )
        raise TypeError(thing)

    def add_all(self, things: Iterable[Any]) -> list[str]:
        return [self.add(thing) for thing in things]

    def field(self) -> Json:
        """For the interaction's data; nothing when there is nothing."""
        return {"resolved": self.data} if self.data else {}

    def _put(self, kind: str, number: int, payload: Json) -> str:
        self.data.setdefault(kind, {})[str(number)] = payload
        return str(number)


def _payload(world: World, interaction: Interaction) -> Json:
    channel, guild, member = interaction.channel, interaction.channel.guild, interaction.member
    permissions = world.bot_permissions(channel) if guild else DIRECT_MESSAGE_PERMISSIONS
    payload: Json = {
        "id": str(interaction.id),
        "application_id": str(world.application_id),
        "type": int(interaction.kind),
        "data": interaction.data,
        "token": interaction.token,
        "version": 1,
        "channel_id": str(channel.id),
        "channel": payloads.interaction_channel_payload(channel, member),
        "app_permissions": str(int(permissions)),
        "locale": interaction.user.locale,
        "entitlements": [],
        "authorizing_integration_owners": {"0": str(guild.id) if guild else "0"},
        "context": 0 if guild else 1,
        "attachment_size_limit": LARGEST_FILE_BYTES,
    }
    if interaction.message is not None:
        payload["message"] = message_payloads.rest_message_payload(interaction.message, world)
    if guild is None or member is None:
        return payload | {"user": payloads.user_payload(interaction.user)}
    return payload | {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "member": payloads.interaction_member_payload(member, channel),
    }
