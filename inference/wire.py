"""Values and errors as bytes and back: the one codec of both sides of the inference service.

The same types travel as MessagePack (between Dareda and itself: pictures are bytes) and as JSON (for
everybody else: pictures are base64). What comes in is checked here, so that nobody checks it later.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, get_origin

import msgspec
import numpy as np
from msgspec import Meta

from inference.annotate import AnnotateWords
from inference.domain import FaceAt, FaceBox, FaceCrop
from inference.enroll import EnrollRequest
from inference.errors import AppError, RequestInvalidError
from inference.gallery.base import NewSample

MSGPACK = "application/msgpack"
JSON = "application/json"

_FAR = 1_000_000
"""No picture has a pixel out there."""
_RULES: Mapping[tuple[type, str], Meta] = MappingProxyType(
    {
        **{(FaceBox, name): Meta(ge=-_FAR, le=_FAR) for name in ("x1", "y1", "x2", "y2")},
        (FaceAt, "frame"): Meta(ge=0, le=_FAR),
        (EnrollRequest, "face"): Meta(ge=1, le=_FAR),
        (NewSample, "perceptual_hash"): Meta(ge=0, le=2**64 - 1),
        (NewSample, "content_hash"): Meta(max_length=200),
        (FaceCrop, "data"): Meta(max_length=4 * 1024 * 1024),
        (AnnotateWords, "unknown"): Meta(max_length=100),
        (AnnotateWords, "doubt"): Meta(max_length=20),
    }
)
"""What values that come in must keep besides their type."""


class ErrorAnswer(msgspec.Struct, frozen=True):
    """An `AppError` on its way; also the body of every answer that is not 2xx."""

    code: str
    kind: str
    """Its class."""
    message: str
    """In English; who wants another language has `code` and `data`."""
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    request_id: str = ""


# ── bytes ───────────────────────────────────────────────────────────────────────────────────────


def encode(value: object, media_type: str = MSGPACK) -> bytes:
    """The value's bytes; numbers, vectors and pictures come back bit by bit."""
    return _json_encoder().encode(value) if media_type == JSON else _msgpack_encoder().encode(value)


def decode(data: bytes, kind: Any, media_type: str = MSGPACK) -> Any:
    """The value of that type. Raises RequestInvalidError where it is not one, or breaks a rule."""
    decoder = _json_decoder(kind) if media_type == JSON else _msgpack_decoder(kind)
    try:
        value = decoder.decode(data)
        _check(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestInvalidError(reason=str(error) or type(error).__name__) from None
    return value


def schemas(kinds: Sequence[Any]) -> tuple[tuple[Mapping[str, Any], ...], dict[str, Any]]:
    """JSON Schemas of the types as JSON has them, and the components that they refer to."""
    own, components = msgspec.json.schema_components(
        kinds, schema_hook=_schema_of, ref_template="#/components/schemas/{name}"
    )
    for (owner, name), rule in _RULES.items():
        if owner.__name__ in components:
            _restrict(components[owner.__name__]["properties"][name], rule)
    return own, components


@cache
def _msgpack_encoder() -> msgspec.msgpack.Encoder:
    return msgspec.msgpack.Encoder(enc_hook=_as_plain)


@cache
def _json_encoder() -> msgspec.json.Encoder:
    return msgspec.json.Encoder(enc_hook=_as_plain)


@cache
def _msgpack_decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind, dec_hook=_from_plain)


@cache
def _json_decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=_from_plain)


# ── vectors, and errors that are part of an answer ──────────────────────────────────────────────

_UNIT_TOLERANCE = 1e-3


def _as_plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        rows = np.ascontiguousarray(value, dtype="<f4")
        return {"shape": list(rows.shape), "float32": rows.tobytes()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, AppError):
        return as_answer(value)
    raise TypeError(f"{type(value).__name__} does not travel")


def _from_plain(kind: Any, plain: Any) -> object:
    if kind is object:
        return plain
    if get_origin(kind) is np.ndarray:
        return _vectors(plain)
    if isinstance(kind, type) and issubclass(kind, AppError):
        error = as_error(msgspec.convert(plain, ErrorAnswer))
        if isinstance(error, kind):
            return error
    raise ValueError(f"no {kind} comes out of this")


