"""What can be said about an answer with the buttons under it, and what is learnt from that."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.chat import Button, Form, FormField, Menu, MenuLine, OutgoingFile, Reply, Text
from bot.commands.why import explain
from bot.context import Asker, Services
from bot.errors import FaceGoneError, TokenUnknownError
from bot.posts import read_picture
from bot.remembered import Answer, RememberedFace, Review, new_token
from bot.texts import Strong, Texts, join_texts
from inference.correct import Corrected, Correction
from inference.domain import Character, CharacterId, Decision, FaceAt
from inference.errors import CharacterNotFoundError, NoFaceError

TYPE, NOBODY = "type", "none"
"""Menu lines besides the candidates: to type a name, and not to know."""
_MOST_LINES = 25
_MOST_PREVIEWS = 4
_LONGEST_TOKEN = 60


async def press_answer(services: Services, asker: Asker, parts: Sequence[str], chosen: str) -> Reply:
    """A button or menu under an answer; `parts` are those of its token: answer, verb, number of the face.

    Raises TokenUnknownError and whatever learning does.
    """
    answer_id, verb, number = (*parts, "", "", "")[:3]
    answer = await services.store.answer(asker.chat, answer_id)
    match verb:
        case "right":
            return await _confirm(services, asker, answer)
        case "why":
            return await explain(services, asker, answer)
        case "wrong" | "who":
            numbers = _faces_for(answer, verb)
            if chosen:
                numbers = [place for place in numbers if place == _number(answer, chosen)]
            if not numbers:
                raise TokenUnknownError
            if len(numbers) > 1:
                return await _which(services, asker, answer, verb, numbers)
            if verb == "wrong":
                return await _deny(services, asker, answer, numbers[0], in_menu=bool(chosen))
            menu = await _candidates(services, asker, answer, numbers[0])
            return Reply(asker.texts.say("ask-who"), menu=menu, private=True, replaces=bool(chosen))
        case "is":
            return await _name(services, asker, answer, _number(answer, number), chosen)
    raise TokenUnknownError


async def submit_name(
    services: Services, asker: Asker, parts: Sequence[str], fields: Mapping[str, str]
) -> Reply:
    """The name typed into the form that "somebody else" opened. Raises as `press_answer()`."""
    answer_id, _, number = (*parts, "", "", "")[:3]
    answer = await services.store.answer(asker.chat, answer_id)
    name, series = fields.get("name", "").strip(), fields.get("series", "").strip()
    return await _teach(services, asker, answer, _number(answer, number), name=name, series=series)


async def learn(services: Services, asker: Asker, image: str, correction: Correction) -> Reply:
    """As `learn_from()`, with a button to undo it."""
    text, entry_ids = await learn_from(services, asker, image, correction)
    return Reply(text, buttons=await undo_button(services, asker, entry_ids))


async def learn_from(
    services: Services, asker: Asker, image: str, correction: Correction
) -> tuple[Text, tuple[int, ...]]:
    """Learn from what is said about a face of that picture; what was learnt, and the changes that did it.

    Raises PictureGoneError, FaceGoneError, what `FaceService.correct()` raises.
    """
    picture = await services.platforms.open(asker.chat, image)
    try:
        corrected = await services.faces.correct(
            await read_picture(services, picture), asker.scope, correction
        )
    except NoFaceError:
        raise FaceGoneError from None
    text = learnt(asker.texts, corrected)
    if corrected.entry_ids:
        services.changed(asker, text, corrected.entry_ids)
        await services.store.count(asker.chat, corrections=1)
    return text, corrected.entry_ids


async def undo_button(
    services: Services, asker: Asker, entry_ids: Sequence[int | None]
) -> tuple[tuple[Button, ...], ...]:
    """A button that takes these changes back, last to first; none where nothing was changed."""
    numbers = [entry for entry in reversed(entry_ids) if entry is not None]
    if not numbers:
        return ()
    token = f"u:{'.'.join(map(str, numbers))}"
    if len(token) > _LONGEST_TOKEN:
        lasts = timedelta(days=services.options.gallery.undo_days)
        token = await services.ask(asker, "undo", {"entries": list(numbers)}, anybody=True, lasts=lasts)
    return ((Button(asker.texts.line("button-undo"), token),),)


# ── right, wrong, who ───────────────────────────────────────────────────────────────────────────


async def _confirm(services: Services, asker: Asker, answer: Answer) -> Reply:
    """ "Right": doubtful faces become samples; of sure ones there is nothing to learn."""
    await services.store.count(asker.chat, right=1)
    replies = []
    for number, face in enumerate(answer.faces):
        character = await _character(services, asker, face.characters[0]) if face.characters else None
        if face.decision is Decision.UNSURE and character is not None:
            replies.append(
                await _teach(services, asker, answer, number, name=character.name, series=character.series)
            )
    if not replies:
        return Reply(asker.texts.say("thanks-right"), private=True)
    buttons = tuple(row for reply in replies for row in reply.buttons)[:5]
    return Reply(join_texts(reply.text for reply in replies), buttons=buttons)


async def _deny(services: Services, asker: Asker, answer: Answer, number: int, *, in_menu: bool) -> Reply:
    """ "Wrong": a teacher's word counts at once; then it is asked who it is."""
    await services.store.count(asker.chat, wrong=1)
    menu = await _candidates(services, asker, answer, number, wrong=True)
    question = asker.texts.say("ask-who")
    if not asker.teaches:
        return Reply(question, menu=menu, private=True, replaces=in_menu)
    face = answer.faces[number]
    correction = Correction(_at(face), wrong=face.characters[0], actor=asker.signature)
    learnt = await learn(services, asker, answer.images[face.image], correction)
    return replace(
        learnt, text=join_texts([learnt.text, question]), menu=menu, private=True, replaces=in_menu
    )


