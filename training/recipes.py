"""Training recipes: a TOML file read strictly into the options of one trainer."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from training.errors import RecipeError


class Recipe(BaseModel):
    """The base of every trainer's options: unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


AnyRecipe = TypeVar("AnyRecipe", bound=Recipe)


def load_recipe(path: Path, kind: type[AnyRecipe], overrides: Sequence[str] = ()) -> AnyRecipe:
    """The recipe in a TOML file, with `key=value` overrides (dotted keys, TOML values) applied.

    Raises RecipeError that names the key and what it accepts.
    """
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        for override in overrides:
            _merge(table, _parsed(override))
        return kind.model_validate(table)
    except ValidationError as error:
        found = "; ".join(
            f"{'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}" for entry in error.errors()[:5]
        )
        raise RecipeError(path, found) from error
    except (OSError, ValueError) as error:  # tomllib's and Unicode's errors are ValueErrors
        raise RecipeError(path, str(error)) from error


def _parsed(override: str) -> dict[str, Any]:
    """`a.b=1` as TOML; a value that is no TOML is a text."""
    key, separator, value = override.partition("=")
    if not separator:
        raise ValueError(f"{override!r} is not key=value")
    try:
        return tomllib.loads(f"{key} = {value}")
    except tomllib.TOMLDecodeError:
        return tomllib.loads(f"{key} = '''{value}'''")


def _merge(table: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            _merge(table[key], value)
        else:
            table[key] = value
