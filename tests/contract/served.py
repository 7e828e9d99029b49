"""A gallery behind a real inference server on loopback, for the tests that every gallery passes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
from aiohttp.test_utils import TestServer

from config.options import Options
from inference.domain import EmbeddingContract, Scope
from inference.gallery.base import EmbeddedFaces, Finding, Gallery, KeptGallery, Reembed
from inference.metrics import Metrics
from inference.remote_gallery import RemoteGallery
from inference.server.app import InferenceServer
from inference.servers import Servers

TOKEN = "a token that is long enough"


class OnlyAGallery:
    """A `FaceService` without models: only its gallery is asked."""

    learns = True

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery


class ServedGallery(RemoteGallery):
    """Asked and changed over HTTP; looked after where it is kept, as by an operator there."""

    def __init__(self, servers: Servers, kept: KeptGallery, address: str, stack: AsyncExitStack) -> None:
        super().__init__(servers)
        self._kept = kept
        self._address = address
        self._stack = stack

    async def close(self) -> None:
        await super().close()
        await self._stack.aclose()

    async def embedded_faces(self, scope: Scope, *, after: int = 0, limit: int = 4_096) -> EmbeddedFaces:
        return await self._kept.embedded_faces(scope, after=after, limit=limit)

    async def verify(self, *, repair: bool, reembed: Reembed | None = None) -> tuple[Finding, ...]:
        return await self._kept.verify(repair=repair, reembed=reembed)

    async def reindex(
        self, contract: EmbeddingContract, reembed: Reembed, *, batch: int = 64
    ) -> AsyncIterator[tuple[int, int]]:
        async for step in self._kept.reindex(contract, reembed, batch=batch):
            yield step
        self._servers = await _started(self._address, self._stack)

    async def drop_old(self) -> int:
        return await self._kept.drop_old()


async def serve_gallery(kept: KeptGallery) -> ServedGallery:
    """Closing it closes the kept one too."""
    from pydantic import SecretStr

    stack = AsyncExitStack()
    stack.push_async_callback(kept.close)
    server = InferenceServer(
        OnlyAGallery(kept),  # type: ignore[arg-type]
        Options(),
        token=SecretStr(TOKEN),
        metrics=Metrics(),
    )
    listening = await stack.enter_async_context(TestServer(server.app))
    address = str(listening.make_url("/")).rstrip("/")
    return ServedGallery(await _started(address, stack), kept, address, stack)


async def _started(address: str, stack: AsyncExitStack) -> Servers:
    session = await stack.enter_async_context(
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})
    )
    servers = Servers(session, [address], deadline_s=10)
    await servers.start(5)
    return servers