async def _name(services: Services, asker: Asker, answer: Answer, number: int, chosen: str) -> Reply:
    """A line of the menu of candidates was chosen."""
    if chosen == TYPE:
        return Reply(form=name_form(asker, f"a:{answer.id}:name:{number}"))
    if chosen == NOBODY:
        face = answer.faces[number]
        if not asker.teaches and face.decision is not Decision.UNKNOWN:
            return await _propose(services, asker, answer, number, "")
        return Reply(asker.texts.say("thanks"), private=True, replaces=True)
    character = await services.gallery.character(asker.scopes, chosen)
    reply = await _teach(services, asker, answer, number, name=character.name, series=character.series)
    return replace(reply, replaces=True)


async def _teach(
    services: Services, asker: Asker, answer: Answer, number: int, *, name: str, series: str
) -> Reply:
    """That is who it is: learnt from a teacher, else put before one."""
    if not asker.teaches:
        return await _propose(services, asker, answer, number, name)
    face = answer.faces[number]
    wrong = None
    if face.decision is not Decision.UNKNOWN:
        named = await _character(services, asker, face.characters[0])
        # A shared character of that name is the same to those who chat.
        same = named is not None and name in (named.id, named.name)
        wrong = None if same else face.characters[0]
    correction = Correction(
        _at(face), right=name, series=series, wrong=wrong, actor=asker.signature, source=asker.chat.scope
    )
    return await learn(services, asker, answer.images[face.image], correction)


async def _propose(services: Services, asker: Asker, answer: Answer, number: int, name: str) -> Reply:
    """Put it before the teachers."""
    face = answer.faces[number]
    named = face.decision is not Decision.UNKNOWN
    review = Review(
        new_token(),
        asker.chat,
        answer.images[face.image],
        face.frame,
        face.box,
        asker.actor,
        services.now(),
        right=name,
        wrong=face.characters[0] if named else None,
    )
    if await services.store.propose(review):
        services.tell_log(asker, asker.texts.say("log-review", who=asker.actor.name))
    return Reply(asker.texts.say("thanks-review"), private=True, replaces=True)


# ── menus and forms ─────────────────────────────────────────────────────────────────────────────


def name_form(asker: Asker, token: str, *, aliases: bool = False, series: str = "") -> Form:
    """The form that asks who somebody is."""
    say = asker.texts.line
    fields = [
        FormField("name", say("form-name")),
        FormField("series", say("form-series"), value=series, required=False),
    ]
    if aliases:
        fields.append(FormField("aliases", say("form-aliases"), required=False, longest=400))
    return Form(token, say("form-title"), tuple(fields))


