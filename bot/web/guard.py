"""What keeps other sites out: under which names the console answers, whose requests, with which headers."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from bot.errors import ForeignRequestError

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""They change nothing, so a link from elsewhere may lead here."""

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self' data: blob:",
                "connect-src 'self'",
                "form-action 'self'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            )
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        # Not no-referrer: browsers would send "Origin: null" with our own forms.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
)


@dataclass(frozen=True, slots=True)
class Guard:
    """Tells our own requests from others'."""

    public_url: str
    """Where a reverse proxy makes the console reachable; empty where there is none."""
    asks_for_token: bool

    @property
    def secure(self) -> bool:
        """Whether browsers come over https, so that cookies need it."""
        return self.public_url.startswith("https:")

    def check(self, request: web.Request) -> None:
        """Raises ForeignRequestError."""
        host = request.headers.get(hdrs.HOST, "")
        if not self._answers_as(host):
            raise ForeignRequestError
        site = request.headers.get("Sec-Fetch-Site", "")
        if request.method in SAFE_METHODS:
            is_link = (
                request.headers.get("Sec-Fetch-Mode") == "navigate"
                and request.headers.get("Sec-Fetch-Dest", "document") == "document"
            )
            if site in ("cross-site", "same-site") and not is_link:
                raise ForeignRequestError
            return
        if site not in ("", "same-origin") or request.headers.getall(hdrs.ORIGIN, []) != [self._origin(host)]:
            raise ForeignRequestError

    def _answers_as(self, host: str) -> bool:
        """A page of another site can have its own name lead to this machine, and so pass for ours.

        Where there is no token, that must not help it: only names of this machine count.
        """
        return self.asks_for_token or is_loopback(_host_name(host)) or host == self._public_host

    def _origin(self, host: str) -> str:
        """Of our own pages under that name."""
        if self.public_url and host == self._public_host:
            parts = urlsplit(self.public_url)
            return f"{parts.scheme}://{parts.netloc}"
        return f"http://{host}"

    @property
    def _public_host(self) -> str:
        return urlsplit(self.public_url).netloc


def is_loopback(name: str) -> bool:
    """Whether that name or address is always this machine."""
    if name.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _host_name(host: str) -> str:
    """Without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
