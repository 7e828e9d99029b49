"""Runs Dareda's commands in this process, as a user would type them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.cli import main


@dataclass
class CommandLine:
    """Commands against one data folder."""

    data_dir: Path
    capture: pytest.CaptureFixture[str]
    errors: str = field(default="", init=False)
    """The last command's stderr."""

    def run(self, *arguments: object, code: int | None = 0) -> str:
        """The command's stdout; fails unless it exits with `code`, where one is given."""
        self.capture.readouterr()
        try:
            got = main([*map(str, arguments), "--data-dir", str(self.data_dir)])
        except SystemExit as exit_:
            got = int(exit_.code or 0)
        captured = self.capture.readouterr()
        self.errors = captured.err
        assert code in (None, got), captured
        return captured.out

    def records(self, *arguments: object, code: int | None = 0) -> list[dict[str, Any]]:
        """The JSON lines that the command prints."""
        return [json.loads(line) for line in self.run(*arguments, "--json", code=code).splitlines()]


def without_timings(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records without what differs from run to run."""
    return [{key: value for key, value in record.items() if key != "timings_ms"} for record in records]
