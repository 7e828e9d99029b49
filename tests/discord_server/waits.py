"""Waiting for what the bot does, with the last requests in every failure."""

from __future__ import annotations

import time

from tests.discord_server.gateway import Gateway
from tests.discord_server.interactions import Interaction
from tests.discord_server.rest import Rest
from tests.discord_server.state import Channel, Json, Message
from tests.discord_server.world import World
from tests.waiting import PATIENCE_S, SHOWN_REQUESTS, Waiting, first


class Waits(Waiting):
    """Everything that a test waits for."""

    world: World
    gateway: Gateway
    rest: Rest

    async def connected(self, shards: int = 1, *, timeout_s: float = PATIENCE_S) -> None:
        """Until so many shards have sessions."""
        await self.until(lambda: len(list(self.gateway.open())) >= shards, "sessions", timeout_s=timeout_s)

    async def replies_to(
        self, message: Message, count: int = 1, *, timeout_s: float = PATIENCE_S
    ) -> list[Message]:
        """The bot's replies to a message, once there are `count`."""

        def replies() -> list[Message]:
            found = self.replies(message)
            return found if len(found) >= count else []

        return await self.until(replies, f"{count} replies to {message.content!r}", timeout_s=timeout_s)

    async def reply_to(self, message: Message, *, timeout_s: float = PATIENCE_S) -> Message:
        """The bot's only reply to a message."""
        (reply,) = await self.replies_to(message, timeout_s=timeout_s)
        return reply

    async def no_reply_to(self, message: Message, *, within_s: float) -> None:
        """The bot says nothing in the channel of the message."""
        since = message.id
        said = await first(lambda: [one for one in self.said_in(message.channel) if one.id > since], within_s)
        assert not said, f"the bot said {[one.content for one in said]}\n{self.transcript()}"

    async def acknowledged(self, interaction: Interaction, *, timeout_s: float = PATIENCE_S) -> Interaction:
        """The interaction, once the bot has given its first answer."""
        await self.until(
            lambda: interaction.callback, f"an answer to {interaction.data}", timeout_s=timeout_s
        )
        return interaction

    async def answer(self, interaction: Interaction, *, timeout_s: float = PATIENCE_S) -> Message:
        """The message that answers, once it is no longer "thinking"."""

        def answered() -> Message | None:
            original = interaction.original
            return original if original is not None and not original.loading else None

        return await self.until(answered, f"the answer to {interaction.data}", timeout_s=timeout_s)

    async def followup(self, interaction: Interaction, *, timeout_s: float = PATIENCE_S) -> Message:
        """The last follow-up, once there is one."""
        await self.until(lambda: interaction.followups, "a follow-up", timeout_s=timeout_s)
        return interaction.followups[-1]

    async def choices(self, interaction: Interaction, *, timeout_s: float = PATIENCE_S) -> list[Json]:
        """What autocomplete offers."""
        await self.acknowledged(interaction, timeout_s=timeout_s)
        assert interaction.choices is not None, "the bot offered no choices"
        return interaction.choices

    async def modal(self, interaction: Interaction, *, timeout_s: float = PATIENCE_S) -> Json:
        """The modal that the bot opened."""
        await self.acknowledged(interaction, timeout_s=timeout_s)
        assert interaction.modal is not None, "the bot opened no modal"
        return interaction.modal

    def replies(self, message: Message) -> list[Message]:
        """The bot's replies to a message so far."""
        return [one for one in self.said_in(message.channel) if one.reply_to is message]

    def said_in(self, channel: Channel) -> list[Message]:
        """What the bot said in a channel and did not take back."""
        return [message for message in channel.messages if message.author is self.world.bot]

    def transcript(self) -> str:
        """The last requests, for failures."""
        now = time.monotonic()
        lines = [
            f"  {now - record.at:6.2f} s ago  {record.status or '...'} {record.code or ''}  "
            f"{record.method} {record.path}  {str(record.body)[:200]}"
            for record in self.rest.requests[-SHOWN_REQUESTS:]
        ]
        return "\n".join(["The last requests:", *lines])
