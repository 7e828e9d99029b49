"""People, guilds and channels as Discord's JSON."""

from __future__ import annotations

import datetime

from tests.discord_server.permissions import (
    DIRECT_MESSAGE_PERMISSIONS,
    channel_permissions,
    guild_permissions,
)
from tests.discord_server.state import (
    Channel,
    ChannelKind,
    Guild,
    Json,
    Member,
    Role,
    User,
)

_JOINED_AT = "2024-01-01T00:00:00+00:00"


def timestamp(seconds: float) -> str:
    """ISO 8601, as every time in Discord's JSON."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()


def user_payload(user: User) -> Json:
    return {
        "id": str(user.id),
        "username": user.name,
        "global_name": user.display_name,
        "discriminator": "0",
        "avatar": None,
        "bot": user.bot,
        "system": False,
        "public_flags": 0,
    }


def member_payload(member: Member, *, with_user: bool = True) -> Json:
    payload: Json = {
        "nick": member.nick,
        "avatar": None,
        "roles": [str(role.id) for role in member.roles],
        "joined_at": _JOINED_AT,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
    }
    return payload | {"user": user_payload(member.user)} if with_user else payload


def interaction_member_payload(member: Member, channel: Channel) -> Json:
    """The member who used a command, with what they may do in the channel."""
    return member_payload(member) | {"permissions": str(int(channel_permissions(channel, member)))}


def role_payload(role: Role) -> Json:
    return {
        "id": str(role.id),
        "name": role.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": role.position,
        "permissions": str(int(role.permissions)),
        "managed": role.managed,
        "mentionable": role.mentionable,
        "flags": 0,
    }


def channel_payload(channel: Channel) -> Json:
    if channel.kind is ChannelKind.DIRECT_MESSAGE:
        assert channel.recipient is not None
        return {
            "id": str(channel.id),
            "type": int(channel.kind),
            "last_message_id": _last_message(channel),
            "recipients": [user_payload(channel.recipient)],
        }
    assert channel.guild is not None
    payload: Json = {
        "id": str(channel.id),
        "type": int(channel.kind),
        "guild_id": str(channel.guild.id),
        "name": channel.name,
        "parent_id": str(channel.parent.id) if channel.parent else None,
        "last_message_id": _last_message(channel),
        "rate_limit_per_user": 0,
        "flags": 0,
    }
    if channel.kind is ChannelKind.PUBLIC_THREAD:
        return payload | _thread_fields(channel.guild)
    overwrites = [
        {
            "id": str(target),
            "type": 0 if target in channel.guild.roles else 1,
            "allow": str(int(overwrite.allow)),
            "deny": str(int(overwrite.deny)),
        }
        for target, overwrite in channel.overwrites.items()
    ]
    return payload | {
        "position": list(channel.guild.channels).index(channel.id),
        "permission_overwrites": overwrites,
        "nsfw": channel.nsfw,
        "topic": None,
        **({"bitrate": 64000, "user_limit": 0} if channel.kind is ChannelKind.VOICE else {}),
    }


def interaction_channel_payload(channel: Channel, member: Member | None) -> Json:
    """The channel in an interaction, with what the member who acts may do there."""
    allowed = channel_permissions(channel, member) if member else DIRECT_MESSAGE_PERMISSIONS
    return channel_payload(channel) | {"permissions": str(int(allowed))}


def guild_payload(guild: Guild) -> Json:
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "description": None,
        "owner_id": str(guild.owner.id),
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 1,
        "explicit_content_filter": 0,
        "roles": [role_payload(role) for role in guild.roles.values()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": guild.locale,
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
    }


def guild_create_payload(guild: Guild, members: list[Member]) -> Json:
    """The guild with all that GUILD_CREATE adds; `members` are those whom the session may know of."""
    channels = [channel for channel in guild.channels.values() if channel.kind != ChannelKind.PUBLIC_THREAD]
    threads = [channel for channel in guild.channels.values() if channel.kind == ChannelKind.PUBLIC_THREAD]
    return guild_payload(guild) | {
        "joined_at": _JOINED_AT,
        "large": False,
        "member_count": len(guild.members),
        "members": [member_payload(member) for member in members],
        "channels": [channel_payload(channel) for channel in channels],
        "threads": [channel_payload(thread) for thread in threads],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def own_guild_payload(guild: Guild, member: Member) -> Json:
    """The guild in the list of those that the bot is in."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "banner": None,
        "owner": guild.owner is member.user,
        "permissions": str(int(guild_permissions(guild, member))),
        "features": [],
    }


def _thread_fields(guild: Guild) -> Json:
    return {
        "owner_id": str(guild.owner.id),
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
        "thread_metadata": {
            "archived": False,
            "auto_archive_duration": 1440,
            "archive_timestamp": _JOINED_AT,
            "locked": False,
        },
    }


def _last_message(channel: Channel) -> str | None:
    return str(channel.messages[-1].id) if channel.messages else None
