"""Fetches a file over https; the only `import aiohttp` of the model packs."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import aiohttp

from inference.errors import ModelFileError, ServiceUnavailableError

_MAX_REDIRECTS = 5
_CHUNK = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ADDRESS_FIX = "Check the address."


class Progress(Protocol):
    """Told how many bytes are done, and of how many when that is known."""

    def __call__(self, done: int, total: int | None = None) -> None: ...


async def download(
    address: str,
    target: Path,
    *,
    sha256: str,
    max_bytes: int,
    progress: Progress | None = None,
    tls: ssl.SSLContext | None = None,
    patience_s: float = 60.0,
) -> None:
    """Stream an https address into the new file `target`; redirects are followed to https only.

    Raises ModelFileError (another digest, too large, no https, not there) or ServiceUnavailableError (no
    connection, or one that was cut or silent for `patience_s`). What was written until then is left.
    """
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=patience_s, sock_read=patience_s)
    connector = aiohttp.TCPConnector(ssl=tls if tls is not None else True)
    headers = {"Accept-Encoding": "identity"}  # the digest is that of the bytes as they are stored
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers=headers, auto_decompress=False
    ) as session:
        try:
            response = await _follow(session, address)
            async with response:
                digest = await _save(response, target, address, max_bytes, progress)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServiceUnavailableError(
                name=urlsplit(address).netloc, reason=str(error).strip() or type(error).__name__
            ) from error
    if digest != sha256.lower():
        raise ModelFileError(
            path=address,
            reason=f"its sha256 is {digest}, not {sha256.lower()}",
            fix="Do not use it: get the digest from whoever made the pack, and the right address.",
        )


async def _follow(session: aiohttp.ClientSession, address: str) -> aiohttp.ClientResponse:
    """The open response at the end of the redirects."""
    here = address
    for _ in range(_MAX_REDIRECTS + 1):
        if urlsplit(here).scheme.lower() != "https":
            raise ModelFileError(
                path=address,
                reason=f"it leads to {here[:200]}, which is not https",
                fix="Use an https address, or download the file yourself and install it from the disk.",
            )
        response = await session.get(here, allow_redirects=False)
        if response.status == 200:
            return response
        location = response.headers.get("Location")
        response.close()
        if response.status in _REDIRECTS and location:
            here = urljoin(here, location)
        elif response.status >= 500 or response.status == 429:
            raise ServiceUnavailableError(
                name=urlsplit(here).netloc, reason=f"it answered with status {response.status}"
            )
        else:
            raise ModelFileError(
                path=address, reason=f"the server answered with status {response.status}", fix=_ADDRESS_FIX
            )
    raise ModelFileError(
        path=address, reason=f"it redirects more than {_MAX_REDIRECTS} times", fix=_ADDRESS_FIX
    )


async def _save(
    response: aiohttp.ClientResponse, target: Path, address: str, max_bytes: int, progress: Progress | None
) -> str:
    """The sha256 of what was written."""
    total = response.content_length
    too_large = ModelFileError(
        path=address,
        reason=f"it is larger than {max_bytes:,} bytes",
        fix="Download the file yourself and install it from the disk if you trust it.",
    )
    if total is not None and total > max_bytes:
        raise too_large
    digest = hashlib.sha256()
    done = 0
    with target.open("xb") as file:
        async for chunk in response.content.iter_chunked(_CHUNK):
            done += len(chunk)
            if done > max_bytes:
                raise too_large
            digest.update(chunk)  # a quarter of a megabyte takes less than a millisecond
            file.write(chunk)
            if progress is not None:
                progress(done, total)
    return digest.hexdigest()
