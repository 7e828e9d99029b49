"""Tables that strangers wrote, converted strictly; a refusal names every key that is wrong.

msgspec converts them: with pydantic every start took a quarter of a second longer. It stops at the first
fault, so a table that it refuses is looked through part by part.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

T = TypeVar("T")
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z", description="it is no SHA-256")]

_MOST_FAULTS = 5
"""That are told."""


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table with these keys and no others.

    `__post_init__` may raise ValueError for what concerns several keys.
    """


def read_table(table: object, kind: type[T]) -> T:
    """What `tomllib` or `json` read, as that kind of table; blanks around texts mean nothing.

    Raises ValueError that names every key that is wrong, or the first few; RecursionError for deep nesting.
    """
    table = _stripped(table)
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        faults = _faults(table, kind, "")
        more = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        raise ValueError("; ".join(faults[:_MOST_FAULTS]) + more) from error


def _stripped(value: object) -> object:
    if isinstance(value, dict):
        return {key: _stripped(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_stripped(part) for part in value]
    return value.strip() if isinstance(value, str) else value


def _faults(value: object, kind: Any, key: str) -> list[str]:
    """What is wrong with the value's parts; if nothing is, what is wrong with it as a whole."""
    prefix = f"{key}." if key else ""
    faults = [
        fault
        for name, part, its_kind in _parts(value, kind)
        for fault in _faults(part, its_kind, prefix + name)
    ]
    if isinstance(value, dict) and _is_table(bare := _bare(kind)):
        needed = {field.encode_name: field.required for field in msgspec.structs.fields(bare)}
        missing = [name for name, required in needed.items() if required and name not in value]
        faults += [f"{prefix}{name} is missing" for name in missing]
        faults += [f"{prefix}{name} is not a known key" for name in value if name not in needed]
    if not faults:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            faults.append(f"{key or 'the table'}: {_in_words(kind) or error}")
    return faults


def _parts(value: object, kind: Any) -> Iterator[tuple[str, object, Any]]:
    """Name, value and kind of what it is made of, as far as that is there."""
    kind = _bare(kind)
    arguments = get_args(kind)
    if isinstance(value, dict) and _is_table(kind):
        for field in msgspec.structs.fields(kind):
            if field.encode_name in value:
                yield field.encode_name, value[field.encode_name], field.type
    elif isinstance(value, dict) and get_origin(kind) is dict:
        for name, part in value.items():
            yield name, name, arguments[0]
            yield name, part, arguments[1]
    elif isinstance(value, list) and get_origin(kind) is tuple:
        kinds = repeat(arguments[0]) if arguments[-1] is Ellipsis else arguments
        yield from ((str(number), *pair) for number, pair in enumerate(zip(value, kinds, strict=False)))


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _in_words(kind: Any) -> str | None:
    """What it wants, where that is said better than by msgspec."""
    if get_origin(kind) is Literal:
        return f"it is none of {', '.join(map(str, get_args(kind)))}"
    kinds = get_args(kind) if _is_union(kind) else [kind]
    notes = (note for one in kinds if get_origin(one) is Annotated for note in one.__metadata__)
    return next((note.description for note in notes if note.description), None)


def _bare(kind: Any) -> Any:
    """Without constraints, and without the None that it may be instead."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif _is_union(kind):
            (kind,) = (one for one in get_args(kind) if one is not NoneType)
        else:
            return kind


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)
