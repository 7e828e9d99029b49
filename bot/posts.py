"""What happens for pictures: each is looked at by itself, and one reply says who is in all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.chat import Button, ImagePost, IncomingImage, OutgoingFile, Reply, Text
from bot.context import Asker, Services
from bot.remembered import Answer, RememberedFace, new_token
from bot.texts import Strong, join_texts, plain_text
from inference.decide import IDENTICAL
from inference.domain import CharacterId, Decision, FaceResult, Identification
from inference.errors import AppError, ImageTooLargeError, NoFaceError, TransientError
from inference.service import Answer as Seen

_MOST_NAMES = 20
"""People named in one sentence; the picture has them all."""
_MATCHES_KEPT = 8
"""Candidates of a face that a correction offers."""
_AT_ONCE = 4
"""Pictures of one post that are held in memory at the same time."""


@dataclass(frozen=True, slots=True)
class Look:
    """What came of looking at one picture."""

    image: IncomingImage
    seen: Seen | None
    """None when it failed."""
    error: AppError | None = None

    @property
    def faces(self) -> tuple[FaceResult, ...]:
        return self.seen.identification.faces if self.seen else ()


async def answer_post(services: Services, asker: Asker, post: ImagePost) -> Reply | None:
    """The answer to a post; None where there is no face and nobody asked."""
    asked = post.mentions_bot or post.chat.private
    reply = await answer_pictures(
        services, asker, post.images, say_no_face=asked or asker.settings.say_no_face
    )
    await services.store.count(
        asker.chat, posts=1, pictures=len(post.images), **({} if reply is None else {"answers": 1})
    )
    return reply


async def answer_pictures(
    services: Services, asker: Asker, images: Sequence[IncomingImage], *, say_no_face: bool
) -> Reply | None:
    """Who is in the pictures, as one reply with the annotated ones; remembered for its buttons.

    A picture that cannot be read has a sentence in it. When all fail for the same passing reason, that is
    raised.
    """
    most = services.chats.most_images
    looks = await _look_at_all(services, asker, images[:most])
    failed = [look.error for look in looks if look.error is not None]
    if failed and len(failed) == len(looks) and isinstance(failed[0], TransientError):
        raise failed[0]
    if not failed and not any(look.faces for look in looks):
        return Reply(asker.texts.error(NoFaceError())) if say_no_face else None
    lines = [
        _about(asker, number, look, alone=len(looks) == 1, say_no_face=say_no_face)
        for number, look in enumerate(looks, start=1)
    ]
    if len(images) > most:
        lines.append(asker.texts.say("answer-only-first", count=most))
    answer = _remembered(services, asker, looks)
    if answer is None:
        return Reply(join_texts(lines))
    await services.store.remember(answer)
    services.recent.remember(asker.chat, answer.id)
    await services.store.count(
        asker.chat,
        faces=len(answer.faces),
        known=sum(face.decision is Decision.KNOWN for face in answer.faces),
        unsure=sum(face.decision is Decision.UNSURE for face in answer.faces),
    )
    return Reply(
        join_texts(lines),
        files=tuple(_files(asker, looks)),
        buttons=answer_buttons(services, asker, answer),
        answer=answer.id,
    )


def answer_buttons(services: Services, asker: Asker, answer: Answer) -> tuple[tuple[Button, ...], ...]:
    """What can be said about an answer; nothing where nothing can be learnt."""
    if not services.faces.learns:
        return ()
    say = asker.texts.line
    named = any(face.decision is not Decision.UNKNOWN for face in answer.faces)
    row = [Button(say("button-who"), f"a:{answer.id}:who")]
    if named:
        row = [
            Button(say("button-right"), f"a:{answer.id}:right", "good"),
            Button(say("button-wrong"), f"a:{answer.id}:wrong", "bad"),
            *row,
            Button(say("button-why"), f"a:{answer.id}:why"),
        ]
    return (tuple(row),)


async def read_picture(services: Services, image: IncomingImage) -> bytes:
    """The picture's bytes. Raises ImageTooLargeError, PictureGoneError."""
    limit = services.options.images.max_bytes
    if image.size is not None and image.size > limit:
        raise ImageTooLargeError(what="bytes", actual=image.size, limit=limit)
    return await image.read(limit)


