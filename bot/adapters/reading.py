"""Reads what a platform's file server sends, up to a limit."""

from __future__ import annotations

import aiohttp

from inference.errors import ImageTooLargeError

_CHUNK_BYTES = 65_536


async def read_limited(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, at most `limit` bytes: no more is held in memory. Raises ImageTooLargeError, ClientError."""
    if (response.content_length or 0) > limit:
        raise ImageTooLargeError(what="bytes", actual=response.content_length or 0, limit=limit)
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        data += chunk
        if len(data) > limit:
            raise ImageTooLargeError(what="bytes", actual=len(data), limit=limit)
    return bytes(data)
