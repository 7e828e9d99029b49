"""`/review`: teachers decide what others have said about answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.chat import Button, Command, OutgoingFile, Reply, Text
from bot.context import Asker, Services
from bot.errors import TokenUnknownError
from bot.feedback import learn_from, undo_button
from bot.posts import read_picture
from bot.remembered import Review, ReviewState
from bot.texts import Strong, join_texts
from inference.correct import Correction
from inference.domain import Character, FaceAt, FaceCrop
from inference.errors import AppError, CharacterNotFoundError, TransientError


async def review(services: Services, asker: Asker, command: Command) -> Reply:
    """The oldest one that is open. Raises NotAllowedError."""
    del command
    asker.require_teacher()
    return await _next(services, asker, 0)


async def press_review(services: Services, asker: Asker, parts: Sequence[str]) -> Reply:
    """Accept or refuse one, or go on to another. Raises ReviewSettledError and whatever learning does."""
    asker.require_teacher()
    review_id, verb = (*parts, "", "")[:2]
    if review_id == "at" and verb.isdecimal() and len(verb) < 7:
        return replace(await _next(services, asker, int(verb)), replaces=True)
    match verb:
        case "yes":
            text, entry_ids = await accept(services, asker, review_id)
            buttons = await undo_button(services, asker, entry_ids)
            return await _settled(services, asker, Reply(text, buttons=buttons))
        case "no":
            return await _settled(services, asker, Reply(await refuse(services, asker, review_id)))
    raise TokenUnknownError


async def refuse(services: Services, asker: Asker, review_id: str) -> Text:
    """Nothing comes of it. Raises TokenUnknownError, ReviewSettledError."""
    await services.store.settle(asker.chat, review_id, ReviewState.REFUSED, by=asker.actor.id)
    return asker.texts.say("review-refused")


async def accept(services: Services, asker: Asker, review_id: str) -> tuple[Text, tuple[int, ...]]:
    """What was learnt from it, and the changes that did it.

    Raises TokenUnknownError, ReviewSettledError and whatever learning does.
    """
    settled = await services.store.settle(asker.chat, review_id, ReviewState.ACCEPTED, by=asker.actor.id)
    right, series = settled.right, ""
    if right:
        known = await _character(services, asker, right)
        right, series = (known.name, known.series) if known else (right, "")
    correction = Correction(
        FaceAt(settled.box, settled.frame),
        right=right,
        series=series,
        wrong=settled.wrong,
        actor=asker.signature,
        source=asker.chat.scope,
    )
    try:
        return await learn_from(services, asker, settled.image, correction)
    except TransientError:
        await services.store.settle(asker.chat, review_id, ReviewState.OPEN, by=asker.actor.id)
        raise


async def _settled(services: Services, asker: Asker, reply: Reply) -> Reply:
    """With a button to go on with what is left."""
    left = await services.store.count_reviews(asker.chat)
    if not left:
        return replace(
            reply, text=join_texts([reply.text, asker.texts.say("review-done")], " "), replaces=True
        )
    row = (Button(asker.texts.line("button-next-review", count=left), "r:at:0"),)
    return replace(reply, buttons=(*reply.buttons, row), replaces=True)


async def _next(services: Services, asker: Asker, offset: int) -> Reply:
    left = await services.store.count_reviews(asker.chat)
    found = await services.store.reviews(asker.chat, offset=offset if offset < left else 0, limit=1)
    if not found:
        return Reply(asker.texts.say("review-none"), private=True)
    one = found[0]
    say = asker.texts.line
    row = [
        Button(say("button-accept"), f"r:{one.id}:yes", "good"),
        Button(say("button-refuse"), f"r:{one.id}:no", "bad"),
    ]
    if left > 1:
        row.append(Button(say("button-skip"), f"r:at:{(offset + 1) % left}"))
    text, files = await _shown(services, asker, one)
    count = asker.texts.say("review-count", count=left)
    return Reply(join_texts([text, count]), files=files, buttons=(tuple(row),), private=True)


async def proposal(services: Services, asker: Asker, review: Review) -> Text:
    """What is said about the face."""
    say = asker.texts.say
    wrong = await _character(services, asker, review.wrong) if review.wrong else None
    who = review.proposer.name
    if review.right and wrong is not None:
        return say("review-instead", who=who, right=Strong(review.right), wrong=Strong(wrong.name))
    if review.right:
        return say("review-right", who=who, right=Strong(review.right))
    return say("review-wrong", who=who, wrong=Strong(wrong.name if wrong else "?"))


async def face_of(services: Services, asker: Asker, review: Review) -> tuple[FaceCrop, bool]:
    """The face that is meant, read from where it was posted, and whether it was posted as a spoiler.

    Raises PictureGoneError, NoFaceError, the image errors.
    """
    picture = await services.platforms.open(asker.chat, review.image)
    data = await read_picture(services, picture)
    (crop,) = await services.faces.cut_faces(data, [FaceAt(review.box, review.frame)])
    return crop, picture.spoiler


async def _shown(services: Services, asker: Asker, review: Review) -> tuple[Text, tuple[OutgoingFile, ...]]:
    """What is said, and the face that it is said about; without the face when the picture is gone."""
    text = await proposal(services, asker, review)
    try:
        crop, spoiler = await face_of(services, asker, review)
    except AppError as error:
        return join_texts([text, asker.texts.error(error)]), ()
    return text, (OutgoingFile("dareda-face.webp", crop.data, spoiler=spoiler),)


async def _character(services: Services, asker: Asker, name_or_id: str) -> Character | None:
    """None when there is nobody of that name or id."""
    try:
        return await services.gallery.character(asker.scopes, name_or_id)
    except CharacterNotFoundError:
        return None
