"""The use case "that is not her, it is her": a face that was named wrongly, or not at all, is learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inference.domain import Character, CharacterId, FaceAt, SampleId, Scope
from inference.enroll import Enroller, EnrollRequest, PreparedFace
from inference.errors import CharacterNotFoundError, FaceTooPoorError
from inference.gallery.base import Gallery


@dataclass(frozen=True, slots=True)
class Correction:
    """What somebody says about a face that was seen in a picture."""

    at: FaceAt
    right: str = ""
    """Name of who it is; empty when that is not said."""
    series: str = ""
    wrong: CharacterId | None = None
    """Who it is not."""
    actor: str = ""
    source: str = ""
    """Where the picture is from."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """What was learnt from a correction."""

    right: Character | None
    """Whose sample the face is now; None when nobody was named, or it is too poor to be one."""
    added: bool
    """False when the face was her sample before."""
    wrong: Character | None
    """Whom the face will not be taken for again; None when nobody said that, or she is not of this scope
    (gone, or in a shared gallery)."""
    too_poor: FaceTooPoorError | None
    """Why the face became nobody's sample."""
    entry_ids: tuple[int, ...]
    """Lines of the audit log, to be undone last to first."""


class Corrector:
    """Teaches the gallery from its mistakes."""

    def __init__(self, enroller: Enroller, gallery: Gallery) -> None:
        self._enroller = enroller
        self._gallery = gallery

    async def correct(self, data: bytes, scope: Scope, correction: Correction) -> Corrected:
        """Make the face a sample of the right character, and evidence against the wrong one.

        A face that is enrolled already moves to the right character; if that is not said, it only ceases to
        be a sample of the wrong one. A poor face is evidence against, but no sample.
        Raises the image errors, NoFaceError when the face is not found again, and what `Gallery.enroll`
        raises.
        """
        request = EnrollRequest(
            correction.right,
            correction.series,
            at=correction.at,
            actor=correction.actor,
            source=correction.source,
        )
        face, too_poor = await self._prepared(data, request)
        right = await self._find([scope], correction.right) if correction.right else None
        wrong = await self._find([scope], correction.wrong) if correction.wrong else None
        if right is not None and wrong is not None and right.id == wrong.id:
            wrong = None
        entries: list[int | None] = []
        owner, sample_id = await self._enrolled_as(scope, face)
        if correction.right and too_poor is None:
            if owner is None:
                added = await self._enroller.add([face], scope, request, allow_alike=True)
                right = added.character
                entries.append(added.entry_id)
            elif right is None or owner.id != right.id:
                moved = await self._gallery.move_samples(
                    scope, owner.id, [sample_id], request.name, series=request.series, actor=request.actor
                )
                right = moved.character
                entries.append(moved.entry_id)
        elif owner is not None and wrong is not None and owner.id == wrong.id:
            changed = await self._gallery.forget_sample(scope, sample_id, actor=correction.actor)
            entries.append(changed.entry_id)
        learnt = too_poor is None and bool(correction.right and entries)
        if wrong is not None:
            changed = await self._gallery.add_negative(scope, wrong.id, face.sample, actor=correction.actor)
            entries.append(changed.entry_id)
        return Corrected(
            right=right if too_poor is None else None,
            added=learnt,
            wrong=wrong,
            too_poor=too_poor if correction.right else None,
            entry_ids=tuple(entry for entry in entries if entry is not None),
        )

    async def _prepared(
        self, data: bytes, request: EnrollRequest
    ) -> tuple[PreparedFace, FaceTooPoorError | None]:
        try:
            return await self._enroller.prepare(data, request), None
        except FaceTooPoorError as error:
            return await self._enroller.prepare(data, request, check_quality=False), error

    async def _enrolled_as(self, scope: Scope, face: PreparedFace) -> tuple[Character | None, SampleId]:
        """Whose sample the very same picture is. One that is only alike may show somebody else."""
        duplicate = await self._gallery.find_duplicate(scope, face.sample)
        if duplicate is None or duplicate[2] != "identical":
            return None, SampleId("")
        return duplicate[0], duplicate[1]

    async def _find(self, scopes: Sequence[Scope], name_or_id: str) -> Character | None:
        try:
            return await self._gallery.character(scopes, name_or_id)
        except CharacterNotFoundError:
            return None