def _vectors(plain: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Unit vectors, unchanged; scaling them to unit length once more would change their last bits."""
    if not isinstance(plain, dict) or plain.keys() != {"shape", "float32"}:
        raise ValueError("a vector has a shape and float32")
    shape, raw = msgspec.convert(plain["shape"], list[int]), plain["float32"]
    if isinstance(raw, str):
        try:
            raw = base64.b64decode(raw, validate=True)
        except binascii.Error as error:
            raise ValueError("float32 is not base64") from error
    if not isinstance(raw, bytes) or len(shape) not in (1, 2) or min(shape) < 0:
        raise ValueError("a vector has one or two dimensions")
    count = 1
    for length in shape:
        count *= length
    if count * 4 != len(raw):
        raise ValueError("float32 is not as long as its shape")
    rows = np.frombuffer(raw, dtype="<f4").astype(np.float32).reshape(shape)
    with np.errstate(over="ignore", invalid="ignore"):
        off = np.abs(np.linalg.norm(rows.astype(np.float64), axis=-1) - 1.0)
    if not np.all(off < _UNIT_TOLERANCE):
        raise ValueError("an embedding is no unit vector")
    return rows


def _schema_of(kind: Any) -> dict[str, Any]:
    if kind is np.ndarray:
        return {
            "type": "object",
            "description": "unit vectors: float32, little-endian, row by row",
            "properties": {
                "shape": {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 0},
                    "minItems": 1,
                    "maxItems": 2,
                },
                "float32": {"type": "string", "contentEncoding": "base64"},
            },
            "required": ["shape", "float32"],
            "additionalProperties": False,
        }
    if kind is object:
        return {"description": "any value"}
    if isinstance(kind, type) and issubclass(kind, AppError):
        return {"$ref": f"#/components/schemas/{ErrorAnswer.__name__}"}
    raise NotImplementedError(kind)


# ── errors ──────────────────────────────────────────────────────────────────────────────────────


def as_answer(error: AppError, request_id: str = "") -> ErrorAnswer:
    """The error with all that its sentence is made of."""
    return ErrorAnswer(error.code, type(error).__name__, str(error), dict(error.data), request_id)


def as_error(answer: ErrorAnswer) -> AppError | None:
    """The same error again; None when this version does not know it."""
    kind = _kinds_of(AppError).get(answer.kind)
    if kind is None or kind.code != answer.code:
        return None
    error = kind.__new__(kind)
    data = {name: tuple(value) if isinstance(value, list) else value for name, value in answer.data.items()}
    try:
        AppError.__init__(error, **data)
    except (LookupError, TypeError, ValueError):  # its sentence needs something else by now
        return None
    return error


def _kinds_of(kind: type[AppError]) -> dict[str, type[AppError]]:
    found = {kind.__name__: kind}
    for narrower in kind.__subclasses__():
        found |= _kinds_of(narrower)
    return found


# ── rules ───────────────────────────────────────────────────────────────────────────────────────


def _check(value: object) -> None:
    """Raises ValidationError where a value inside breaks a rule."""
    if isinstance(value, list | tuple):
        for item in value:
            _check(item)
    elif is_dataclass(value) or isinstance(value, msgspec.Struct):
        names = value.__struct_fields__ if isinstance(value, msgspec.Struct) else _names(value.__class__)
        for name in names:
            inner = getattr(value, name)
            if (rule := _RULES.get((type(value), name))) and inner is not None:
                _require(name, inner, rule)
            _check(inner)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _require(name: str, value: Any, rule: Meta) -> None:
    checks: tuple[tuple[Any, Callable[[Any], bool]], ...] = (
        (rule.ge, lambda least: bool(value >= least)),
        (rule.le, lambda most: bool(value <= most)),
        (rule.max_length, lambda most: len(value) <= most),
    )
    for limit, keeps in checks:
        if limit is not None and not keeps(limit):
            raise msgspec.ValidationError(f"{name} is out of range (the limit is {limit:,})")


def _restrict(schema: dict[str, Any], rule: Meta) -> None:
    """Say the rule in the schema of a property, or in that of each alternative that has a type for it."""
    for alternative in schema.get("anyOf", [schema]):
        if alternative.get("type") in ("integer", "number"):
            alternative |= {"minimum": rule.ge, "maximum": rule.le}
        elif alternative.get("contentEncoding") == "base64":
            alternative["maxLength"] = (rule.max_length or 0) * 4 // 3
        elif alternative.get("type") == "string":
            alternative["maxLength"] = rule.max_length
