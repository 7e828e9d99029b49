"""What a member may do in a channel (Permissions topic, "Permission Hierarchy")."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.discord_server.state import Channel, Guild, Member


class Permission(IntFlag):
    """The permissions that a bot like ours meets."""

    NONE = 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EXTERNAL_APPS = 1 << 50


ALL_PERMISSIONS = Permission((1 << 53) - 1)

MEMBER_PERMISSIONS = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.ADD_REACTIONS
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.USE_APPLICATION_COMMANDS
)
"""What @everyone may do in a new guild, as far as it matters here."""

DIRECT_MESSAGE_PERMISSIONS = MEMBER_PERMISSIONS | Permission.MENTION_EVERYONE


def guild_permissions(guild: Guild, member: Member) -> Permission:
    """What `member` may do where no channel says otherwise."""
    if guild.owner is member.user:
        return ALL_PERMISSIONS
    allowed = guild.everyone.permissions
    for role in member.roles:
        allowed |= role.permissions
    return ALL_PERMISSIONS if Permission.ADMINISTRATOR in allowed else allowed


def channel_permissions(channel: Channel, member: Member) -> Permission:
    """What `member` may do in `channel`, by roles and the channel's overwrites; a thread has its parent's."""
    guild = member.guild
    allowed = guild_permissions(guild, member)
    if allowed == ALL_PERMISSIONS:
        return allowed
    overwrites = (channel.parent or channel).overwrites
    if everyone := overwrites.get(guild.id):
        allowed = (allowed & ~everyone.deny) | everyone.allow
    of_roles = [overwrites[role.id] for role in member.roles if role.id in overwrites]
    denied = granted = Permission.NONE
    for overwrite in of_roles:
        denied |= overwrite.deny
        granted |= overwrite.allow
    allowed = (allowed & ~denied) | granted
    if own := overwrites.get(member.user.id):
        allowed = (allowed & ~own.deny) | own.allow
    return allowed if Permission.VIEW_CHANNEL in allowed else Permission.NONE
