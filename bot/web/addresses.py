"""Addresses of the console's pages."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from inference.domain import Scope

_OWN = re.compile(r"/(?![/\\])[!-~]{0,2000}")


def gallery_path(scope: Scope, rest: str = "") -> str:
    """The address of a page about that gallery."""
    return f"/g/{quote(scope, safe=':')}{rest}"


def own_address(text: str, otherwise: str) -> str:
    """The text when it is the address of a page of ours, to go back to."""
    return text if _OWN.fullmatch(text) else otherwise


def with_query(address: str, **given: str) -> str:
    """The address with these behind its question mark instead of those of that name; empty ones go."""
    parts = urlsplit(address)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in given]
    query = urlencode([*kept, *((name, value) for name, value in given.items() if value)])
    return urlunsplit(parts._replace(query=query))
