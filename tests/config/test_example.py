"""`config/example.toml` and the code say the same, in both directions."""

from __future__ import annotations

import itertools
import re
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from config import example
from config.example import option_comments, render_example
from config.options import Options
from config.settings import load_settings

EXAMPLE = Path(example.__file__).with_name("example.toml")


def uncommented() -> dict[str, Any]:
    """The example with the # taken off every line that sets something."""
    text = re.sub(r"^#(\w+ = )", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return tomllib.loads(text)


def defaults_of(options: object) -> dict[str, Any]:
    """The options as TOML would hold them, walked without the code that makes the example."""
    found: dict[str, Any] = {}
    for field in fields(options):  # type: ignore[arg-type]  # a dataclass, which mypy cannot see
        value = getattr(options, field.name)
        if is_dataclass(value):
            found[field.name] = defaults_of(value)
        elif isinstance(value, tuple):
            found[field.name] = list(value)
        else:
            found[field.name] = str(value) if isinstance(value, Path) else value
    return found


def test_the_example_lists_every_option_with_its_default_and_nothing_else() -> None:
    assert uncommented() == defaults_of(Options())


def test_the_example_is_what_the_code_makes() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == render_example(), (
        "make it anew: python -m config.example > config/example.toml"
    )


def test_the_example_copied_as_it_is_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "dareda.toml").write_bytes(EXAMPLE.read_bytes())

    settings = load_settings(environ={}, cwd=tmp_path)

    assert settings.options == Options()
    assert settings.sources == {}


def test_the_example_with_every_line_uncommented_loads_as_the_defaults(tmp_path: Path) -> None:
    text = re.sub(r"^#(\w+ = )", r"\1", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (tmp_path / "all.toml").write_text(text, encoding="utf-8")

    settings = load_settings(environ={}, config_file=tmp_path / "all.toml")

    assert settings.options == Options()
    assert len(settings.sources) == len(option_comments()) > 40


def test_the_example_says_something_about_every_option_and_where_tokens_belong() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()

    for before, line in itertools.pairwise(lines):
        if re.match(r"#\w+ = ", line):
            assert re.fullmatch(r"# \S.{8,} \(.+\)", before), f"{line} has no comment"
    assert any("DISCORD_TOKEN" in line and "environment" in line for line in lines)
    assert max(map(len, lines)) <= 140


def test_an_option_without_a_comment_is_named_when_the_example_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comments = option_comments()
    del comments["ImageLimits", "max_side"]
    monkeypatch.setattr(example, "option_comments", lambda: comments)

    with pytest.raises(LookupError, match=r"ImageLimits\.max_side has no comment"):
        render_example()
