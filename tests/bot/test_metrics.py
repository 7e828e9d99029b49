"""The figures of the chats, from a real conversation."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.chat import CommandName
from bot.metrics import ChatFigures
from tests.bot.conversing import Room

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Connection:
    platform = "discord"
    is_connected = False


async def test_what_became_of_what_was_said_is_counted(room: Room) -> None:
    connection, registry = Connection(), CollectorRegistry()
    registry.register(ChatFigures(room.conversation, [connection]))  # type: ignore[list-item]

    def figures() -> dict[tuple[str, ...], float]:
        text = generate_latest(registry).decode()
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    before = figures()
    await room.command(CommandName.HELP)
    await room.command(CommandName.CHARACTER, character="Nobody At All")
    connection.is_connected = True
    after = figures()

    def grown(*key: str) -> float:
        return after.get(key, 0) - before.get(key, 0)

    assert grown("dareda_chat_events_total", "command", "done", "discord") == 1
    assert grown("dareda_chat_events_total", "command", "character_not_found", "discord") == 1
    assert (before["dareda_chat_connected", "discord"], after["dareda_chat_connected", "discord"]) == (0, 1)
    assert after["dareda_chat_turns", "waiting"] == after["dareda_chat_turns", "working"] == 0
