"""The codec: what goes in comes out, bit by bit, and what is not right does not come in."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from inference.annotate import AnnotateWords, EncodedImage
from inference.domain import (
    Character,
    CharacterId,
    Decision,
    Detection,
    Embeddings,
    FaceAt,
    FaceBox,
    FaceCrop,
    FaceResult,
    Identification,
    Match,
    SampleId,
    Scope,
    as_embeddings,
)
from inference.enroll import EnrollRequest, PreparedFace, Rehearsal
from inference.errors import AppError, CharacterNotFoundError, ImageTooLargeError, RequestInvalidError
from inference.gallery.base import AuditEntry, NewSample
from inference.operations import operations
from inference.service import Answer
from inference.wire import JSON, MSGPACK, ErrorAnswer, as_answer, as_error, decode, encode
from tests.bot.test_texts import all_errors, make_error
from tests.inference.gallery.samples import make_sample

# An adapter's own errors never leave its process, and two of them share a code.
SENT_ERRORS = [kind for kind in all_errors() if not kind.__module__.startswith("bot.adapters")]
BOTH = pytest.mark.parametrize("media_type", [MSGPACK, JSON])
CHARACTER = Character(CharacterId("c1"), Scope("discord:1"), "千反田 える", "氷菓", ("Eru", "\U0001f600"), 3)


def again(value: object, kind: Any, media_type: str) -> Any:
    return decode(encode(value, media_type), kind, media_type)


def make_answer() -> Answer:
    face = FaceResult(
        Detection(FaceBox(0.1, 1 / 3, 1e-300, 65535.000000000007), 0.93, (0.5, 0.25)),
        2,
        Decision.UNSURE,
        CHARACTER,
        (Match(CHARACTER, SampleId("s"), -0.1, None), Match(CHARACTER, SampleId("t"), 0.7, math.pi / 4)),
    )
    stranger = FaceResult(Detection(FaceBox(0, 0, 1, 1), 1.0), 0, Decision.UNKNOWN, None, ())
    return Answer(
        Identification(800, 600, (face, stranger), {"decode": 9.1, "total": 0.1 + 0.2}, 3),
        EncodedImage(bytes(range(256)) * 3, "image/jpeg", 800, 600),
    )


@BOTH
def test_an_answer_with_its_picture_comes_back_as_it_was(media_type: str) -> None:
    assert again(make_answer(), Answer, media_type) == make_answer()


@BOTH
def test_a_rehearsal_comes_back_with_its_vector_and_its_error(media_type: str) -> None:
    sample = make_sample(1)
    duplicate = make_error(next(e for e in all_errors() if e.__name__ == "SampleExistsError"))
    given_one = Rehearsal(
        PreparedFace(sample, Detection(FaceBox(1, 2, 3, 4), 0.5)), duplicate, CHARACTER, None
    )  # type: ignore[arg-type]
    back = again(given_one, Rehearsal, media_type)
    assert back.face.sample.embedding.tobytes() == sample.embedding.tobytes()
    assert back.face.sample.perceptual_hash == sample.perceptual_hash
    assert back.face.sample.crop == sample.crop
    assert (type(back.duplicate), back.duplicate.data) == (type(duplicate), duplicate.data)
    assert (back.enrolled_as, back.looks_like) == (CHARACTER, None)


@BOTH
@given(
    st_numpy.arrays(
        np.float32,
        st.tuples(st.integers(0, 4), st.just(8)),
        elements=st.floats(-1e3, 1e3, width=32, allow_subnormal=False),
    )
)
def test_vectors_come_back_bit_by_bit(media_type: str, rows: np.ndarray[Any, Any]) -> None:
    if rows.size and np.linalg.norm(rows.astype(float), axis=1).min() < 1e-6:
        return
    vectors = as_embeddings(rows, 8)
    back = again(vectors, Embeddings, media_type)
    assert back.tobytes() == vectors.tobytes()
    assert (back.dtype, back.shape) == (np.float32, vectors.shape)


@BOTH
def test_times_keep_their_microseconds_and_their_zone(media_type: str) -> None:
    at = datetime(2024, 2, 29, 23, 59, 59, 123457, tzinfo=UTC)
    entry = AuditEntry(7, at, Scope("cli"), "me", "enroll", {"n": 1, "names": ["a"]}, None, None)
    back = again(entry, AuditEntry, media_type)
    assert back == entry and back.at.utcoffset() == at.utcoffset()


@BOTH
@pytest.mark.parametrize("kind", SENT_ERRORS, ids=lambda kind: kind.__name__)
def test_every_error_is_raised_again_as_it_was(kind: type[AppError], media_type: str) -> None:
    error = make_error(kind)
    back = as_error(again(as_answer(error, "id"), ErrorAnswer, media_type))
    assert type(back) is kind
    assert (str(back), back.data, back.code) == (str(error), error.data, error.code)


def test_tuples_of_an_error_are_tuples_again() -> None:
    back = as_error(
        decode(encode(as_answer(CharacterNotFoundError(name="x", suggestions=("a", "b")))), ErrorAnswer)
    )
    assert back is not None and back.data["suggestions"] == ("a", "b")


@pytest.mark.parametrize(
    "answer",
    [
        ErrorAnswer("new_trouble", "NewTroubleError", "From a later version."),
        ErrorAnswer("no_face", "ImageTooLargeError", "Code and kind differ.", {}),
        ErrorAnswer(ImageTooLargeError.code, "ImageTooLargeError", "Its data is missing.", {}),
    ],
)
def test_an_error_that_this_version_does_not_know_is_none(answer: ErrorAnswer) -> None:
    assert as_error(answer) is None


# ── what does not come in ───────────────────────────────────────────────────────────────────────

FACE_BOX = {"x1": 0.0, "y1": 0.0, "x2": 1.0, "y2": 1.0}


@BOTH
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"box": FACE_BOX, "frame": -1}, FaceAt),
        ({"box": FACE_BOX | {"x2": 1e300}}, FaceAt),
        ({"box": {"x1": 0.0}}, FaceAt),
        ({"name": "x", "face": 0}, EnrollRequest),
        ({"name": "x", "face": -3}, EnrollRequest),
        ({"name": 3}, EnrollRequest),
        ({"unknown": "x" * 101}, AnnotateWords),
        ([1, 2, 3], EnrollRequest),
        ({"shape": [2], "float32": b"\0" * 8}, Embeddings),
        ({"shape": [2], "float32": b"\0" * 4}, Embeddings),
        ({"shape": [-1, -1], "float32": b"\0" * 4}, Embeddings),
        ({"shape": [], "float32": b"\0" * 4}, Embeddings),
        ({"shape": [1, 1, 1], "float32": np.float32(1).tobytes()}, Embeddings),
        ({"shape": [1], "float32": np.float32(np.nan).tobytes()}, Embeddings),
        ({"shape": [1], "float32": np.float32(np.inf).tobytes()}, Embeddings),
        ({"shape": [1], "float32": "not base64"}, Embeddings),
        ({"shape": [1], "float32": np.float32(1).tobytes(), "more": 1}, Embeddings),
        ({"shape": [2**62], "float32": b""}, Embeddings),
        ("text", Embeddings),
    ],
)
def test_what_is_not_right_is_refused(value: object, kind: Any, media_type: str) -> None:
    with pytest.raises(RequestInvalidError):
        again(value, kind, media_type)


@pytest.mark.parametrize("hash_", [-1, 2**64])
def test_a_perceptual_hash_has_64_bits(hash_: int) -> None:
    sample = make_sample(1)
    wrong = NewSample(sample.crop, sample.embedding, "content", hash_)
    with pytest.raises(RequestInvalidError):
        again(wrong, NewSample, JSON)


@BOTH
@given(st.binary(max_size=60))
def test_rubbish_is_refused_and_nothing_else_happens(media_type: str, rubbish: bytes) -> None:
    for operation in operations().values():
        try:
            decode(rubbish, operation.arguments, media_type)
        except RequestInvalidError:
            continue


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(RequestInvalidError):
        decode(b"[" * 100_000, AuditEntry, JSON)


def test_a_crop_has_its_bytes() -> None:
    crop = FaceCrop(b"\x00\xff\r\n\xe3\x81", FaceBox(1, 2, 3, 4))
    assert again(crop, FaceCrop, MSGPACK) == again(crop, FaceCrop, JSON) == crop
