"""Figures of the chats for Prometheus: connections, turns, and what became of what was said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.adapters.base import Adapter
from bot.conversation import Conversation


class ChatFigures(Collector):
    """Looked at when somebody asks, so that the chats need not know that they are counted."""

    def __init__(self, conversation: Conversation, adapters: Sequence[Adapter]) -> None:
        self._conversation = conversation
        self._adapters = adapters

    def collect(self) -> Iterable[Metric]:
        connected = GaugeMetricFamily(
            "dareda_chat_connected", "1 while the platform is connected", labels=["platform"]
        )
        for adapter in self._adapters:
            connected.add_metric([adapter.platform], float(adapter.is_connected))
        turns = GaugeMetricFamily("dareda_chat_turns", "Posts and commands in hand now", labels=["state"])
        turns.add_metric(["waiting"], self._conversation.waiting)
        turns.add_metric(["working"], self._conversation.working)
        events = CounterMetricFamily(
            "dareda_chat_events",
            "Posts, commands, presses and forms: done, unexpected or an error's code",
            labels=["platform", "kind", "outcome"],
        )
        for (platform, kind, outcome), count in sorted(self._conversation.outcomes.items()):
            events.add_metric([platform, kind, outcome], count)
        return [connected, turns, events]
