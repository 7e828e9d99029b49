"""Who is in these pictures? With every face's candidates beside it, and a form to say who it really is.

A picture is looked at and forgotten: its page holds it, and sends it again with what is said about a face.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.errors import ArgumentMissingError, FaceGoneError, FormInvalidError
from bot.feedback import learnt
from bot.web.forms import Upload
from bot.web.visits import Visit, change, page
from inference.annotate import EncodedImage
from inference.correct import Correction
from inference.domain import (
    CharacterId,
    Decision,
    FaceAt,
    FaceBox,
    FaceCrop,
    FaceResult,
    Identification,
    Match,
    Sample,
)
from inference.errors import AppError, NoFaceError

_CANDIDATES = 3
_SAMPLES = 3
"""Of each candidate, beside the one that is most like the face."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whom a face may show, with what she was learnt from."""

    match: Match
    others: tuple[Sample, ...]
    """More samples of hers."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face of an answer."""

    number: int
    result: FaceResult
    crop: str
    """As a data address; empty where faces are not cut."""
    candidates: tuple[Candidate, ...]

    @property
    def box(self) -> str:
        """To find the face again: `box_in()` reads it."""
        return ",".join(f"{edge:.2f}" for edge in self.result.detection.box.xyxy)

    @property
    def named(self) -> str:
        """Id of whom it was taken for; empty for a stranger."""
        character = self.result.character
        return character.id if character and self.result.decision is not Decision.UNKNOWN else ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one picture."""

    name: str
    identification: Identification | None = None
    picture: str = ""
    """The annotated one as a data address; empty where it shows no face."""
    size_wh: tuple[int, int] = (0, 0)
    """Pixels of the annotated picture."""
    faces: tuple[Face, ...] = ()
    refused: AppError | None = None

    @property
    def scale(self) -> float:
        """From pixels of the picture to those of the annotated one."""
        return self.size_wh[0] / self.identification.width if self.identification else 1.0


async def show(visit: Visit) -> web.Response:
    """Where pictures are dropped."""
    return await _page(visit, ())


async def identify(visit: Visit) -> web.Response:
    """What is in the pictures that were sent."""
    visit.form.upload()
    answers = [await _answer(visit, upload) for upload in visit.form.uploads]
    if visit.is_part:
        return visit.render("answer.html", answer=answers[0])
    return await _page(visit, answers)


async def correct(visit: Visit) -> web.Response:
    """Somebody says who a face is, or who it is not.

    Raises ArgumentMissingError, FormInvalidError, FaceGoneError and what `FaceService.correct()` does.
    """
    form = visit.form
    named = CharacterId(form.text("named"))
    right = "" if form.text("verb") == "wrong" else form.text("name", required=True)
    if not right and not named:
        raise ArgumentMissingError(parameter="name")
    correction = Correction(
        FaceAt(box_in(form.text("box")), _frame_in(form.text("frame"))),
        right=right,
        series=form.text("series") if right else "",
        wrong=named or None,
        actor=visit.signature,
        source="web",
    )
    try:
        corrected = await visit.desk.services.faces.correct(form.upload().data, visit.scope, correction)
    except NoFaceError:
        raise FaceGoneError from None
    if corrected.entry_ids:
        await visit.desk.changed(visit.scope, corrected.entry_ids)
    return visit.render(
        "learnt.html",
        text=learnt(visit.texts, corrected),
        entries=corrected.entry_ids,
        right=corrected.right,
    )


def data_address(data: bytes, media_type: str) -> str:
    """The picture as part of a page."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def crop_address(crop: FaceCrop) -> str:
    """As `data_address()`."""
    return data_address(crop.data, "image/webp")


def box_in(text: str) -> FaceBox:
    """What `Face.box` wrote. Raises FormInvalidError."""
    try:
        x1, y1, x2, y2 = map(float, text.split(","))
    except ValueError as error:
        raise FormInvalidError from error
    if not (0 <= x1 < x2 < 1e6 and 0 <= y1 < y2 < 1e6):
        raise FormInvalidError
    return FaceBox(x1, y1, x2, y2)


def _frame_in(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 5):
        raise FormInvalidError
    return int(text)


async def _page(visit: Visit, answers: Sequence[Answer]) -> web.Response:
    return visit.render("identify.html", answers=answers, **await visit.gallery_choice("/identify"))


async def _answer(visit: Visit, upload: Upload) -> Answer:
    faces = visit.desk.services.faces
    try:
        seen = await faces.identify(
            upload.data,
            visit.scopes,
            false_name_rate=visit.desk.false_name_rate(visit.scope),
            words=visit.drawn_words,
        )
        found = seen.identification.faces
        places = [FaceAt(face.detection.box, face.frame) for face in found]
        crops = await faces.cut_faces(upload.data, places) if faces.learns and found else ()
        samples = await _samples(visit, found)
    except AppError as error:
        return Answer(upload.name, refused=error)
    picture = seen.picture
    return Answer(
        upload.name,
        seen.identification,
        data_address(picture.data, picture.media_type) if picture else "",
        _size(picture),
        tuple(
            Face(
                number,
                face,
                crop_address(crops[number - 1]) if crops else "",
                tuple(_candidate(match, samples) for match in face.matches[:_CANDIDATES]),
            )
            for number, face in enumerate(found, start=1)
        ),
    )


async def _samples(visit: Visit, faces: Sequence[FaceResult]) -> dict[CharacterId, tuple[Sample, ...]]:
    ids = {match.character.id for face in faces for match in face.matches[:_CANDIDATES]}
    return {one: await visit.desk.gallery.samples(visit.scopes, one) for one in ids}


def _candidate(match: Match, samples: Mapping[CharacterId, tuple[Sample, ...]]) -> Candidate:
    others = [sample for sample in samples[match.character.id] if sample.id != match.sample_id]
    return Candidate(match, tuple(others[:_SAMPLES]))


def _size(picture: EncodedImage | None) -> tuple[int, int]:
    return (picture.width, picture.height) if picture else (0, 0)


ROUTES = (
    page("/g/{scope}/identify", show),
    change("/g/{scope}/identify", identify, shows=show),
    change("/g/{scope}/faces", correct, shows=show),
)
