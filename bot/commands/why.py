"""`/why`: the enrolled faces that the names in an answer rest on."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat import Command, OutgoingFile, Reply, Text
from bot.commands.given import answer_meant, pictures_given
from bot.context import Asker, Services
from bot.errors import FaceGoneError
from bot.posts import read_picture
from bot.remembered import Answer, RememberedFace
from bot.sheets import NAMED, OTHER, PROBE, Tile, draw_sheet
from bot.texts import Strong, join_texts
from inference.decide import IDENTICAL
from inference.domain import Decision, FaceAt, FaceResult, Match
from inference.errors import NoFaceError

_MOST_FACES = 6
_MOST_MATCHES = 3
_SAME_FACE_IOU = 0.5


async def why(services: Services, asker: Asker, command: Command) -> Reply:
    """For the given picture, the answer that is replied to, or the last answer in the channel."""
    answer = await answer_meant(services, asker, command)
    if answer is not None:
        return await explain(services, asker, answer)
    picture = (await pictures_given(services, asker, command))[0]
    return await _explained(services, asker, await read_picture(services, picture), None, picture.spoiler)


async def explain(services: Services, asker: Asker, answer: Answer) -> Reply:
    """The evidence for an answer's first picture with named faces, as the gallery is now.

    Raises PictureGoneError, FaceGoneError.
    """
    named = [face for face in answer.faces if face.decision is not Decision.UNKNOWN] or answer.faces
    place = named[0].image
    picture = await services.platforms.open(asker.chat, answer.images[place])
    about = [face for face in named if face.image == place]
    return await _explained(services, asker, await read_picture(services, picture), about, picture.spoiler)


async def _explained(
    services: Services, asker: Asker, data: bytes, about: Sequence[RememberedFace] | None, spoiler: bool
) -> Reply:
    seen = await services.faces.identify(
        data, asker.scopes, draw=False, false_name_rate=asker.settings.false_name_rate
    )
    faces = [face for face in seen.identification.faces if about is None or _is_among(face, about)]
    if not faces:
        raise NoFaceError if about is None else FaceGoneError
    faces = faces[:_MOST_FACES]
    cut = await services.faces.cut_faces(data, [FaceAt(face.detection.box, face.frame) for face in faces])
    rows = []
    for face, crop in zip(faces, cut, strict=True):
        probe = Tile(crop, "?", (asker.texts.line("why-this-face"),), PROBE)
        rows.append([probe, *await _evidence(services, asker, face)])
    sheet = await draw_sheet(rows, han=asker.drawn_words.han)
    text = join_texts(_in_words(asker, face) for face in faces)
    return Reply(text, files=(OutgoingFile("dareda-why.jpg", sheet, spoiler=spoiler),), private=True)


def _shown(face: FaceResult) -> list[Match]:
    """The best matches, whom the face is named as first."""
    named = face.character.id if face.character else None
    return sorted(face.matches, key=lambda match: match.character.id != named)[:_MOST_MATCHES]


async def _evidence(services: Services, asker: Asker, face: FaceResult) -> list[Tile]:
    """The nearest enrolled face of each match, numbered."""
    say = asker.texts.line
    tiles = []
    for rank, match in enumerate(_shown(face), start=1):
        named = face.character is not None and match.character.id == face.character.id
        if match.similarity >= IDENTICAL:
            likeness = say("why-same-picture")
        else:
            likeness = say("why-alike") if named else say("why-less-alike")
        crop = await services.gallery.crop(asker.scopes, match.sample_id)
        tiles.append(Tile(crop, str(rank), (match.character.name, likeness), NAMED if named else OTHER))
    return tiles


def _in_words(asker: Asker, face: FaceResult) -> Text:
    say = asker.texts.say
    matches = _shown(face)
    if not matches:
        return say("why-nobody-enrolled")
    nearest = Strong(matches[0].character.display_name)
    count = matches[0].character.sample_count
    if face.decision is Decision.KNOWN:
        return say("why-known", name=nearest, count=count)
    if face.decision is Decision.UNKNOWN:
        return say("why-unknown", name=nearest)
    contradicted = matches[0].negative_similarity is not None
    other = Strong(matches[1].character.display_name) if len(matches) > 1 else None
    if other is None or contradicted:
        return say("why-doubted", name=nearest)
    return say("why-unsure", name=nearest, other=other)


def _is_among(face: FaceResult, about: Sequence[RememberedFace]) -> bool:
    return any(face.frame == one.frame and face.detection.box.iou(one.box) >= _SAME_FACE_IOU for one in about)
