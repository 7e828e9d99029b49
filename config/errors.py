"""The error of settings that cannot be used."""

from __future__ import annotations

from typing import ClassVar


class SettingsError(Exception):
    """Start is refused until the operator changes `key`; `reason` says what is wrong with it, and where."""

    code: ClassVar[str] = "settings"

    def __init__(self, *, key: str, reason: str) -> None:
        self.key = key
        self.reason = reason
        super().__init__(f"The setting {key} is not usable: {reason}.")
