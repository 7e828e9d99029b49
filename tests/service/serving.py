"""Inference servers in this process, on a loop and thread of their own, for clients that block theirs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from config.options import ModelOptions, Options
from inference.metrics import Metrics
from inference.observed import observe
from inference.server.serving import open_inference_server
from inference.service import open_face_service
from tests.inference.models.tiny_pack import make_pack

TOKEN = "a-token-that-is-long-enough"


def tiny_options(folder: Path) -> Options:
    """With a model pack that is quick and knows nothing, and a port that is free."""
    make_pack(folder / "models" / "tiny")
    options = Options(data_dir=folder, models=ModelOptions(pack="tiny"))
    return replace(options, service=replace(options.service, port=0, close_s=2.0))


@contextmanager
def served(options: Options) -> Iterator[str]:
    """The address of a whole service."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="inference server")
    thread.start()
    stack = AsyncExitStack()

    async def start() -> str:
        metrics = Metrics()
        core = await stack.enter_async_context(open_face_service(options))
        return await stack.enter_async_context(
            open_inference_server(observe(core, metrics), options, token=SecretStr(TOKEN), metrics=metrics)
        )

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
