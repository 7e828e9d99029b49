"""Pictures become samples: of a new character, or of one that is there."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.errors import FormInvalidError
from bot.web.forms import Upload
from bot.web.pages.character import LONGEST_ALIASES, names_in
from bot.web.pages.identify import crop_address, data_address
from bot.web.visits import Visit, change, page
from inference.domain import Character, Match
from inference.enroll import EnrollRequest
from inference.errors import AmbiguousFacesError, AppError
from inference.gallery.names import clean_name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one picture."""

    name: str
    character: Character | None = None
    """After it was enrolled."""
    entry_id: int | None = None
    crop: str = ""
    """The new sample as a data address."""
    looks_like: Match | None = None
    faces: int = 0
    """So many faces are in it, and it has to be said which is meant."""
    numbered: str = ""
    """The picture with their numbers, as a data address."""
    refused: AppError | None = None


async def show(visit: Visit) -> web.Response:
    """The form for somebody new."""
    return visit.render("enroll.html", **await visit.gallery_choice("/enroll"))


async def enroll(visit: Visit) -> web.Response:
    """Add the face of each picture that was sent. Raises NameInvalidError, PictureMissingError."""
    form = visit.form
    number = form.text("face", longest=3)
    if number and not (number.isascii() and number.isdecimal() and int(number)):
        raise FormInvalidError
    form.upload()
    request = EnrollRequest(
        clean_name(form.text("name", required=True)),
        form.text("series"),
        names_in(form.text("aliases", longest=LONGEST_ALIASES)),
        face=int(number) if number else None,
        actor=visit.signature,
        source="web",
    )
    outcomes = [await _outcome(visit, upload, request) for upload in form.uploads]
    if visit.is_part:
        return visit.render("enrolled.html", outcome=outcomes[0], request=request)
    return visit.render(
        "enroll.html", outcomes_before=outcomes, request=request, **await visit.gallery_choice("/enroll")
    )


async def _outcome(visit: Visit, upload: Upload, request: EnrollRequest) -> Outcome:
    faces = visit.desk.services.faces
    try:
        answer = await faces.enroll(upload.data, visit.scope, request)
    except AmbiguousFacesError as error:
        preview = await faces.preview_faces(upload.data)
        return Outcome(
            upload.name,
            faces=preview.count,
            numbered=data_address(preview.picture.data, preview.picture.media_type),
            refused=error,
        )
    except AppError as error:
        return Outcome(upload.name, refused=error)
    enrolled = answer.enrolled
    await visit.desk.changed(visit.scope, [enrolled.entry_id])
    crop = await visit.desk.gallery.crop([visit.scope], enrolled.samples[0].id)
    return Outcome(
        upload.name,
        enrolled.character,
        enrolled.entry_id,
        crop_address(crop),
        answer.looks_like,
    )


ROUTES = (page("/g/{scope}/enroll", show), change("/g/{scope}/enroll", enroll, shows=show))
