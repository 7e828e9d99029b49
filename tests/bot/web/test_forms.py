"""What is filled into a page, read from a real socket."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web

from bot.web.forms import Form, read_form
from inference.images import ImageLimits

BOUNDARY = b"----a-boundary-as-browsers-make-them"
HEAD = b'--%b\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n' % BOUNDARY
TAIL = b"\r\n--%b--\r\n" % BOUNDARY
READ_AT_ONCE = 64 * 1024


@pytest.mark.parametrize("at", [READ_AT_ONCE - 1, READ_AT_ONCE, READ_AT_ONCE + 1, READ_AT_ONCE + 20])
async def test_an_upload_is_read_whole_wherever_its_pieces_end(at: int) -> None:
    upload = os.urandom(3 * READ_AT_ONCE)
    forms: list[Form] = []

    async def receive(request: web.Request) -> web.Response:
        forms.append(await read_form(request, ImageLimits(), most_uploads=1))
        return web.Response()

    async def pieces() -> AsyncIterator[bytes]:
        yield HEAD + upload[:at]
        await asyncio.sleep(0.1)  # so that the first piece is read before the second comes
        yield upload[at:] + TAIL

    application = web.Application()
    application.router.add_post("/", receive)
    runner = web.AppRunner(application, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with (
            ClientSession() as session,
            session.post(address, data=pieces(), headers=headers) as answer,
        ):
            assert answer.status == 200
    finally:
        await runner.cleanup()

    (form,) = forms
    assert [(sent.name, sent.data) for sent in form.uploads] == [("a.png", upload)]
