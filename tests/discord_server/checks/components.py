"""Buttons and selects in messages (Component Reference)."""

from __future__ import annotations

from typing import Any

from tests.discord_server.checks.form import Form
from tests.discord_server.state import Json

ACTION_ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = 5, 6, 7, 8
SELECTS = {STRING_SELECT, USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT}

LINK_STYLE = 5
MOST_ROWS = 5  # (Component Reference, "Legacy Message Component Behavior")
MOST_BUTTONS = 5  # (Component Reference, "Action Row")
LONGEST_CUSTOM_ID = 100  # (Component Reference, "Custom ID")
MOST_OPTIONS = 25  # (Component Reference, "String Select Structure")


class CustomIds:
    """The ids of one message or modal: "multiple components must not share the same custom_id"."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def read(self, form: Form) -> None:
        """Checks the field `custom_id`, which must be there."""
        custom_id = form.text("custom_id", LONGEST_CUSTOM_ID, shortest=1, required=True)
        if custom_id in self._seen:
            form.fail(
                "custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
            )
        elif custom_id is not None:
            self._seen.add(custom_id)


def check_components(form: Form) -> None:
    """The field `components`: rows of buttons, or of one select each. Version 2 is not known here."""
    custom_ids = CustomIds()
    form.forms("components", MOST_ROWS, lambda row: _check_row(row, custom_ids), nullable=True)


def _check_row(row: Form, custom_ids: CustomIds) -> None:
    row.one_of("type", (ACTION_ROW,), required=True)
    row.integer("id", 0, 2**31 - 1)
    kinds = [child.get("type") for child in _objects(row.raw("components"))]
    row.forms(
        "components",
        MOST_BUTTONS,
        lambda child: (
            check_button(child, custom_ids)
            if child.raw("type") == BUTTON
            else check_select(child, custom_ids)
        ),
        fewest=1,
        required=True,
    )
    if len(kinds) > 1 and set(kinds) != {BUTTON}:
        row.fail("components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "A select fills its row")


def check_button(form: Form, custom_ids: CustomIds) -> None:
    """One button (Component Reference, "Button Structure")."""
    form.raw("type")
    form.integer("id", 0, 2**31 - 1)
    style = form.one_of("style", (1, 2, 3, 4, LINK_STYLE), required=True)
    form.text("label", 80)
    _check_emoji(form)
    form.boolean("disabled")
    if style == LINK_STYLE:
        form.text("url", 512, shortest=1, required=True)
        if form.raw("custom_id") is not None:
            form.fail(
                "custom_id", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "A link has no custom id"
            )
    else:
        custom_ids.read(form)
        if form.raw("url") is not None:
            form.fail("url", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", "Only links have a url")
    if not form.has("label") and not form.has("emoji"):
        form.fail(None, "BUTTON_COMPONENT_INVALID", "A button needs a label or an emoji")


def check_select(form: Form, custom_ids: CustomIds, *, in_modal: bool = False) -> None:
    """One select menu (Component Reference, "String Select Structure" and those after it)."""
    kind = form.one_of("type", SELECTS, required=True)
    form.integer("id", 0, 2**31 - 1)
    custom_ids.read(form)
    form.text("placeholder", 150)
    fewest = form.integer("min_values", 0, 25)
    most = form.integer("max_values", 1, 25)
    if (fewest if fewest is not None else 1) > (most if most is not None else 1):
        form.fail("min_values", "SELECT_COMPONENT_INVALID_RANGE", "min_values is above max_values")
    disabled = form.boolean("disabled")
    required = form.boolean("required")
    if in_modal and disabled:
        form.fail("disabled", "COMPONENT_DISABLED_IN_MODAL", "Modals have no disabled components")
    if in_modal and required is not False and fewest == 0:
        form.fail("min_values", "SELECT_COMPONENT_INVALID_RANGE", "A required select has at least one value")
    if kind == STRING_SELECT:
        _check_options(form)
        return
    form.forms("default_values", most or 1, _check_default_value)
    if kind == CHANNEL_SELECT:
        form.items("channel_types", 20)


def _check_options(form: Form) -> None:
    form.forms("options", MOST_OPTIONS, check_option, fewest=1, required=True)
    options = _objects(form.raw("options"))
    values = [option.get("value") for option in options]
    if len(set(map(str, values))) != len(values):
        form.fail(
            "options",
            "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
            "The specified option value is already used",
        )
    most = form.raw("max_values")
    if isinstance(most, int) and most > len(options):
        form.fail("max_values", "SELECT_COMPONENT_INVALID_RANGE", "max_values is above the number of options")
    if sum(option.get("default") is True for option in options) > (most if isinstance(most, int) else 1):
        form.fail("options", "SELECT_COMPONENT_TOO_MANY_DEFAULTS", "More defaults than max_values")


def check_option(form: Form) -> None:
    """One option (Component Reference, "Select Option Structure")."""
    form.text("label", 100, shortest=1, required=True)
    form.text("value", 100, shortest=1, required=True)
    form.text("description", 100)
    _check_emoji(form)
    form.boolean("default")


def _check_default_value(form: Form) -> None:
    form.snowflake("id", required=True)
    form.one_of("type", ("user", "role", "channel"), required=True)


def _objects(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _check_emoji(form: Form) -> None:
    def check(emoji: Form) -> None:
        emoji.snowflake("id", nullable=True)
        emoji.text("name", 32, shortest=1, required=True)
        emoji.boolean("animated")

    form.form("emoji", check)
