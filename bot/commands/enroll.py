"""`/enroll`: faces of pictures become samples of a character; what is not clear is asked before that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from bot.chat import Button, Command, IncomingImage, OutgoingFile, Reply, Text
from bot.commands.given import (
    argument,
    list_argument,
    number_argument,
    pictures_given,
    references_given,
)
from bot.context import Asker, Given, Services
from bot.errors import ArgumentMissingError, TokenUnknownError
from bot.feedback import name_form, undo_button
from bot.posts import read_picture
from bot.remembered import Json, Question
from bot.texts import Strong, join_texts
from bot.words import clean_name
from inference.domain import Character
from inference.enroll import EnrollRequest, PreparedFace, Rehearsal
from inference.errors import AmbiguousFacesError, AppError, FaceNumberError, UserError
from inference.gallery.base import NewSample
from inference.gallery.fingerprint import is_same_picture
from inference.gallery.names import clean_name as require_name
from inference.gallery.names import name_key

_MOST_FACES_ASKED = 20
"""Numbered buttons of one question."""
_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Enrollment:
    """An enrollment as far as it is known what is wanted; waits in a `Question` for what is not."""

    name: str
    series: str
    aliases: tuple[str, ...]
    images: tuple[str, ...]
    """References of the pictures."""
    faces: tuple[int | None, ...]
    """Of each picture the number of the face; 0 leaves the picture out, None is not asked yet."""
    sure: bool = False
    """That it is not somebody else was asked and answered."""

    def to_json(self) -> dict[str, Json]:
        values: dict[str, Any] = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    @classmethod
    def of(cls, data: Any) -> Enrollment:
        """What `to_json()` gave."""
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in data.items()
        }
        return cls(**values)

    def with_face(self, place: int, number: int) -> Enrollment:
        return replace(self, faces=(*self.faces[:place], number, *self.faces[place + 1 :]))


async def enroll(services: Services, asker: Asker, command: Command) -> Reply:
    """Raises NotAllowedError, PictureMissingError, NameInvalidError, and what `FaceService.enroll()` does."""
    asker.require_teacher()
    images = await references_given(services, asker, command)
    enrollment = Enrollment(
        argument(command, "name"),
        argument(command, "series"),
        list_argument(command, "aliases"),
        images,
        (number_argument(command, "face"), *[None] * (len(images) - 1)),
    )
    if not enrollment.name:
        token = await services.ask(asker, "enroll-name", enrollment.to_json())
        return Reply(form=name_form(asker, token, aliases=True))
    return await _go_on(services, asker, enrollment, await pictures_given(services, asker, command))


async def named(services: Services, asker: Asker, question: Question, given: Given) -> Reply:
    """The form was filled in that asks who it is."""
    aliases = tuple(part.strip() for part in given.fields.get("aliases", "").split(",") if part.strip())
    enrollment = replace(
        Enrollment.of(question.data),
        name=given.fields.get("name", "").strip(),
        series=given.fields.get("series", "").strip(),
        aliases=aliases,
    )
    if not enrollment.name:
        raise ArgumentMissingError(parameter="name")
    return await _go_on(services, asker, enrollment)


async def face_chosen(services: Services, asker: Asker, question: Question, given: Given) -> Reply:
    """The number of a face was pressed; 0 leaves the picture out."""
    if not given.choice.isdecimal():
        raise TokenUnknownError
    data = dict(question.data)
    place = data.pop("place")
    enrollment = Enrollment.of(data)
    if not isinstance(place, int) or place >= len(enrollment.faces):
        raise TokenUnknownError
    reply = await _go_on(services, asker, enrollment.with_face(place, int(given.choice)))
    return replace(reply, replaces=True)


async def likeness_answered(services: Services, asker: Asker, question: Question, given: Given) -> Reply:
    """Whether it is who the face looks like: same, other, or neither (cancelled)."""
    data = dict(question.data)
    like = str(data.pop("like"))
    enrollment = replace(Enrollment.of(data), sure=True)
    if given.choice == "cancel":
        return Reply(asker.texts.say("enroll-cancelled"), replaces=True)
    if given.choice == "same":
        character = await services.gallery.character(asker.scopes, like)
        enrollment = replace(enrollment, name=character.name, series=character.series)
    return replace(await _go_on(services, asker, enrollment), replaces=True)


@dataclass(frozen=True, slots=True)
class _Unclear:
    """A picture with several faces, nobody said which."""

    picture: IncomingImage
    data: bytes


async def _go_on(
    services: Services,
    asker: Asker,
    enrollment: Enrollment,
    pictures: Sequence[IncomingImage] | None = None,
) -> Reply:
    """Enroll when everything is clear, else ask the next question."""
    asker.require_teacher()
    require_name(enrollment.name)
    rehearsals: list[Rehearsal] = []
    refused: list[UserError] = []
    lines: list[Text] = []
    for place, number in enumerate(enrollment.faces):
        if number == 0:
            continue
        try:
            picture = (
                pictures[place]
                if pictures
                else await services.platforms.open(asker.chat, enrollment.images[place])
            )
            outcome = await _rehearsed(services, asker, picture, _request(asker, enrollment, number))
        except UserError as error:
            refused.append(error)
            lines.append(_about(asker, enrollment, place, error))
            continue
        if isinstance(outcome, _Unclear):
            return await _ask_which(services, asker, enrollment, place, outcome)
        rehearsals.append(outcome)
    if not rehearsals:
        if len(enrollment.faces) == 1 and refused:
            raise refused[0]
        return Reply(join_texts([asker.texts.say("enroll-nothing"), *lines]))
    alike = next((one for one in rehearsals if one.looks_like is not None), None)
    if alike is not None and not enrollment.sure:
        return await _ask_likeness(services, asker, enrollment, alike)
    return await _add(services, asker, enrollment, [one.face for one in rehearsals], lines)


async def _rehearsed(
    services: Services, asker: Asker, picture: IncomingImage, request: EnrollRequest
) -> Rehearsal | _Unclear:
    """Raises UserError when the picture cannot be enrolled."""
    data = await read_picture(services, picture)
    try:
        rehearsal = await services.faces.rehearse(data, asker.scope, request, shared=asker.shared)
    except (AmbiguousFacesError, FaceNumberError):
        return _Unclear(picture, data)
    if rehearsal.duplicate is not None:
        raise rehearsal.duplicate
    return rehearsal


def _about(asker: Asker, enrollment: Enrollment, place: int, error: AppError) -> Text:
    text = asker.texts.error(error)
    if len(enrollment.images) == 1:
        return text
    return asker.texts.say("answer-picture", number=place + 1, text=text)


def _request(asker: Asker, enrollment: Enrollment, number: int | None) -> EnrollRequest:
    return EnrollRequest(
        enrollment.name,
        enrollment.series,
        enrollment.aliases,
        face=number,
        actor=asker.signature,
        source=asker.chat.scope,
    )


async def _add(
    services: Services,
    asker: Asker,
    enrollment: Enrollment,
    faces: Sequence[PreparedFace],
    lines: Sequence[Text],
) -> Reply:
    request = _request(asker, enrollment, None)
    enrolled = await services.faces.enroll_prepared(_without_twins(faces), asker.scope, request)
    character = enrolled.character
    added = len(enrolled.samples)
    say = asker.texts.say
    name = Strong(character.display_name)
    if enrolled.created:
        text = say("enrolled-new", name=name, count=added)
    else:
        text = say("enrolled-more", name=name, count=added, total=character.sample_count)
    services.changed(asker, text, [enrolled.entry_id])
    await services.store.count(asker.chat, enrolled=added)
    crop = faces[0].sample.crop
    shown = clean_name(character.display_name)
    return Reply(
        join_texts([text, *lines, *_hints(asker, enrollment, character)]),
        files=(OutgoingFile("dareda-sample.webp", crop.data, description=shown),),
        buttons=await undo_button(services, asker, [enrolled.entry_id]),
    )


def _without_twins(faces: Sequence[PreparedFace]) -> list[PreparedFace]:
    """The first face of those that are the same picture."""
    kept: list[PreparedFace] = []
    for face in faces:
        if not any(_are_twins(face.sample, other.sample) for other in kept):
            kept.append(face)
    return kept


def _are_twins(one: NewSample, other: NewSample) -> bool:
    similarity = float(np.dot(one.embedding, other.embedding))
    return one.content_hash == other.content_hash or is_same_picture(
        one.perceptual_hash, other.perceptual_hash, similarity
    )


def _hints(asker: Asker, enrollment: Enrollment, character: Character) -> list[Text]:
    """Said when the series that was given is not the one that the character has."""
    given = enrollment.series
    if given and name_key(given) != name_key(character.series):
        return [asker.texts.say("enroll-series-kept", series=character.series)]
    return []


# ── questions ───────────────────────────────────────────────────────────────────────────────────


async def _ask_which(
    services: Services, asker: Asker, enrollment: Enrollment, place: int, unclear: _Unclear
) -> Reply:
    preview = await services.faces.preview_faces(unclear.data)
    if preview.count > _MOST_FACES_ASKED:
        raise AmbiguousFacesError(count=preview.count)
    token = await services.ask(asker, "enroll-face", {**enrollment.to_json(), "place": place})
    numbers = [Button(str(number), f"{token}:{number}") for number in range(1, preview.count + 1)]
    rows = [tuple(numbers[start : start + _IN_A_ROW]) for start in range(0, len(numbers), _IN_A_ROW)]
    neither = Button(asker.texts.line("button-none-of-them"), f"{token}:0", "bad")
    picture = OutgoingFile(
        f"dareda-faces.{preview.picture.suffix}",
        preview.picture.data,
        spoiler=unclear.picture.spoiler,
        description=asker.texts.line("faces-numbered", count=preview.count),
    )
    text = asker.texts.say("enroll-which-face", name=Strong(enrollment.name), count=preview.count)
    return Reply(text, files=(picture,), buttons=(*rows, (neither,)))


async def _ask_likeness(
    services: Services, asker: Asker, enrollment: Enrollment, rehearsal: Rehearsal
) -> Reply:
    assert rehearsal.looks_like is not None, "only asked when it looks like somebody"  # noqa: S101
    other = rehearsal.looks_like.character
    token = await services.ask(asker, "enroll-likeness", {**enrollment.to_json(), "like": other.id})
    say = asker.texts.line
    return Reply(
        asker.texts.say("enroll-looks-like", other=Strong(other.display_name), name=Strong(enrollment.name)),
        files=(OutgoingFile("dareda-face.webp", rehearsal.face.sample.crop.data),),
        buttons=(
            (
                Button(say("button-is-name", name=Strong(other.name)), f"{token}:same"),
                Button(say("button-is-name", name=Strong(enrollment.name)), f"{token}:other"),
                Button(say("button-cancel"), f"{token}:cancel", "bad"),
            ),
        ),
    )
