"""Which events a gateway session asked for, and what it may read of messages (Gateway, "Gateway Intents")."""

from __future__ import annotations

from enum import IntFlag
from typing import Any


class Intent(IntFlag):
    """The gateway intents that exist."""

    NONE = 0
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25


KNOWN_INTENTS = Intent(sum(Intent))
PRIVILEGED_INTENTS = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
"""What an application must switch on in the developer portal before it may ask for it."""


def without_content(message: dict[str, Any]) -> dict[str, Any]:
    """The message as an application without the message-content intent sees it.

    Empties the five fields that the documentation names (Gateway, "Message Content Intent"), also in the
    message that it answers and in those that it forwards.
    """
    bare = message | {"content": "", "embeds": [], "attachments": [], "components": []}
    bare.pop("poll", None)
    if bare.get("referenced_message"):
        bare["referenced_message"] = without_content(bare["referenced_message"])
    if bare.get("message_snapshots"):
        bare["message_snapshots"] = [
            {"message": without_content(snapshot["message"])} for snapshot in bare["message_snapshots"]
        ]
    return bare
