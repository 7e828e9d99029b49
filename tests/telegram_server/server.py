"""The whole server: start it, furnish it, act as its people, wait for the bot, look at what happened."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aiohttp import web

from tests.telegram_server.api import Api, RecordedRequest
from tests.telegram_server.clock import ServerClock
from tests.telegram_server.files import FileStore
from tests.telegram_server.furnishing import Furnishing
from tests.telegram_server.people import People
from tests.telegram_server.updates import Updates
from tests.telegram_server.waits import Waits
from tests.telegram_server.world import World

_LARGEST_REQUEST_BYTES = 256 * 1024 * 1024


class TelegramServer(Furnishing, People, Waits):
    """Telegram's Bot API on a free port of this machine, from `async with` on.

    `errors` lists every request that no correct bot makes; the fixture finds it empty at the test's end.

        alice = telegram_server.add_user("Alice")
        group = telegram_server.add_group("club", alice)
        message = telegram_server.post(group, alice, media=telegram_server.files.photo(data))
        reply = await telegram_server.reply_to(message)
        pressed = telegram_server.press(reply, alice, label="Right")
        await telegram_server.answered(pressed)
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.clock = ServerClock()
        self.world = World(self.clock)
        self.updates = Updates(self.errors)
        self.api = Api(self.world, self.updates, self.errors)
        self.world.emit = self.updates.emit
        self._runner: web.AppRunner | None = None
        self._address = ""

    @property
    def base_url(self) -> str:
        """What python-telegram-bot wants as `base_url`."""
        return f"{self._address}/bot"

    @property
    def base_file_url(self) -> str:
        return f"{self._address}/file/bot"

    @property
    def token(self) -> str:
        """The only token that is right."""
        return self.world.token

    @property
    def files(self) -> FileStore:
        """Makes the media that people post."""
        return self.world.files

    def requests(self, method: str = "") -> list[RecordedRequest]:
        """All requests, or those whose method's name contains `method`."""
        return [record for record in self.api.requests if method.lower() in record.method.lower()]

    def take_errors(self) -> list[str]:
        """The errors so far, which the test expected; from now on they are none."""
        taken = list(self.errors)
        self.errors.clear()
        return taken

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=_LARGEST_REQUEST_BYTES)
        application.add_routes(self.api.routes())
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handle_signals=False,
            handler_cancellation=True,
            shutdown_timeout=0.1,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        await self.updates.delete_webhook()
        await self._runner.cleanup()
