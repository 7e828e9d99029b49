"""What `doctor` wants to know of Telegram."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr
from telegram.error import InvalidToken, TelegramError

from bot.adapters.telegram.adapter import make_bot
from config.options import TelegramOptions
from inference.errors import ServiceUnavailableError, SettingsError


@dataclass(frozen=True, slots=True)
class TelegramState:
    """The bot as @BotFather has set it up, and how it gets its updates."""

    username: str
    reads_all: bool
    """Whether it hears every message of groups (privacy mode off); otherwise only what is meant for it."""
    may_join_groups: bool
    has_inline_mode: bool
    webhook_url: str
    """Of the webhook that Telegram knows, without its secret end; empty where there is none."""
    waiting: int
    """Updates that nobody has taken yet."""
    last_webhook_error: str

    def consequences(self) -> tuple[str, ...]:
        """What follows from it, and what to do where that is not what one wants, in sentences."""
        found = [
            "Privacy mode is off: every picture in groups is seen."
            if self.reads_all
            else "Privacy mode is on: in groups only commands, mentions and replies to the bot are seen, so "
            "“all pictures” works only where the bot is an administrator. To change it: @BotFather, "
            "/setprivacy, Disable; then add the bot to its groups again."
        ]
        if not self.may_join_groups:
            found.append("It cannot be added to groups: @BotFather, /setjoingroups, Enable.")
        if not self.has_inline_mode:
            found.append("Names are not offered behind its name: @BotFather, /setinline.")
        if self.last_webhook_error:
            found.append(f"Telegram could not reach the webhook: {self.last_webhook_error}")
        return tuple(found)


async def check_telegram(options: TelegramOptions, token: SecretStr) -> TelegramState:
    """Asks Telegram. Raises SettingsError for a wrong token, ServiceUnavailableError."""
    bot = make_bot(options, token)
    try:
        async with bot:
            webhook = await bot.get_webhook_info()
            own = bot.bot
            return TelegramState(
                username=own.username or "",
                reads_all=bool(own.can_read_all_group_messages),
                may_join_groups=bool(own.can_join_groups),
                has_inline_mode=bool(own.supports_inline_queries),
                webhook_url=webhook.url.rpartition("/")[0],
                waiting=webhook.pending_update_count,
                last_webhook_error=webhook.last_error_message or "",
            )
    except InvalidToken:
        # Not chained: the library's message has the token in it.
        raise SettingsError(
            key="TELEGRAM_TOKEN", reason="Telegram does not know it; ask @BotFather for it again"
        ) from None
    except TelegramError as error:
        raise ServiceUnavailableError(name="Telegram", reason=type(error).__name__) from error
