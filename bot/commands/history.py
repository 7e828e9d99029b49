"""`/undo` and `/history`: what was changed, by whom, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.chat import Command, Reply, Text
from bot.commands.given import number_argument
from bot.context import Asker, Given, Services
from bot.errors import TokenUnknownError
from bot.feedback import undo_button
from bot.remembered import Question
from bot.texts import Strong, Texts, join_texts
from inference.gallery.base import AuditEntry

_LINES = 15
_NOBODY = "–"
_LOOKED_BACK = 500
"""Changes among which the one that is undone is looked for, to say what it was."""


async def undo(services: Services, asker: Asker, command: Command) -> Reply:
    """Takes back the change of that number, or the last one. Raises CannotUndoError."""
    return await _undone(services, asker, [number_argument(command, "number")])


async def press_undo(services: Services, asker: Asker, parts: Sequence[str]) -> Reply:
    """The undo button of a change: its numbers, last to first. Raises CannotUndoError."""
    numbers = parts[0].split(".") if parts else []
    if not numbers or not all(number.isdecimal() for number in numbers):
        raise TokenUnknownError
    return await _undone(services, asker, list(map(int, numbers)))


async def undo_many(services: Services, asker: Asker, question: Question, given: Given) -> Reply:
    """The undo button of so many changes that their numbers had to be remembered."""
    del given
    entries = question.data["entries"]
    numbers = [int(str(entry)) for entry in entries] if isinstance(entries, list) else []
    return await _undone(services, asker, numbers)


async def history(services: Services, asker: Asker, command: Command) -> Reply:
    """The latest changes of this place, newest first."""
    del command
    asker.require_teacher()
    entries = await services.gallery.audit(asker.scope, limit=_LINES)
    if not entries:
        return Reply(asker.texts.say("history-empty"), private=True)
    lines = [
        asker.texts.say(
            "history-line",
            number=entry.id,
            at=entry.at,
            who=entry.actor or _NOBODY,
            change=describe(asker.texts, entry),
        )
        for entry in entries
    ]
    return Reply(join_texts([asker.texts.say("history-title"), *lines]), private=True)


def describe(texts: Texts, entry: AuditEntry) -> Text:  # noqa: PLR0911 - one line for each action
    """What was done, in a few words."""
    detail: dict[str, Any] = dict(entry.detail)
    name = Strong(str(detail.get("name") or "?"))
    samples = detail.get("samples", 0)
    count = len(samples) if isinstance(samples, list) else int(samples or 0)
    say = texts.say
    match entry.action:
        case "enroll":
            return say("history-enroll", name=name, count=count)
        case "rename":
            before = detail.get("before")
            old = str(before[0]) if isinstance(before, list) and before else "?"
            return say("history-rename", name=name, old=Strong(old))
        case "alias":
            return say("history-alias", name=name)
        case "merge":
            return say("history-merge", name=name, gone=Strong(str(detail.get("gone_name", "?"))))
        case "move":
            target = Strong(str(detail.get("target_name", "?")))
            return say("history-move", name=name, target=target, count=count)
        case "forget_character":
            return say("history-forget-character", name=name, count=count)
        case "forget_sample":
            return say("history-forget-sample", name=name)
        case "negative":
            return say("history-negative", name=name)
        case "undo" | "redo":
            return say("history-undo", number=int(detail.get("entry", 0)))
        case "forget_contributions":
            return say("history-forget-contributions", count=count)
        case "import":
            return say("history-import", count=count)
        case _:
            return say("history-other")


async def _undone(services: Services, asker: Asker, numbers: Sequence[int | None]) -> Reply:
    asker.require_teacher()
    before = {entry.id: entry for entry in await services.gallery.audit(asker.scope, limit=_LOOKED_BACK)}
    lines, ids = [], []
    for number in numbers:
        entry = await services.gallery.undo(asker.scope, number, actor=asker.signature)
        ids.append(entry.id)
        undone = before.get(int(str(entry.detail.get("entry", 0))), entry)
        lines.append(asker.texts.say("undone", change=describe(asker.texts, undone)))
    text = join_texts(lines)
    services.changed(asker, text, ids)
    return Reply(text, buttons=await undo_button(services, asker, ids), closes=True)
