"""What people do with buttons, selects and modals, as far as Discord's own client lets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.discord_server.checks.components import ACTION_ROW, BUTTON, LINK_STYLE, STRING_SELECT, TEXT_INPUT
from tests.discord_server.checks.modals import FILE_UPLOAD, LABEL
from tests.discord_server.interactions import Interaction, InteractionKind
from tests.discord_server.invoking import Resolved, invoke
from tests.discord_server.people import check_may
from tests.discord_server.state import Json, Member, Message, User
from tests.discord_server.world import World


class Clicks:
    """Components of messages and modals. What the client would not allow is an AssertionError."""

    world: World

    def click(
        self,
        message: Message,
        author: Member | User,
        custom_id: str | None = None,
        *,
        label: str | None = None,
    ) -> Interaction:
        """Presses the button with this id or this label."""
        button = message.component(custom_id=custom_id, label=label)
        assert button["type"] == BUTTON and button["style"] != LINK_STYLE, f"{button} cannot be clicked"
        return self._act(message, author, button, {})

    def select(
        self,
        message: Message,
        author: Member | User,
        values: Sequence[Any],
        custom_id: str | None = None,
    ) -> Interaction:
        """Chooses in the select with this id, or the only one: options' values, or members or roles."""
        selects = [part for row in message.components for part in row["components"] if part["type"] != BUTTON]
        fitting = [part for part in selects if custom_id in (None, part["custom_id"])]
        assert len(fitting) == 1, f"{len(fitting)} selects fit {custom_id!r}"
        resolved = Resolved(self.world, message.channel, author)
        data = {"values": _chosen(fitting[0], values, resolved)} | resolved.field()
        return self._act(message, author, fitting[0], data)

    def submit_modal(self, opened_by: Interaction, values: Mapping[str, Any]) -> Interaction:
        """Sends off the modal that the bot opened; `values` by custom id or by label."""
        modal = opened_by.modal
        assert modal is not None, "the bot opened no modal"
        inputs = dict(_inputs(modal["components"]))
        known = {name for key in inputs for name in key if name}
        assert set(values) <= known, f"{set(values) - known} are not in the modal: {known}"
        author = opened_by.member or opened_by.user
        resolved = Resolved(self.world, opened_by.channel, author)
        filled = {}
        for names, component in inputs.items():
            given = [values[name] for name in names if name and name in values]
            filled[component["custom_id"]] = _filled(component, given[0] if given else None, resolved)
        data: Json = {
            "custom_id": modal["custom_id"],
            "components": [_submitted(component, filled) for component in modal["components"]],
        }
        return invoke(
            self.world,
            InteractionKind.MODAL_SUBMIT,
            opened_by.channel,
            author,
            data | resolved.field(),
            message=opened_by.message,
        )

    def _act(self, message: Message, author: Member | User, component: Json, data: Json) -> Interaction:
        user = check_may(message.channel, author)
        assert not message.deleted, "the message is gone"
        assert message.shown_to in (None, user), f"{user.name} does not see the message"
        assert not component.get("disabled"), f"{component} is disabled"
        about = {"custom_id": component["custom_id"], "component_type": component["type"]}
        data = about | {"id": component["id"]} | data
        return invoke(self.world, InteractionKind.COMPONENT, message.channel, author, data, message=message)


def _chosen(select: Json, values: Sequence[Any], resolved: Resolved) -> list[str]:
    fewest, most = select.get("min_values", 1), select.get("max_values", 1)
    assert fewest <= len(values) <= most, f"{len(values)} values, between {fewest} and {most} are allowed"
    if select["type"] != STRING_SELECT:
        return resolved.add_all(values)
    known = [option["value"] for option in select["options"]]
    assert set(values) <= set(known), f"{set(values) - set(known)} are not among {known}"
    return list(values)


def _inputs(components: Sequence[Json]) -> Iterator[tuple[tuple[str, str | None], Json]]:
    """Everything that can be filled in, by its custom id and its label."""
    for component in components:
        if component["type"] == LABEL:
            yield (component["component"]["custom_id"], component["label"]), component["component"]
        elif component["type"] == ACTION_ROW:
            for child in component["components"]:
                yield (child["custom_id"], child["label"]), child


def _filled(component: Json, value: Any, resolved: Resolved) -> Json:
    """What the component tells of what was put into it."""
    about: Json = {"type": component["type"], "custom_id": component["custom_id"], "id": 0}
    required = component.get("required", True)
    if component["type"] == TEXT_INPUT:
        text = value if value is not None else component.get("value", "")
        longest = component.get("max_length", 4000)
        fits = len(text) <= longest and (len(text) >= component.get("min_length", 0) or not text)
        assert fits and (text or not required), f"{text!r} does not fit {component}"
        return about | {"value": text}
    if not value and not required:
        return about | {"values": []}
    if component["type"] == FILE_UPLOAD:
        fewest, most = component.get("min_values", 1), component.get("max_values", 1)
        assert fewest <= len(value) <= most, f"{len(value)} files, between {fewest} and {most} are allowed"
        return about | {"values": resolved.add_all(value)}
    return about | {"values": _chosen(component, value or [], resolved)}


def _submitted(component: Json, filled: Mapping[str, Json]) -> Json:
    about: Json = {"type": component["type"], "id": component.get("id", 0)}
    if component["type"] == LABEL:
        return about | {"component": filled[component["component"]["custom_id"]]}
    if component["type"] == ACTION_ROW:
        return about | {"components": [filled[child["custom_id"]] for child in component["components"]]}
    return about
