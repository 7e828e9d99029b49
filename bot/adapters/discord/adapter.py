"""Discord as `bot.app` sees it: connect, answer, stop; and what the conversation may ask of it."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import discord
from pydantic import SecretStr

from bot.adapters.discord.addresses import pointed_at
from bot.adapters.discord.client import DiscordClient, shard_ids_of
from bot.adapters.discord.downloads import Downloads
from bot.adapters.discord.pictures import ReadUrl, find_picture
from bot.adapters.discord.sending import Destination
from bot.adapters.discord.translate import channel_of
from bot.chat import ChatRef, IncomingImage, Notice, Platform
from bot.conversation import Conversation
from bot.texts import texts_of
from config.options import DiscordOptions
from inference.errors import ServiceUnavailableError, SettingsError

PORTAL = "https://discord.com/developers/applications"


class DiscordAdapter:
    """The `Adapter` and `PlatformAccess` of Discord."""

    platform: Platform = "discord"

    def __init__(
        self,
        conversation: Conversation,
        options: DiscordOptions,
        token: SecretStr,
        *,
        say: Callable[[str], None] = lambda line: None,
        read: ReadUrl | None = None,
    ) -> None:
        """`say` tells the operator how it goes; `read` takes the place of the CDN. Raises SettingsError."""
        _check(options)
        self._conversation = conversation
        self._options = options
        self._token = token
        self._downloads = Downloads(options.cdn)
        self._read = read or self._downloads.read
        self.client = DiscordClient(conversation, options, self._read, say=say)
        conversation.attach("discord", self)

    @property
    def is_connected(self) -> bool:
        return self.client.is_connected

    async def run(self) -> None:
        with pointed_at(self._options):
            try:
                async with self.client:
                    await self.client.start(self._token.get_secret_value())
            except discord.LoginFailure as error:
                raise SettingsError(
                    key="DISCORD_TOKEN", reason=f"Discord does not know it; copy it again from {PORTAL}"
                ) from error
            except discord.PrivilegedIntentsRequired as error:
                raise SettingsError(
                    key="discord.message_content",
                    reason=f"allow the Message Content Intent at {PORTAL} (Bot), or set it to false",
                ) from error
            except (discord.HTTPException, discord.GatewayNotFound, aiohttp.ClientError, OSError) as error:
                raise ServiceUnavailableError(name="Discord", reason=type(error).__name__) from error
            finally:
                await self._downloads.close()

    def pause(self) -> None:
        self.client.pause()

    async def close(self, deadline_s: float) -> None:
        await self.client.in_flight.landed(deadline_s)
        await self.client.close()

    async def open(self, chat: ChatRef, reference: str) -> IncomingImage:
        del chat
        return await find_picture(self.client, reference, self._read)

    async def say(self, notice: Notice) -> None:
        chat = notice.chat
        to = Destination(channel_of(chat), None if chat.private else int(chat.space))
        texts = texts_of(self._conversation.language(chat))
        await self.client.sender.send(to, notice.reply, texts)

    def name_of(self, space: str) -> str:
        guild = self.client.get_guild(int(space)) if space.isdecimal() else None
        return guild.name if guild else ""


def _check(options: DiscordOptions) -> None:
    try:
        shard_ids_of(options)
    except ValueError as error:
        raise SettingsError(
            key="discord.shard_ids", reason="they must be less than discord.shards, the number of all"
        ) from error
    try:
        Downloads(options.cdn)
    except ValueError as error:
        raise SettingsError(key="discord.cdn", reason=f"{error}") from error
