"""The whole server: start it, furnish it, act as its people, wait for the bot, look at what happened."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from aiohttp import web

from tests.discord_server.cdn import Cdn
from tests.discord_server.clicking import Clicks
from tests.discord_server.clock import ServerClock, Snowflakes
from tests.discord_server.commanding import Commands
from tests.discord_server.furnishing import Furnishing
from tests.discord_server.gateway import Gateway
from tests.discord_server.people import People
from tests.discord_server.rest import RecordedRequest, Rest
from tests.discord_server.waits import Waits
from tests.discord_server.world import World

_LARGEST_REQUEST_BYTES = 128 * 1024 * 1024


class DiscordServer(Furnishing, People, Commands, Clicks, Waits):
    """Discord on a free port of this machine, from `async with` on.

    `errors` lists every request that no correct bot makes; the fixture finds it empty at the test's end.

        guild = discord_server.add_guild("club")
        channel = discord_server.add_channel(guild, "pictures")
        alice = discord_server.add_member(guild, "alice")
        message = discord_server.post_message(channel, alice, attachments=[Picture("a.png", data)])
        reply = await discord_server.reply_to(message)
        clicked = discord_server.click(reply, alice, label="Right")
        answer = await discord_server.answer(clicked)
    """

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.clock = ServerClock()
        self.cdn = Cdn(self.clock)
        self.world = World(self.clock, Snowflakes(self.clock), self.cdn)
        self.gateway = Gateway(self.world, self.errors)
        self.rest = Rest(self.world, self.gateway, self.errors)
        self.world.emit = self.gateway.emit
        self._runner: web.AppRunner | None = None

    @property
    def api_base(self) -> str:
        """The address of the REST interface, as `discord.http.Route.BASE` wants it."""
        return f"{self.cdn.base}/api/v10"

    @property
    def gateway_url(self) -> str:
        return f"{self.gateway.base}/gateway"

    @property
    def token(self) -> str:
        """The only token that is right."""
        return self.world.token

    def requests(self, route: str = "") -> list[RecordedRequest]:
        """All requests, or those whose route's name contains `route`."""
        return [record for record in self.rest.requests if route in record.route]

    def take_errors(self) -> list[str]:
        """The errors so far, which the test expected; from now on they are none."""
        taken = list(self.errors)
        self.errors.clear()
        return taken

    async def __aenter__(self) -> Self:
        application = web.Application(client_max_size=_LARGEST_REQUEST_BYTES)
        application.add_routes([*self.gateway.routes(), *self.cdn.routes(), *self.rest.routes()])
        self._runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = self._runner.addresses[0][1]
        self.cdn.base = f"http://127.0.0.1:{port}"
        self.gateway.base = f"ws://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._runner is not None
        await self.gateway.stop()
        await self._runner.cleanup()
