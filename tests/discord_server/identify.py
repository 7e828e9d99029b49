"""What a client says of itself when it opens a session, checked (Gateway Events, "Identify")."""

from __future__ import annotations

from typing import Any

from tests.discord_server.intents import KNOWN_INTENTS, PRIVILEGED_INTENTS, Intent
from tests.discord_server.sessions import Shard
from tests.discord_server.state import Json

DECODE_ERROR = 4002
AUTHENTICATION_FAILED = 4004
INVALID_SHARD = 4010
INVALID_INTENTS = 4013
DISALLOWED_INTENTS = 4014

_REQUIRED = {"token", "properties", "intents"}
_OPTIONAL = {"compress", "large_threshold", "shard", "presence"}


class GatewayCloseError(Exception):
    """The connection ends with this code (Opcodes and Status Codes, "Gateway Close Event Codes")."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code


def check_identify(data: Any, token: str, portal: Intent) -> tuple[Shard, Intent]:
    """The shard and the intents of a correct IDENTIFY.

    Raises:
        GatewayCloseError: with the documented code for what is wrong.
    """
    if not isinstance(data, dict):
        raise GatewayCloseError(DECODE_ERROR, "IDENTIFY without data")
    if missing := _REQUIRED - set(data):
        raise GatewayCloseError(DECODE_ERROR, f"IDENTIFY without {sorted(missing)}")
    if unknown := set(data) - _REQUIRED - _OPTIONAL:
        raise GatewayCloseError(DECODE_ERROR, f"IDENTIFY with {sorted(unknown)}")
    if data["token"] != token:
        raise GatewayCloseError(AUTHENTICATION_FAILED, "the token is wrong")
    _check_options(data)
    return _shard(data.get("shard", [0, 1])), _intents(data["intents"], portal)


def _check_options(data: Json) -> None:
    properties = data["properties"]
    if not isinstance(properties, dict) or set(properties) != {"os", "browser", "device"}:
        raise GatewayCloseError(DECODE_ERROR, f"IDENTIFY properties {properties!r}")
    # "Value between 50 and 250" (Gateway Events, "Identify Structure").
    if not 50 <= data.get("large_threshold", 50) <= 250:
        raise GatewayCloseError(DECODE_ERROR, f"large_threshold {data['large_threshold']!r}")
    if not isinstance(data.get("compress", False), bool):
        raise GatewayCloseError(DECODE_ERROR, "compress is no boolean")


def _shard(value: Any) -> Shard:
    match value:
        case [int(number), int(count)] if 0 <= number < count:
            return Shard(number, count)
    raise GatewayCloseError(INVALID_SHARD, f"shard {value!r}")


def _intents(value: Any, portal: Intent) -> Intent:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0 or value & ~int(KNOWN_INTENTS):
        raise GatewayCloseError(INVALID_INTENTS, f"intents {value!r}")
    intents = Intent(value)
    if disallowed := intents & PRIVILEGED_INTENTS & ~portal:
        raise GatewayCloseError(DISALLOWED_INTENTS, f"intents {disallowed!r}")
    return intents
