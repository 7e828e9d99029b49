"""Corrections, rehearsals and what chats ask of faces, with real models and a real gallery."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.options import Options
from inference.annotate import AnnotateWords
from inference.correct import Correction
from inference.domain import Decision, FaceAt, FaceBox, Scope
from inference.enroll import EnrollRequest
from inference.errors import NoFaceError
from inference.images import decode, encode
from inference.scaling import resized
from inference.service import LocalFaceService, open_face_service
from tests.conftest import CastPictures

HOME, SHARED = Scope("home"), Scope("shared")


@pytest.fixture
async def service(tmp_path: Path, cast_pictures: CastPictures) -> AsyncIterator[LocalFaceService]:
    """With the first two of the cast enrolled at home."""
    async with open_face_service(Options(data_dir=tmp_path)) as opened:
        for character in cast_pictures.cast[:2]:
            for path in sorted((cast_pictures.folder / character.name).iterdir()):
                await opened.enroll(path.read_bytes(), HOME, EnrollRequest(character.name, "Drawn"))
        yield opened


async def seen(service: LocalFaceService, data: bytes, *scopes: Scope) -> tuple[Decision, str | None, FaceAt]:
    (face,) = (await service.identify(data, scopes or (HOME,), draw=False)).identification.faces
    name = face.character.name if face.character else None
    return face.decision, name, FaceAt(face.detection.box, face.frame)


async def test_a_correction_adds_a_sample_and_evidence_against(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data, name = cast_pictures.new[0].read_bytes(), cast_pictures.cast[0].name
    decision, called, at = await seen(service, data)
    assert (decision, called) == (Decision.KNOWN, name)
    wrong = (await service.gallery.character([HOME], name)).id
    corrected = await service.correct(
        data, HOME, Correction(at, right="Y", series="S", wrong=wrong, actor="me")
    )
    assert corrected.right is not None
    assert (corrected.right.name, corrected.right.series, corrected.added) == ("Y", "S", True)
    assert corrected.wrong is not None
    assert corrected.wrong.id == wrong
    assert (await seen(service, data))[:2] == (Decision.KNOWN, "Y")
    for entry in reversed(corrected.entry_ids):
        await service.gallery.undo(HOME, entry)
    assert (await seen(service, data))[:2] == (Decision.KNOWN, name)


async def test_saying_it_twice_changes_nothing_more(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.stranger_portrait.read_bytes()
    at = (await seen(service, data))[2]
    await service.correct(data, HOME, Correction(at, right="Y"))
    again = await service.correct(data, HOME, Correction(at, right="y"))
    assert again.right is not None
    assert (again.right.sample_count, again.added, again.entry_ids) == (1, False, ())


async def test_a_sample_of_the_wrong_one_moves_or_goes(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    name = cast_pictures.cast[0].name
    data = (cast_pictures.folder / name / "1.png").read_bytes()
    at = (await seen(service, data))[2]
    wrong = await service.gallery.character([HOME], name)
    moved = await service.correct(data, HOME, Correction(at, right="Y", wrong=wrong.id))
    assert moved.added
    assert (await service.gallery.character([HOME], name)).sample_count == 2
    assert (await seen(service, data))[:2] == (Decision.KNOWN, "Y")

    other = (cast_pictures.folder / name / "2.png").read_bytes()
    at = (await seen(service, other))[2]
    gone = await service.correct(other, HOME, Correction(at, wrong=wrong.id))
    assert gone.right is None
    assert len(gone.entry_ids) == 2
    assert (await service.gallery.character([HOME], name)).sample_count == 1
    assert (await seen(service, other))[1] != name


async def test_pictures_that_are_only_alike_stay_where_they_are(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    name = cast_pictures.cast[0].name
    original = decode((cast_pictures.folder / name / "1.png").read_bytes(), Options().images).frames[0]
    alike = encode(resized(original, 400, 400), format="jpeg", quality=80)
    at = (await seen(service, alike))[2]
    wrong = await service.gallery.character([HOME], name)
    corrected = await service.correct(alike, HOME, Correction(at, right="Y", wrong=wrong.id))
    assert corrected.added
    assert (await service.gallery.character([HOME], name)).sample_count == 3
    assert (await seen(service, alike))[:2] == (Decision.KNOWN, "Y")


async def test_a_poor_face_is_evidence_but_no_sample(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    picture = decode(cast_pictures.new[0].read_bytes(), Options().images).frames[0]
    data = encode(resized(picture, 72, 72), format="png")
    at = (await seen(service, data))[2]
    assert min(at.box.width, at.box.height) < 32
    wrong = (await service.gallery.character([HOME], cast_pictures.cast[0].name)).id
    corrected = await service.correct(data, HOME, Correction(at, right="Y", wrong=wrong))
    assert corrected.right is None
    assert corrected.too_poor is not None
    assert corrected.wrong is not None
    assert (await seen(service, data))[1] is None
    assert not await service.gallery.characters([HOME], query="Y")


async def test_who_is_not_of_the_scope_is_no_wrong_one(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.new[2].read_bytes()
    for number in (1, 2, 3):
        path = cast_pictures.folder / cast_pictures.cast[2].name / f"{number}.png"
        await service.enroll(path.read_bytes(), SHARED, EnrollRequest("Shared"))
    decision, name, at = await seen(service, data, HOME, SHARED)
    assert (decision, name) == (Decision.KNOWN, "Shared")
    wrong = (await service.gallery.character([SHARED], "Shared")).id
    corrected = await service.correct(data, HOME, Correction(at, right="Own", wrong=wrong))
    assert corrected.wrong is None
    assert (await seen(service, data, HOME, SHARED))[:2] == (Decision.KNOWN, "Own")
    assert (await seen(service, data, SHARED))[:2] == (Decision.KNOWN, "Shared")


async def test_a_face_that_is_not_there_is_not_found_again(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.new[0].read_bytes()
    for at in (FaceAt(FaceBox(0, 0, 5, 5)), FaceAt(FaceBox(0, 0, 5, 5), frame=9)):
        with pytest.raises(NoFaceError):
            await service.correct(data, HOME, Correction(at, right="Y"))
        if at.frame:
            with pytest.raises(NoFaceError):
                await service.cut_faces(data, [at])
            with pytest.raises(NoFaceError):
                await service.number_faces(data, [at])


@pytest.mark.parametrize(
    "box", [FaceBox(0, 0, 1e6, 1e6), FaceBox(-1e6, -1e6, 1e6, 1e6), FaceBox(5e4, 10, 5.01e4, 90)]
)
async def test_nothing_is_cut_where_no_face_can_be(
    service: LocalFaceService, cast_pictures: CastPictures, box: FaceBox
) -> None:
    with pytest.raises(NoFaceError):
        await service.cut_faces(cast_pictures.new[0].read_bytes(), [FaceAt(box)])


async def test_a_rehearsal_tells_what_would_come_and_changes_nothing(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    name = cast_pictures.cast[0].name
    before = await service.gallery.stats()
    alike = await service.rehearse(cast_pictures.new[0].read_bytes(), HOME, EnrollRequest("Y"))
    assert alike.duplicate is None
    assert alike.looks_like is not None
    assert alike.looks_like.character.name == name
    same = await service.rehearse(cast_pictures.new[0].read_bytes(), HOME, EnrollRequest(name.upper()))
    assert same.looks_like is None
    enrolled = (cast_pictures.folder / name / "1.png").read_bytes()
    again = await service.rehearse(enrolled, HOME, EnrollRequest("Y"))
    assert again.duplicate is not None
    assert again.enrolled_as is not None
    assert again.enrolled_as.name == name
    elsewhere = await service.rehearse(
        cast_pictures.new[0].read_bytes(), SHARED, EnrollRequest("Y"), shared=[HOME]
    )
    assert elsewhere.looks_like is not None
    after = await service.gallery.stats()
    assert (after.samples, after.characters) == (before.samples, before.characters)


async def test_prepared_faces_become_samples_together(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    folder = cast_pictures.folder / cast_pictures.cast[3].name
    request = EnrollRequest("Y")
    faces = [
        (await service.rehearse((folder / f"{number}.png").read_bytes(), HOME, request)).face
        for number in (1, 2)
    ]
    enrolled = await service.enroll_prepared(faces, HOME, request)
    assert (len(enrolled.samples), enrolled.created) == (2, True)


async def test_the_false_name_rate_may_differ_from_the_usual_one(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    """The looser it is, the more faces are named; what is not calibrated counts as the nearest that is."""
    strict, loose = (service._policy_at(rate).level_for(3).threshold for rate in (1e-9, 0.999))
    assert strict > service._policy_at(0.01).level_for(3).threshold > loose
    data = cast_pictures.group.read_bytes()
    named = []
    for rate in (1e-9, 0.01, None, 0.999):
        answer = await service.identify(data, [HOME], draw=False, false_name_rate=rate)
        named.append(sum(face.decision is not Decision.UNKNOWN for face in answer.identification.faces))
    assert named == sorted(named)
    assert named[1] == named[2]


async def test_words_in_the_picture_are_those_that_are_asked_for(
    service: LocalFaceService, cast_pictures: CastPictures
) -> None:
    data = cast_pictures.stranger_portrait.read_bytes()
    english, japanese, default = [
        (await service.identify(data, [HOME], words=words)).picture
        for words in (AnnotateWords(), AnnotateWords(unknown="不明"), None)
    ]
    assert english is not None
    assert default is not None
    assert japanese is not None
    assert english.data == default.data != japanese.data
