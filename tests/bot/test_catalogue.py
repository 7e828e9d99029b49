from __future__ import annotations

import pytest

from bot.chat import CommandName
from bot.commands.catalogue import BY_NAME, CATALOGUE, arguments_in


@pytest.mark.parametrize(
    ("name", "text", "arguments"),
    [
        (
            CommandName.ENROLL,
            "Eru | Hyouka | える, L",
            {"name": "Eru", "series": "Hyouka", "aliases": "える, L"},
        ),
        (CommandName.ENROLL, "", {}),
        (CommandName.MERGE, "A|B|C", {"character": "A", "into": "B|C"}),
        (CommandName.CHARACTERS, " one | two ", {"search": "one | two"}),
        (CommandName.STATS, "whatever", {}),
        (CommandName.SPLIT, "A | 1 3 | | S", {"character": "A", "samples": "1 3", "series": "S"}),
    ],
)
def test_typed_arguments_are_read_in_the_order_of_the_parameters(
    name: CommandName, text: str, arguments: dict[str, str]
) -> None:
    assert arguments_in(BY_NAME[name], text) == arguments


def test_every_command_is_offered() -> None:
    assert [spec.name for spec in CATALOGUE] == list(CommandName)
