"""Whether a change can still be taken back, and what that takes."""

from __future__ import annotations

from collections.abc import Sequence

from inference.domain import CharacterId, SampleId, Scope
from inference.errors import CannotUndoError
from inference.gallery.base import AuditEntry
from inference.gallery.delta import Delta, Naming
from inference.gallery.records import Records

UNDOABLE = frozenset(
    {
        "enroll",
        "rename",
        "alias",
        "merge",
        "move",
        "forget_character",
        "forget_sample",
        "negative",
        "undo",
        "redo",
    }
)
"""The actions that can be taken back for a while."""


def what_to_undo(store: Records, scope: Scope, entry_id: int | None) -> tuple[AuditEntry, Delta]:
    """That entry of the audit log, or the last that is in effect; and the change that takes it back.

    Raises CannotUndoError. A name that somebody else has now shows only when it is given back.
    """
    log = store.log
    entry = log.last_change(scope) if entry_id is None else log.entry(scope, entry_id)
    if entry is None:
        raise CannotUndoError(reason="nothing" if entry_id is None else "unknown")
    delta = log.delta(entry.id)
    if entry.action not in UNDOABLE:
        raise CannotUndoError(reason="kind")
    if entry.undone_by is not None:
        raise CannotUndoError(reason="done")
    if delta is None:
        raise CannotUndoError(reason="for_good" if entry.detail.get("for_good") else "final")
    back = delta.reversed()
    _require_as_it_was_left(store, scope, back, str(entry.detail["name"]))
    _require_not_enrolled_again(store, scope, back)
    return entry, back


def _require_as_it_was_left(store: Records, scope: Scope, back: Delta, name: str) -> None:
    """Everything that `back` changes must be as it expects."""
    if not (
        all(_is_as_expected(store, scope, back, one) for one in back.characters)
        and all(_are_with(store, move.faces, move.source) for move in back.moves)
    ):
        raise CannotUndoError(reason="changed", name=name)


def _is_as_expected(store: Records, scope: Scope, back: Delta, character_id: CharacterId) -> bool:
    seq = store.character_seq(character_id)
    before, after = back.namings.get(character_id, (None, None))
    if character_id in back.namings and before is None:
        return seq is None
    # An import may have given the id of a character that is gone to one of another scope.
    if seq is None or (character := store.character(seq)).scope != scope:
        return False
    if character_id in back.namings and after is None:  # she goes, so nothing may be left of her
        leaving = {face for move in back.moves if move.source == character_id for face in move.faces}
        if not leaving.issuperset(store.face_ids(seq)):
            return False
    return character_id not in back.namings or before == Naming.of(character)


def _are_with(store: Records, faces: Sequence[SampleId], owner: CharacterId | None) -> bool:
    return store.owners(faces) == dict.fromkeys(faces, owner)


def _require_not_enrolled_again(store: Records, scope: Scope, back: Delta) -> None:
    """No sample that comes back may be in the scope already."""
    returning: list[SampleId] = [
        face for move in back.moves if move.source is None and move.target is not None for face in move.faces
    ]
    character = store.enrolled_again(scope, returning)
    if character is not None:
        raise CannotUndoError(reason="enrolled_again", name=store.character(character).name)
