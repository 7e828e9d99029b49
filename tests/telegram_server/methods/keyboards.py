"""Keyboards as bots send them."""

from __future__ import annotations

from tests.telegram_server.errors import mistaken
from tests.telegram_server.state import Chat, ChatKind, Json

_MOST_BUTTONS = 100
_MOST_IN_ROW = 8
_MOST_DATA_BYTES = 64
_ACTIONS = ("callback_data", "url", "switch_inline_query", "switch_inline_query_current_chat", "copy_text")


def checked_markup(markup: Json | None, chat: Chat, *, inline_only: bool = False) -> Json | None:
    """The markup, as it is kept; None for an empty keyboard.

    Raises:
        Refusal: what Telegram refuses, or shows in no client.
    """
    if markup is None:
        return None
    if "inline_keyboard" not in markup:
        if inline_only:
            raise mistaken("inline keyboard expected")
        if chat.kind is ChatKind.CHANNEL:
            raise mistaken("only inline keyboards are allowed in channels")
        return markup
    rows = markup["inline_keyboard"]
    if sum(map(len, rows)) > _MOST_BUTTONS or any(len(row) > _MOST_IN_ROW for row in rows):
        raise mistaken("REPLY_MARKUP_TOO_LONG")
    for row in rows:
        if not row:
            raise mistaken("an empty row of buttons")
        for button in row:
            _check_button(button)
    return markup if rows else None


def _check_button(button: Json) -> None:
    if not button["text"].strip():
        raise mistaken("inline keyboard button text must be non-empty")
    actions = [name for name in _ACTIONS if name in button]
    if len(actions) != 1 or set(button) - {"text", "style", *_ACTIONS}:
        raise mistaken(f"a button does exactly one thing, and one that this server knows: {button}")
    if actions == ["callback_data"] and not 1 <= len(button["callback_data"].encode()) <= _MOST_DATA_BYTES:
        raise mistaken("BUTTON_DATA_INVALID")
    if button.get("style") not in (None, "danger", "success", "primary"):
        raise mistaken("BUTTON_STYLE_INVALID")
