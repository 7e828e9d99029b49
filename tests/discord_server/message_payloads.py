"""Messages and what they carry as Discord's JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.discord_server.payloads import member_payload, timestamp, user_payload
from tests.discord_server.state import Channel, Json, Message, MessageFlag, Sticker, StoredFile

if TYPE_CHECKING:
    from tests.discord_server.interactions import Interaction
    from tests.discord_server.world import World


def attachment_payload(file: StoredFile, world: World) -> Json:
    url, proxy_url = world.file_urls(file)
    payload: Json = {
        "id": str(file.id),
        "filename": file.filename,
        "size": file.declared_size,
        "url": url,
        "proxy_url": proxy_url,
    }
    if file.content_type:
        payload["content_type"] = file.content_type
    if file.size_wh:
        payload["width"], payload["height"] = file.size_wh
    if file.description:
        payload["description"] = file.description
    if file.folder == "ephemeral-attachments":
        payload["ephemeral"] = True
    return payload


def sticker_payload(sticker: Sticker) -> Json:
    return {"id": str(sticker.id), "name": sticker.name, "format_type": sticker.format_type}


def message_payload(message: Message, world: World, *, depth: int = 0) -> Json:
    """The message; what it answers is in it, what that answers is not."""
    guild = message.channel.guild
    payload: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "author": user_payload(message.author),
        "content": message.content,
        "timestamp": timestamp(message.sent_at),
        "edited_timestamp": timestamp(message.edited_at) if message.edited_at else None,
        "tts": False,
        "mention_everyone": message.pings.everyone,
        "mentions": [user_payload(user) for user in message.mentions],
        "mention_roles": [str(role) for role in sorted(message.pings.roles)],
        "attachments": [attachment_payload(file, world) for file in message.files],
        "embeds": message.embeds,
        "components": message.components,
        "pinned": False,
        "type": _message_type(message),
        "flags": int(message.flags),
    }
    if message.stickers:
        payload["sticker_items"] = [sticker_payload(sticker) for sticker in message.stickers]
    if message.nonce is not None:
        payload["nonce"] = message.nonce
    if message.author.bot and message.author is world.bot:
        payload["application_id"] = str(world.application_id)
    if message.reactions:
        payload["reactions"] = [
            _reaction(emoji, users, world.bot.id) for emoji, users in message.reactions.items()
        ]
    if message.interaction:
        payload |= {"webhook_id": str(world.application_id)} | _interaction_fields(message.interaction)
    if message.forwarded:
        payload |= _forward_fields(message.forwarded, world)
    elif message.reply_to_id is not None:
        payload["message_reference"] = _reference(message.channel, message.reply_to_id, kind=0)
        if depth == 0:
            answered = message.reply_to
            payload["referenced_message"] = (
                None if answered is None or answered.deleted else message_payload(answered, world, depth=1)
            )
    if guild and depth == 0 and message.author.id in guild.members:
        payload["member"] = member_payload(guild.members[message.author.id], with_user=False)
    return payload


def gateway_message_payload(message: Message, world: World) -> Json:
    """The message in an event, which also names the guild; over REST it does not (Message resource)."""
    payload = message_payload(message, world)
    if message.channel.guild:
        payload["guild_id"] = str(message.channel.guild.id)
    return payload


def rest_message_payload(message: Message, world: World) -> Json:
    """The message as REST answers it: without the member (Message resource)."""
    payload = message_payload(message, world)
    payload.pop("member", None)
    return payload


def _message_type(message: Message) -> int:
    # Message types (Message resource): 0 default, 19 reply, 20 slash command, 23 context menu command.
    if message.interaction and message.interaction.command_type:
        return 20 if message.interaction.command_type == 1 else 23
    return 19 if message.reply_to_id is not None else 0


def _reference(channel: Channel, message_id: int, *, kind: int) -> Json:
    reference: Json = {"type": kind, "message_id": str(message_id), "channel_id": str(channel.id)}
    return reference | {"guild_id": str(channel.guild.id)} if channel.guild else reference


def _forward_fields(original: Message, world: World) -> Json:
    snapshot: Json = {
        "type": 0,
        "content": original.content,
        "embeds": original.embeds,
        "attachments": [attachment_payload(file, world) for file in original.files],
        "timestamp": timestamp(original.sent_at),
        "edited_timestamp": timestamp(original.edited_at) if original.edited_at else None,
        "flags": int(original.flags & ~MessageFlag.HAS_SNAPSHOT),
        "mentions": [user_payload(user) for user in original.mentions],
        "mention_roles": [],
        "components": [],
    }
    if original.stickers:
        snapshot["sticker_items"] = [sticker_payload(sticker) for sticker in original.stickers]
    return {
        "message_reference": _reference(original.channel, original.id, kind=1),
        "message_snapshots": [{"message": snapshot}],
    }


def _reaction(emoji: str, users: set[int], bot_id: int) -> Json:
    return {
        "emoji": {"id": None, "name": emoji},
        "count": len(users),
        "count_details": {"burst": 0, "normal": len(users)},
        "me": bot_id in users,
        "me_burst": False,
        "burst_colors": [],
    }


def _interaction_fields(interaction: Interaction) -> Json:
    user = user_payload(interaction.user)
    about: Json = {
        "id": str(interaction.id),
        "type": int(interaction.kind),
        "user": user,
        "authorizing_integration_owners": {},
    }
    if interaction.message is not None:
        about["interacted_message_id"] = str(interaction.message.id)
    fields: Json = {"interaction_metadata": about}
    if interaction.command_type is not None:
        named = {"type": int(interaction.kind), "name": interaction.command_name}
        fields["interaction"] = {"id": str(interaction.id), "user": user} | named
    return fields
