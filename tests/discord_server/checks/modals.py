"""Modals (Interactions, "Modal"; Component Reference, "Label", "Text Input", "File Upload")."""

from __future__ import annotations

from tests.discord_server.checks.components import (
    ACTION_ROW,
    SELECTS,
    TEXT_INPUT,
    CustomIds,
    check_select,
)
from tests.discord_server.checks.form import Form

TEXT_DISPLAY, LABEL, FILE_UPLOAD = 10, 18, 19

LONGEST_TITLE = 45
MOST_COMPONENTS = 5
LONGEST_INPUT = 4000


def check_modal(form: Form) -> None:
    """The data of a MODAL callback."""
    form.text("custom_id", 100, shortest=1, required=True)
    form.text("title", LONGEST_TITLE, shortest=1, required=True)
    custom_ids = CustomIds()
    form.forms(
        "components",
        MOST_COMPONENTS,
        lambda component: _check_component(component, custom_ids),
        fewest=1,
        required=True,
    )


def _check_component(form: Form, custom_ids: CustomIds) -> None:
    form.integer("id", 0, 2**31 - 1)
    kind = form.one_of("type", (ACTION_ROW, TEXT_DISPLAY, LABEL), required=True)
    if kind == ACTION_ROW:  # deprecated, but what older modals of discord.py send
        form.forms(
            "components", 1, lambda child: _check_text_input(child, custom_ids, labelled=False), fewest=1
        )
    elif kind == TEXT_DISPLAY:
        form.text("content", 4000, shortest=1, required=True)
    elif kind == LABEL:
        form.text("label", 45, shortest=1, required=True)
        form.text("description", 100)
        form.form("component", lambda child: _check_labelled(child, custom_ids), required=True)


def _check_labelled(form: Form, custom_ids: CustomIds) -> None:
    kind = form.one_of("type", {TEXT_INPUT, FILE_UPLOAD, *SELECTS}, required=True)
    if kind == TEXT_INPUT:
        _check_text_input(form, custom_ids, labelled=True)
    elif kind == FILE_UPLOAD:
        _check_file_upload(form, custom_ids)
    elif kind is not None:
        check_select(form, custom_ids, in_modal=True)


def _check_text_input(form: Form, custom_ids: CustomIds, *, labelled: bool) -> None:
    form.one_of("type", (TEXT_INPUT,), required=True)
    form.integer("id", 0, 2**31 - 1)
    custom_ids.read(form)
    form.one_of("style", (1, 2), required=True)
    # discord.py sends a null label from within a Label.
    form.text("label", 45, shortest=1, required=not labelled, nullable=labelled)
    fewest = form.integer("min_length", 0, LONGEST_INPUT) or 0
    most = form.integer("max_length", 1, LONGEST_INPUT) or LONGEST_INPUT
    if fewest > most:
        form.fail("min_length", "TEXT_INPUT_INVALID_RANGE", "min_length is above max_length")
    form.boolean("required")
    value = form.text("value", LONGEST_INPUT)
    if value is not None and len(value) > most:
        form.fail("value", "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
    form.text("placeholder", 100)


def _check_file_upload(form: Form, custom_ids: CustomIds) -> None:
    form.integer("id", 0, 2**31 - 1)
    custom_ids.read(form)
    fewest = form.integer("min_values", 0, 10)
    most = form.integer("max_values", 1, 10)
    form.boolean("required")
    if (fewest if fewest is not None else 1) > (most if most is not None else 1):
        form.fail("min_values", "FILE_UPLOAD_INVALID_RANGE", "min_values is above max_values")
