"""What can be asked of an inference service: paths, arguments and results, taken from the protocols."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType, NoneType
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
from msgspec import Meta

from inference.domain import EmbeddingContract
from inference.gallery.base import Gallery
from inference.service import FaceService

WIRE_VERSION = 1
"""Raised when bots and services of different versions would misunderstand each other."""

TOKEN_HEADER = "Authorization"  # noqa: S105  # a name, not a token
REQUEST_ID_HEADER = "X-Request-ID"
SECONDS_LEFT_HEADER = "Dareda-Seconds-Left"
"""How long the answer is waited for; not a time of day, since clocks differ."""
SECONDS_LEFT_PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,6})?$"
CONTRACT_HEADER = "Dareda-Contract"
"""The contract that the asker believes in: embeddings of another one are refused."""
UNTOUCHED_HEADER = "Dareda-Untouched"
"""With a refusal: nothing was begun, so the same may be asked elsewhere."""
SAMPLES_HEADER = "Dareda-Samples"

ABOUT_PATH = "/v1/about"
EXPORT_PATH = "/v1/gallery/export"
IMPORT_PATH = "/v1/gallery/import"

_LARGEST = 2**53
_RULES: Mapping[str, Meta] = MappingProxyType(
    {
        "wait_s": Meta(ge=0, le=20),
        "scopes": Meta(max_length=1_000),
        "shared": Meta(max_length=1_000),
        "faces": Meta(max_length=1_000),
        "enroll_prepared.faces": Meta(min_length=1, max_length=1_000),
        "samples": Meta(min_length=1, max_length=1_000),
        "sample_ids": Meta(min_length=1, max_length=100_000),
        "aliases": Meta(max_length=10_000),
        "top": Meta(ge=0, le=10_000),
        "limit": Meta(ge=0, le=_LARGEST),
        "offset": Meta(ge=0, le=_LARGEST),
        "entry_id": Meta(ge=0, le=_LARGEST),
        "false_name_rate": Meta(ge=0, le=1),
    }
)
"""What arguments of these names (of one method, or of all) must keep besides their type."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of `FaceService` or of its gallery, as something that can be asked over HTTP, with POST."""

    path: str
    owner: type
    method: str
    harmless: bool
    """It changes nothing, so asking twice does no harm."""
    arguments: type[msgspec.Struct]
    result: Any
    summary: str

    @property
    def of_gallery(self) -> bool:
        return self.owner is Gallery

    @property
    def id(self) -> str:
        return f"{'gallery' if self.of_gallery else 'faces'}.{self.method.strip('_')}"


class About(msgspec.Struct, frozen=True):
    """Which service this is."""

    version: str
    """Of Dareda, for people; `wire` is what must agree."""
    wire: int
    contract: EmbeddingContract
    learns: bool
    read_only: bool
    """It answers questions only: another process writes to its gallery."""


@cache
def operations() -> Mapping[tuple[type, str], Operation]:
    """All of them, by owner and method."""
    faces = {
        "identify": ("/v1/identify", True),
        "enroll": ("/v1/enroll", False),
        "rehearse": ("/v1/rehearse", True),
        "enroll_prepared": ("/v1/enroll-prepared", False),
        "correct": ("/v1/correct", False),
        "preview_faces": ("/v1/faces/preview", True),
        "number_faces": ("/v1/faces/number", True),
        "cut_faces": ("/v1/faces/cut", True),
        "survey": ("/v1/survey", True),
        "map": ("/v1/map", True),
    }
    gallery = {
        "search": ("/v1/search", True),
        "characters": ("/v1/characters", True),
        "character": ("/v1/characters/find", True),
        "rename": ("/v1/characters/rename", False),
        "set_aliases": ("/v1/characters/aliases", False),
        "merge": ("/v1/characters/merge", False),
        "forget": ("/v1/characters/forget", False),
        "add_negative": ("/v1/characters/negative", False),
        "samples": ("/v1/samples", True),
        "crop": ("/v1/samples/crop", True),
        "find_duplicate": ("/v1/samples/duplicate", True),
        "enroll": ("/v1/samples/add", False),
        "move_samples": ("/v1/samples/move", False),
        "forget_sample": ("/v1/samples/forget", False),
        "audit": ("/v1/history", True),
        "undo": ("/v1/history/undo", False),
        "contributions": ("/v1/contributions", True),
        "forget_contributions": ("/v1/contributions/forget", False),
        "stats": ("/v1/gallery/stats", True),
    }
    found = [_operation(FaceService, method, *entry) for method, entry in faces.items()]
    found += [_operation(Gallery, method, *entry) for method, entry in gallery.items()]
    return MappingProxyType({(one.owner, one.method): one for one in found})


def _operation(owner: type, method: str, path: str, harmless: bool) -> Operation:
    function = getattr(owner, method)
    hints = get_type_hints(function)
    arguments: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self":
            continue
        kind = _ruled(hints[name], _RULES.get(f"{method}.{name}", _RULES.get(name)))
        arguments.append(
            (name, kind) if parameter.default is parameter.empty else (name, kind, parameter.default)
        )
    title = "".join(word.capitalize() for word in f"{owner.__name__}_{method}_arguments".split("_"))
    summary = (inspect.getdoc(function) or "").partition("\n")[0]
    return Operation(
        path,
        owner,
        method,
        harmless,
        msgspec.defstruct(title, arguments, kw_only=True, forbid_unknown_fields=True),
        hints["return"],
        summary,
    )


def _ruled(kind: Any, rule: Meta | None) -> Any:
    """The type with the rule; what may be None keeps it when it is not."""
    if rule is None:
        return kind
    if NoneType in get_args(kind):
        (other,) = (one for one in get_args(kind) if one is not NoneType)
        return Annotated[other, rule] | None
    return Annotated[kind, rule]
