"""The files that Dareda is deployed with, read as their tools read them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stage:
    """One `FROM` of the Dockerfile with what follows it."""

    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    """Instruction and arguments."""


def dockerfile_stages() -> dict[str, Stage]:
    """By name, in order; the last is what is built when no target is given."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#")).replace("\\\n", " ")
    stages: dict[str, Stage] = {}
    for line in filter(None, map(str.strip, lines.splitlines())):
        word, arguments = line.split(maxsplit=1)
        if word == "FROM":
            base, _, name = arguments.split()
            stages[name] = Stage(name, base)
        elif stages:
            next(reversed(stages.values())).steps.append((word, arguments))
    return stages


def inherited_steps(stages: dict[str, Stage], name: str) -> list[tuple[str, str]]:
    """All that makes a stage, from its first ancestor here on."""
    before = inherited_steps(stages, stages[name].base) if stages[name].base in stages else []
    return [*before, *stages[name].steps]


def last_argument(steps: list[tuple[str, str]], word: str) -> str:
    """Of the instruction that counts: its last."""
    return [arguments for found, arguments in steps if found == word][-1]


def compose(**variables: str) -> dict[str, Any]:
    """compose.yaml with these variables set, as Compose reads it."""

    def resolved(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: resolved(value) for key, value in node.items()}
        if isinstance(node, list):
            return [resolved(value) for value in node]
        if isinstance(node, str):
            return re.sub(
                r"\$\$|\$\{([A-Z_]+):-([^}]*)\}",
                lambda found: "$" if found[0] == "$$" else variables.get(found[1]) or found[2],
                node,
            )
        return node

    read: dict[str, Any] = resolved(yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8")))
    return read


def run_tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Of this environment or this machine; skips the test where it is not installed."""
    tool = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if tool is None:
        pytest.skip(f"{name} is not installed")
    return subprocess.run(
        [tool, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def exec_form(arguments: str) -> list[str]:
    """The words of an instruction that is written as JSON, without a shell."""
    words: list[str] = json.loads(arguments)
    return words
