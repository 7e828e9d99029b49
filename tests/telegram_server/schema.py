"""Which methods, parameters and fields there are, and their types.

From aiogram, whose types are generated from the documentation.
"""

from __future__ import annotations

import json
import types
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

import aiogram.methods
import aiogram.types
from aiogram.client.default import Default
from aiogram.methods.base import TelegramMethod
from pydantic import BaseModel, TypeAdapter, ValidationError

from tests.telegram_server.errors import mistaken
from tests.telegram_server.state import Json

_NOT_ON_THE_WIRE = (Default, datetime, timedelta, aiogram.types.InputFile, type(None))
"""What only Python callers of aiogram can give."""


def canonical_name(method: str) -> str | None:
    """The method's name as documented, found in any case; None when there is no such method."""
    return _names().get(method.lower())


def checked(method: str, given: dict[str, Any]) -> Json:
    """The parameters of a request as Python values.

    Text from forms is read as Telegram reads it: numbers, truth values and objects are JSON.

    Raises:
        Refusal: a parameter that does not exist, is missing or is of another type.
    """
    parameters = _parameters(method)
    if unknown := sorted(set(given) - set(parameters)):
        raise mistaken(f"{method} has no parameters {unknown}")
    if missing := sorted(name for name, one in parameters.items() if one.required and name not in given):
        raise mistaken(f"{method} needs the parameters {missing}")
    return {name: parameters[name].read(value) for name, value in given.items()}


def has_parameter(method: str, name: str) -> bool:
    return name in _parameters(method)


def result_problems(method: str, result: Any) -> list[str]:
    """What is wrong with the result of a method of ours."""
    return _problems(_model(method).__returning__, result, method)


def problems_of(kind: str, payload: Json) -> list[str]:
    """What is wrong with a payload of ours, for example an `Update`; empty when nothing is."""
    return _problems(getattr(aiogram.types, kind), payload, kind)


class _Parameter:
    def __init__(self, name: str, annotation: Any, *, required: bool) -> None:
        self.required = required
        self._name = name
        kinds = _kinds(annotation) or [str]  # what can only be uploaded is named as attached
        self._takes_text = str in kinds
        self._takes_number = int in kinds or float in kinds
        self._adapter: TypeAdapter[Any] = TypeAdapter(Union[tuple(kinds)])  # noqa: UP007

    def read(self, value: Any) -> Any:
        text = value if isinstance(value, str) else json.dumps(value)
        if isinstance(value, str) and self._takes_text and not (self._takes_number and _is_integer(value)):
            text = json.dumps(value)
        try:
            read = self._adapter.validate_json(text, strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, (self._name, *first["loc"])))
            raise mistaken(f"{where}: {first['msg']}, not {value!r:.200}") from None
        if unknown := _unknown_fields(read, self._name):
            raise mistaken(f"unknown fields: {unknown}")
        return json.loads(text)


@cache
def _names() -> dict[str, str]:
    found = (getattr(aiogram.methods, name) for name in aiogram.methods.__all__)
    methods = (
        one.__api_method__
        for one in found
        if isinstance(one, type) and issubclass(one, TelegramMethod) and one is not TelegramMethod
    )
    return {name.lower(): name for name in methods}


@cache
def _parameters(method: str) -> dict[str, _Parameter]:
    return {
        field.alias or name: _Parameter(name, field.annotation, required=field.is_required())
        for name, field in _model(method).model_fields.items()
    }


def _model(method: str) -> type[TelegramMethod[Any]]:
    model: type[TelegramMethod[Any]] = getattr(aiogram.methods, method[0].upper() + method[1:])
    return model


def _problems(kind: Any, value: Any, path: str) -> list[str]:
    try:
        read = _adapter(kind).validate_python(value)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return _unknown_fields(read, path)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _kinds(annotation: Any) -> list[Any]:
    """The members of a union that can come over the wire."""
    if get_origin(annotation) is Annotated:
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [kind for member in get_args(annotation) for kind in _kinds(member)]
    return [] if annotation in _NOT_ON_THE_WIRE else [annotation]


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdigit()


def _unknown_fields(value: Any, path: str) -> list[str]:
    if isinstance(value, BaseModel):
        extra = [f"{path}.{name}" for name in value.model_extra or {}]
        inside = ((f"{path}.{name}", getattr(value, name)) for name in value.model_fields_set)
        return extra + [one for where, below in inside for one in _unknown_fields(below, where)]
    if isinstance(value, list):
        return [one for index, below in enumerate(value) for one in _unknown_fields(below, f"{path}.{index}")]
    return []