async def _which(
    services: Services, asker: Asker, answer: Answer, verb: str, numbers: Sequence[int]
) -> Reply:
    """Ask which of the faces is meant, on the pictures with their numbers."""
    lines: list[MenuLine] = []
    files: list[OutgoingFile] = []
    several = len({answer.faces[number].image for number in numbers}) > 1
    for place, faces in _by_image(answer, numbers).items():
        for label, number in enumerate(faces, start=1):
            lines.append(
                MenuLine(
                    await _face_label(services, asker, answer, number, label=label, several=several),
                    str(number),
                )
            )
        if len(files) < _MOST_PREVIEWS:
            files.append(await _preview(services, asker, answer, place, faces))
    menu = Menu(f"a:{answer.id}:{verb}", asker.texts.line("menu-face"), tuple(lines[:_MOST_LINES]))
    return Reply(asker.texts.say("ask-which-face"), files=tuple(files), menu=menu, private=True)


def _by_image(answer: Answer, numbers: Sequence[int]) -> dict[int, list[int]]:
    grouped: dict[int, list[int]] = {}
    for number in numbers:
        grouped.setdefault(answer.faces[number].image, []).append(number)
    return grouped


async def _face_label(
    services: Services, asker: Asker, answer: Answer, number: int, *, label: int, several: bool
) -> str:
    face = answer.faces[number]
    named = face.decision is not Decision.UNKNOWN
    character = await _character(services, asker, face.characters[0]) if named else None
    name = Strong(character.display_name) if character else Strong(asker.texts.line("drawn-unknown"))
    if several:
        return asker.texts.line("face-of-picture", picture=face.image + 1, number=label, name=name)
    return asker.texts.line("face-label", number=label, name=name)


async def _preview(
    services: Services, asker: Asker, answer: Answer, place: int, numbers: Sequence[int]
) -> OutgoingFile:
    picture = await services.platforms.open(asker.chat, answer.images[place])
    data = await read_picture(services, picture)
    preview = await services.faces.number_faces(data, [_at(answer.faces[number]) for number in numbers])
    name = f"dareda-faces-{place + 1}.{preview.picture.suffix}"
    return OutgoingFile(
        name,
        preview.picture.data,
        spoiler=picture.spoiler,
        description=asker.texts.line("faces-numbered", count=len(numbers)),
    )


async def _candidates(
    services: Services, asker: Asker, answer: Answer, number: int, *, wrong: bool = False
) -> Menu:
    """Whom the face may show, and the ways out."""
    ids = answer.faces[number].characters[1 if wrong else 0 :]
    found = await asyncio.gather(*(_character(services, asker, one) for one in ids))
    say = asker.texts.line
    lines = [
        MenuLine(say("menu-name", name=Strong(one.display_name)), one.id)
        for one in dict.fromkeys(found)
        if one is not None
    ]
    lines = [
        *lines[: _MOST_LINES - 2],
        MenuLine(say("menu-somebody-else"), TYPE),
        MenuLine(say("menu-nobody"), NOBODY),
    ]
    return Menu(f"a:{answer.id}:is:{number}", say("menu-who"), tuple(lines))


# ── words ───────────────────────────────────────────────────────────────────────────────────────


def learnt(texts: Texts, corrected: Corrected) -> Text:
    """What was learnt, in sentences."""
    say = texts.say
    parts = []
    if corrected.right is not None:
        name, count = Strong(corrected.right.display_name), corrected.right.sample_count
        parts.append(
            say("learnt-right", name=name, count=count) if corrected.added else say("knew", name=name)
        )
    if corrected.wrong is not None:
        parts.append(say("learnt-wrong", name=Strong(corrected.wrong.name)))
    if corrected.too_poor is not None:
        parts.append(texts.error(corrected.too_poor))
    return join_texts(parts or [say("learnt-nothing")], " ")


# ── faces of answers ────────────────────────────────────────────────────────────────────────────


def _faces_for(answer: Answer, verb: str) -> list[int]:
    return [
        number
        for number, face in enumerate(answer.faces)
        if verb == "who" or face.decision is not Decision.UNKNOWN
    ]


def _number(answer: Answer, text: str) -> int:
    """Which of the answer's faces that is. Raises TokenUnknownError."""
    if not text.isdecimal() or int(text) >= len(answer.faces):
        raise TokenUnknownError
    return int(text)


def _at(face: RememberedFace) -> FaceAt:
    return FaceAt(face.box, face.frame)


async def _character(services: Services, asker: Asker, character_id: CharacterId) -> Character | None:
    """None when she is gone."""
    try:
        return await services.gallery.character(asker.scopes, character_id)
    except CharacterNotFoundError:
        return None
