"""How the gateway compresses what it sends (Gateway, "Transport Compression")."""

from __future__ import annotations

import zlib
from importlib import import_module
from typing import Protocol


class Compressor(Protocol):
    """One context for the whole life of a connection; each result is one whole gateway message."""

    def compress(self, data: bytes) -> bytes: ...


class ZlibStream:
    """Ends every message with the flush suffix 00 00 ff ff, which the client waits for."""

    def __init__(self) -> None:
        self._context = zlib.compressobj()

    def compress(self, data: bytes) -> bytes:
        return self._context.compress(data) + self._context.flush(zlib.Z_SYNC_FLUSH)


class ZstdStream:
    """One frame that never ends; every message flushes a block of it. Clients with zstandard ask for it."""

    def __init__(self) -> None:
        zstandard = import_module("zstandard")
        self._context = zstandard.ZstdCompressor().compressobj()
        self._flush_block = zstandard.COMPRESSOBJ_FLUSH_BLOCK

    def compress(self, data: bytes) -> bytes:
        return bytes(self._context.compress(data) + self._context.flush(self._flush_block))


def compressor(name: str | None) -> Compressor | None:
    """What the client asked for in the address; None sends plain text.

    Raises:
        ValueError: there is no such compression.
    """
    match name:
        case None:
            return None
        case "zlib-stream":
            return ZlibStream()
        case "zstd-stream":
            return ZstdStream()
    raise ValueError(name)
