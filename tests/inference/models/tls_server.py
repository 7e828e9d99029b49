"""A real https server on this machine, with a certificate made for it."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate for localhost."""

    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)


def make_certificate(folder: Path) -> Certificate:
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", str(made.key), "-out", str(made.certificate), "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    return made


class PackServer:
    """Serves one archive in every way that a server can: well, cut short, redirected."""

    def __init__(self, archive: bytes) -> None:
        self.archive = archive
        self.address = ""
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        match request.path.strip("/").split("/"):
            case ["pack"]:
                return web.Response(body=self.archive)
            case ["unsized"]:
                return await self._stream(request, len(self.archive))
            case ["cut"]:
                response = await self._stream(request, len(self.archive) // 2, promised=len(self.archive))
                assert request.transport is not None
                request.transport.abort()
                return response
            case ["slow"]:
                response = await self._stream(request, len(self.archive) // 2, promised=len(self.archive))
                await asyncio.Event().wait()  # until the client is gone
                return response
            case ["hop", count] if int(count) > 0:
                raise web.HTTPFound(f"/hop/{int(count) - 1}")
            case ["hop", _]:
                raise web.HTTPTemporaryRedirect("/pack")
            case ["to-http"]:
                raise web.HTTPFound("http://localhost:1/pack")
            case ["status", status]:
                return web.Response(status=int(status))
        raise web.HTTPNotFound

    async def _stream(
        self, request: web.Request, count: int, promised: int | None = None
    ) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = promised
        await response.prepare(request)
        await response.write(self.archive[:count])
        return response


@asynccontextmanager
async def serve(archive: bytes, certificate: Certificate) -> AsyncIterator[PackServer]:
    server = PackServer(archive)
    application = web.Application()
    application.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate.server_context())
    await site.start()
    port = runner.addresses[0][1]
    server.address = f"https://localhost:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