async def _look_at_all(services: Services, asker: Asker, images: Sequence[IncomingImage]) -> list[Look]:
    at_once = asyncio.Semaphore(_AT_ONCE)

    async def look_at(image: IncomingImage) -> Look:
        async with at_once:
            try:
                data = await read_picture(services, image)
                seen = await services.faces.identify(
                    data,
                    asker.scopes,
                    top=_MATCHES_KEPT,
                    false_name_rate=asker.settings.false_name_rate,
                    words=asker.drawn_words,
                )
            except AppError as error:
                return Look(image, None, error)
            return Look(image, seen)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(look_at(image)) for image in images]
    return [task.result() for task in tasks]


def _remembered(services: Services, asker: Asker, looks: Sequence[Look]) -> Answer | None:
    faces = [
        RememberedFace(
            place,
            face.frame,
            face.detection.box,
            face.decision,
            _candidates(face),
        )
        for place, look in enumerate(looks)
        for face in look.faces
    ]
    if not faces:
        return None
    return Answer(
        new_token(),
        asker.chat,
        asker.actor.id,
        tuple(look.image.reference for look in looks),
        tuple(faces),
        services.now(),
    )


def _candidates(face: FaceResult) -> tuple[CharacterId, ...]:
    named = [] if face.character is None else [face.character.id]
    matches = [match.character.id for match in face.matches]
    return tuple(dict.fromkeys((*named, *matches)))


# ── words ───────────────────────────────────────────────────────────────────────────────────────


def _about(asker: Asker, number: int, look: Look, *, alone: bool, say_no_face: bool) -> Text:
    """What is said about one of the pictures."""
    if look.error is not None:
        text = asker.texts.error(look.error)
    elif look.seen is not None and look.faces:
        text = describe(asker, look.seen.identification)
    else:
        text = asker.texts.error(NoFaceError()) if say_no_face else ()
    return text if alone or not text else asker.texts.say("answer-picture", number=number, text=text)


def describe(asker: Asker, identification: Identification) -> Text:
    """Who is in a picture, in sentences: sure ones, likely ones, doubtful ones, strangers."""
    known = [face for face in identification.faces if face.decision is Decision.KNOWN]
    sure = [face for face in known if _is_enrolled_picture(face)]
    likely = [face for face in known if face not in sure]
    unsure = [face for face in identification.faces if face.decision is Decision.UNSURE]
    strangers = sum(face.decision is Decision.UNKNOWN for face in identification.faces)
    say = asker.texts.say
    sentences: list[Text] = []
    if asker.settings.say_sureness:
        if sure:
            sentences.append(say("answer-sure", people=_people(asker, sure), count=len(sure)))
        if likely:
            sentences.append(say("answer-likely", people=_people(asker, likely), count=len(likely)))
        if unsure:
            sentences.append(say("answer-unsure", people=_people(asker, unsure), count=len(unsure)))
    else:
        if known:
            sentences.append(say("answer-known", people=_people(asker, known), count=len(known)))
        if unsure:
            sentences.append(say("answer-maybe", people=_people(asker, unsure), count=len(unsure)))
    if strangers:
        sentences.append(say("answer-strangers", count=strangers, alone=str(not (known or unsure)).lower()))
    return join_texts(sentences, " ")


def _is_enrolled_picture(face: FaceResult) -> bool:
    """True when the face is all but identical to a sample of whom it is named as."""
    named = face.character
    return any(
        match.similarity >= IDENTICAL and named is not None and match.character.id == named.id
        for match in face.matches
    )


def _people(asker: Asker, faces: Iterable[FaceResult]) -> list[str | Strong]:
    names = list(dict.fromkeys(face.character.display_name for face in faces if face.character))
    shown: list[str | Strong] = [Strong(name) for name in names[:_MOST_NAMES]]
    if len(names) > _MOST_NAMES:
        shown.append(asker.texts.line("answer-more", count=len(names) - _MOST_NAMES))
    return shown


def _files(asker: Asker, looks: Sequence[Look]) -> Iterable[OutgoingFile]:
    for number, look in enumerate(looks, start=1):
        if look.seen is not None and look.seen.picture is not None:
            yield OutgoingFile(
                f"dareda-{number}.{look.seen.picture.suffix}",
                look.seen.picture.data,
                spoiler=look.image.spoiler,
                description=plain_text(describe(asker, look.seen.identification)),
            )
