"""How the bot gets its updates: long polling that really waits, or a webhook."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

from tests.telegram_server import schema
from tests.telegram_server.errors import mistaken
from tests.telegram_server.state import Json

_NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
"""Kinds that a bot gets only when it asks for them (getUpdates, `allowed_updates`)."""
_RETRY_S = (0.05, 0.1, 0.2, 0.5)
"""Between attempts to deliver; the last one goes on. Telegram takes longer, which no test waits for."""
_PATIENCE_S = 60.0
"""For an answer to a webhook request."""
_HANG_UP_S = 0.05
"""A bot that hung up before it asked again is noticed (and this poll cancelled) within this time."""
_WEBHOOK_ACTIVE = (
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
_TERMINATED = "terminated by other getUpdates request; make sure that only one bot instance is running"


@dataclass(slots=True)
class WebhookDelivery:
    """One request to the webhook and its end."""

    update_id: int
    status: int
    """0 where no answer came."""
    took_s: float


@dataclass(slots=True)
class _Webhook:
    url: str
    secret: str
    max_connections: int
    task: asyncio.Task[None] | None = None
    last_error: str = ""
    last_error_at: float = 0.0
    busy: set[int] = field(default_factory=set)


class Updates:
    """The queue of the bot. Updates wait until they are confirmed, or delivered with 200."""

    def __init__(self, errors: list[str]) -> None:
        self.deliveries: list[WebhookDelivery] = []
        self.emitted: list[Json] = []
        """Everything there ever was to tell."""
        self.proxies: dict[str, str] = {}
        """What a reverse proxy makes of public addresses: `https://bot.example.org` to a local one."""
        self._errors = errors
        self._pending: list[Json] = []
        self._next_id = random.Random(0).randrange(1 << 20, 1 << 30)
        self._allowed: frozenset[str] | None = None
        self._arrived = asyncio.Event()
        self._polls = 0
        self._webhook: _Webhook | None = None

    @property
    def pending_count(self) -> int:
        return len(self._pending)

    @property
    def webhook_url(self) -> str:
        return self._webhook.url if self._webhook else ""

    def emit(self, kind: str, payload: Json) -> None:
        """Queues an update, if the bot wants to hear of its kind."""
        allowed = self._allowed
        if kind in _NOT_BY_DEFAULT if allowed is None else kind not in allowed:
            return
        update = {"update_id": self._next_id, kind: payload}
        self._next_id += 1
        self._errors += [f"our own update is wrong: {one}" for one in schema.problems_of("Update", update)]
        self.emitted.append(update)
        self._pending.append(update)
        self._arrived.set()

    def repeat(self, update: Json) -> None:
        """Delivers an update once more, as when Telegram missed that a webhook took it.

        Pollers confirm by number, so to them it comes under another one, as after a restart of theirs.
        """
        if self._webhook is None:
            update = update | {"update_id": self._next_id}
            self._next_id += 1
        self._pending.append(update)
        self._arrived.set()

    def allow(self, kinds: Sequence[str] | None) -> None:
        """Takes `allowed_updates`; what is not given stays as it was, an empty list is the default."""
        if kinds is not None:
            self._allowed = frozenset(kinds) or None

    async def poll(self, offset: int, limit: int, timeout_s: float) -> list[Json]:
        """(getUpdates)

        Raises:
            Refusal: 409 while there is a webhook, or because another request for updates came.
        """
        if self._webhook is not None:
            raise mistaken(_WEBHOOK_ACTIVE, 409)
        self._polls += 1
        number = self._polls
        self._arrived.set()  # whoever polls already looks up and sees that there is another
        await asyncio.sleep(0)
        self._confirm(offset)
        ends = time.monotonic() + timeout_s
        while not self._pending and (left := ends - time.monotonic()) > 0:
            self._arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), left)
            if number != self._polls:
                await asyncio.sleep(_HANG_UP_S)
                raise mistaken(_TERMINATED, 409)
        return self._pending[:limit]

    def _confirm(self, offset: int) -> None:
        if offset > 0:
            self._pending = [one for one in self._pending if one["update_id"] >= offset]
        elif offset < 0:
            self._pending = self._pending[offset:]

    async def set_webhook(self, url: str, *, secret: str = "", max_connections: int = 40) -> None:
        await self.delete_webhook()
        self._webhook = webhook = _Webhook(url, secret, max_connections)
        webhook.task = asyncio.create_task(self._deliver(webhook), name="telegram webhook")

    async def delete_webhook(self, *, drop_pending: bool = False) -> None:
        webhook, self._webhook = self._webhook, None
        if webhook is not None and webhook.task is not None:
            webhook.task.cancel()
            await asyncio.gather(webhook.task, return_exceptions=True)
        if drop_pending:
            self._pending.clear()

    def webhook_info(self) -> Json:
        """(WebhookInfo)"""
        info: Json = {
            "url": self.webhook_url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._pending),
        }
        webhook = self._webhook
        if webhook is not None:
            info["max_connections"] = webhook.max_connections
            info["ip_address"] = "127.0.0.1"
            if webhook.last_error:
                info |= {
                    "last_error_date": int(webhook.last_error_at),
                    "last_error_message": webhook.last_error,
                }
        if self._allowed is not None:
            info["allowed_updates"] = sorted(self._allowed)
        return info

    async def _deliver(self, webhook: _Webhook) -> None:
        """Sends what is pending, up to `max_connections` at a time, each until it is taken."""
        timeout = aiohttp.ClientTimeout(_PATIENCE_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as sending:
            while True:
                self._arrived.clear()
                for update in list(self._pending):
                    if id(update) in webhook.busy or len(webhook.busy) >= webhook.max_connections:
                        continue
                    webhook.busy.add(id(update))
                    sending.create_task(self._deliver_one(webhook, session, update))
                await self._arrived.wait()

    async def _deliver_one(self, webhook: _Webhook, session: aiohttp.ClientSession, update: Json) -> None:
        attempt = 0
        while not await self._accepted(webhook, session, update):
            await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
            attempt += 1
        self._pending = [one for one in self._pending if one is not update]
        webhook.busy.discard(id(update))
        self._arrived.set()

    async def _accepted(self, webhook: _Webhook, session: aiohttp.ClientSession, update: Json) -> bool:
        headers = {"X-Telegram-Bot-Api-Secret-Token": webhook.secret} if webhook.secret else {}
        began, status = time.monotonic(), 0
        try:
            async with session.post(
                self._behind_proxy(webhook.url), json=update, headers=headers
            ) as response:
                status = response.status
                if (await response.read()).strip() not in (b"", b"ok"):
                    self._errors.append("webhook answers with a body are not supported here")
        except (aiohttp.ClientError, TimeoutError) as error:
            webhook.last_error = str(error) or type(error).__name__
        self.deliveries.append(WebhookDelivery(update["update_id"], status, time.monotonic() - began))
        if 200 <= status < 300:
            return True
        if status:
            webhook.last_error = f"Wrong response from the webhook: {status}"
        webhook.last_error_at = time.time()
        return False

    def _behind_proxy(self, url: str) -> str:
        for public, local in self.proxies.items():
            if url.startswith(public):
                return local + url.removeprefix(public)
        return url
