"""Reads a JSON object field by field; what is wrong, missing or unknown becomes Discord's form errors."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from tests.discord_server.errors import INVALID_FORM, ApiError
from tests.discord_server.state import Json

_ABSENT = object()


class FormErrors:
    """The errors of one request, nested by field as Discord nests them (Reference, "Error Messages")."""

    def __init__(self) -> None:
        self._tree: Json = {}

    def add(self, path: tuple[str, ...], code: str, message: str) -> None:
        node = self._tree
        for part in path:
            node = node.setdefault(part, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def check(self) -> None:
        """Raises ApiError 50035 when there are errors."""
        if self._tree:
            raise ApiError(INVALID_FORM, self._tree)


class Form:
    """One object. Every reader returns the value, or None for absent, null and wrong ones.

    `finish` must be called last: fields that nobody read do not exist in Discord's documentation.
    """

    def __init__(self, value: Any, errors: FormErrors, path: tuple[str, ...] = ()) -> None:
        self._errors = errors
        self._path = path
        self._fields: Json = value if isinstance(value, dict) else {}
        self._read: set[str] = set()
        if not isinstance(value, dict):
            self.fail(None, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")

    def fail(self, name: str | None, code: str, message: str) -> None:
        """Notes an error at the field, or at the object itself."""
        self._errors.add(self._path if name is None else (*self._path, name), code, message)

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self._fields.get(name) is not None

    def raw(self, name: str) -> Any:
        """The field as it came, for checks of its own."""
        self._read.add(name)
        return self._fields.get(name)

    def text(
        self,
        name: str,
        longest: int,
        *,
        shortest: int = 0,
        required: bool = False,
        nullable: bool = False,
    ) -> str | None:
        value = self._value(name, required, nullable)
        if value is None:
            return None
        if not isinstance(value, str):
            self.fail(name, "STRING_TYPE_CONVERT", f"Could not interpret {value!r} as string.")
            return None
        if not shortest <= len(value) <= longest:
            self.fail(name, "BASE_TYPE_BAD_LENGTH", f"Must be between {shortest} and {longest} in length.")
            return None
        return value

    def integer(
        self,
        name: str,
        low: int,
        high: int,
        *,
        required: bool = False,
        nullable: bool = False,
    ) -> int | None:
        value = self._value(name, required, nullable)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.fail(name, "NUMBER_TYPE_COERCE", f"Value {value!r} is not int.")
            return None
        if not low <= value <= high:
            self.fail(name, "NUMBER_TYPE_MAX", f"int value should be between {low} and {high}.")
            return None
        return value

    def boolean(self, name: str, *, required: bool = False, nullable: bool = False) -> bool | None:
        value = self._value(name, required, nullable)
        if value is not None and not isinstance(value, bool):
            self.fail(name, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
            return None
        return value

    def one_of(self, name: str, allowed: Collection[Any], *, required: bool = False) -> Any:
        value = self._value(name, required, nullable=False)
        if value is not None and (isinstance(value, bool) or value not in allowed):
            self.fail(name, "BASE_TYPE_CHOICES", f"Value must be one of {sorted(allowed)}.")
            return None
        return value

    def snowflake(self, name: str, *, required: bool = False, nullable: bool = False) -> int | None:
        """An id as text or number, as Discord takes both (Reference, "Snowflakes")."""
        value = self._value(name, required, nullable)
        if value is None:
            return None
        return self._as_snowflake(value, name)

    def snowflakes(self, name: str, most: int, *, required: bool = False) -> list[int]:
        items = self.items(name, most, required=required)
        return [number for item in items if (number := self._as_snowflake(item, name)) is not None]

    def items(
        self,
        name: str,
        most: int,
        *,
        fewest: int = 0,
        required: bool = False,
        nullable: bool = False,
    ) -> list[Any]:
        """The list's items, unchecked; empty where it is absent or wrong."""
        value = self._value(name, required, nullable)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fail(name, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if not fewest <= len(value) <= most:
            self.fail(name, "BASE_TYPE_BAD_LENGTH", f"Must be between {fewest} and {most} in length.")
        return value

    def forms(
        self,
        name: str,
        most: int,
        check: Callable[[Form], None],
        *,
        fewest: int = 0,
        required: bool = False,
        nullable: bool = False,
    ) -> None:
        """Checks every object of a list, and that it has no unknown fields."""
        items = self.items(name, most, fewest=fewest, required=required, nullable=nullable)
        for number, item in enumerate(items):
            form = Form(item, self._errors, (*self._path, name, str(number)))
            check(form)
            form.finish()

    def form(self, name: str, check: Callable[[Form], None], *, required: bool = False) -> None:
        """Checks an object, and that it has no unknown fields."""
        value = self._value(name, required, nullable=False)
        if value is not None:
            form = Form(value, self._errors, (*self._path, name))
            check(form)
            form.finish()

    def finish(self) -> None:
        # Discord overlooks unknown fields; here they are mistakes.
        for name in sorted(set(self._fields) - self._read):
            self.fail(name, "UNKNOWN_FIELD", "This field does not exist here.")

    def _value(self, name: str, required: bool, nullable: bool) -> Any:
        self._read.add(name)
        value = self._fields.get(name, _ABSENT)
        if value is _ABSENT or (value is None and not nullable):
            if required or value is None:
                self.fail(name, "BASE_TYPE_REQUIRED", "This field is required")
            return None
        return value

    def _as_snowflake(self, value: Any, name: str) -> int | None:
        number = str(value)
        if isinstance(value, bool) or not number.isdecimal() or int(number) >= 1 << 63:
            self.fail(name, "NUMBER_TYPE_COERCE", f"Value {value!r} is not snowflake.")
            return None
        return int(number)
