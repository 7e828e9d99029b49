"""Answers, questions and reviews as rows; every function works inside the transaction of its caller."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot.chat import Actor, ChatRef
from bot.chat_rows import OF_SPACE, as_json, as_time, space_key
from bot.errors import NotYoursError, ReviewSettledError, TokenUnknownError
from bot.remembered import Answer, Question, RememberedFace, Review, ReviewState
from inference.domain import CharacterId, Decision, FaceBox
from inference.errors import OverloadedError

MAX_OPEN_REVIEWS = 1_000
"""Of one space."""

_ANSWER = "id, chat, asker, images, faces, at, message"
_QUESTION = "token, chat, kind, data, expires, asked"
_REVIEW = 'id, chat, image, frame, box, proposer, at, "right", wrong, state, settled_by'


# ── answers ─────────────────────────────────────────────────────────────────────────────────────


def insert_answer(connection: sqlite3.Connection, answer: Answer) -> None:
    connection.execute(
        f"INSERT INTO answers(platform, space, {_ANSWER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *space_key(answer.chat),
            answer.id,
            as_json(asdict(answer.chat)),
            answer.asker,
            as_json(answer.images),
            as_json([asdict(face) for face in answer.faces]),
            answer.at.timestamp(),
            answer.message,
        ),
    )


def set_message(connection: sqlite3.Connection, chat: ChatRef, answer_id: str, message: str) -> None:
    connection.execute(
        f"UPDATE answers SET message = ? WHERE {OF_SPACE} AND id = ?", (message, *space_key(chat), answer_id)
    )


def find_answer(
    connection: sqlite3.Connection, chat: ChatRef, *, after: datetime, answer_id: str = "", message: str = ""
) -> Answer | None:
    """By its id or its message, if it was given after that time."""
    row = connection.execute(
        f"""SELECT {_ANSWER} FROM answers WHERE {OF_SPACE} AND at > ?
            AND ((?4 <> '' AND id = ?4) OR (?5 <> '' AND message = ?5)) ORDER BY at DESC""",
        (*space_key(chat), after.timestamp(), answer_id, message),
    ).fetchone()
    if row is None:
        return None
    return Answer(
        id=row[0],
        chat=_as_chat(row[1]),
        asker=row[2],
        images=tuple(json.loads(row[3])),
        faces=tuple(_as_face(face) for face in json.loads(row[4])),
        at=as_time(row[5]),
        message=row[6],
    )


def delete_answer(connection: sqlite3.Connection, chat: ChatRef, answer_id: str) -> None:
    connection.execute(f"DELETE FROM answers WHERE {OF_SPACE} AND id = ?", (*space_key(chat), answer_id))


# ── questions ───────────────────────────────────────────────────────────────────────────────────


def insert_question(connection: sqlite3.Connection, question: Question) -> None:
    connection.execute(
        f"INSERT INTO questions(platform, space, {_QUESTION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *space_key(question.chat),
            question.token,
            as_json(asdict(question.chat)),
            question.kind,
            as_json(question.data),
            question.expires.timestamp(),
            question.asked,
        ),
    )


def find_question(
    connection: sqlite3.Connection, chat: ChatRef, token: str, user: str, *, at: datetime, take: bool
) -> Question:
    """Raises TokenUnknownError, NotYoursError."""
    row = connection.execute(
        f"SELECT {_QUESTION} FROM questions WHERE {OF_SPACE} AND token = ? AND expires > ?",
        (*space_key(chat), token, at.timestamp()),
    ).fetchone()
    if row is None:
        raise TokenUnknownError
    question = Question(
        token=row[0],
        chat=_as_chat(row[1]),
        kind=row[2],
        data=json.loads(row[3]),
        expires=as_time(row[4]),
        asked=row[5],
    )
    if question.asked not in ("", user):
        raise NotYoursError
    if take:
        connection.execute("DELETE FROM questions WHERE token = ?", (token,))
    return question


# ── reviews ─────────────────────────────────────────────────────────────────────────────────────


def insert_review(connection: sqlite3.Connection, review: Review) -> bool:
    """False when the same user has an open one that says the same. Raises OverloadedError."""
    if count_reviews(connection, review.chat) >= MAX_OPEN_REVIEWS:
        raise OverloadedError(limit=MAX_OPEN_REVIEWS)
    proposer = Actor(review.proposer.id, review.proposer.name, language=review.proposer.language)
    box = as_json(review.box.xyxy)
    same = connection.execute(
        f"""SELECT 1 FROM reviews WHERE {OF_SPACE} AND state = 'open' AND image = ? AND frame = ?
            AND box = ? AND proposer_id = ? AND "right" = ? AND wrong IS ?""",
        (*space_key(review.chat), review.image, review.frame, box, proposer.id, review.right, review.wrong),
    ).fetchone()
    if same:
        return False
    connection.execute(
        f"INSERT INTO reviews(platform, space, proposer_id, {_REVIEW}) VALUES ({', '.join('?' * 14)})",
        (
            *space_key(review.chat),
            proposer.id,
            review.id,
            as_json(asdict(review.chat)),
            review.image,
            review.frame,
            box,
            as_json({"id": proposer.id, "name": proposer.name, "language": proposer.language}),
            review.at.timestamp(),
            review.right,
            review.wrong,
            review.state,
            review.settled_by,
        ),
    )
    return True


def list_reviews(
    connection: sqlite3.Connection, chat: ChatRef | None, offset: int, limit: int
) -> tuple[Review, ...]:
    """The open ones of the space, or of all, oldest first."""
    where, key = (OF_SPACE, space_key(chat)) if chat else ("1", ())
    rows = connection.execute(
        f"SELECT {_REVIEW} FROM reviews WHERE {where} AND state = 'open' ORDER BY seq LIMIT ? OFFSET ?",
        (*key, limit, offset),
    )
    return tuple(_as_review(row) for row in rows)


def count_reviews(connection: sqlite3.Connection, chat: ChatRef | None) -> int:
    """The open ones of the space, or of all."""
    where, key = (OF_SPACE, space_key(chat)) if chat else ("1", ())
    row = connection.execute(f"SELECT count(*) FROM reviews WHERE {where} AND state = 'open'", key).fetchone()
    return int(row[0])


def find_review(connection: sqlite3.Connection, chat: ChatRef, review_id: str) -> Review:
    """Raises TokenUnknownError."""
    row = connection.execute(
        f"SELECT {_REVIEW} FROM reviews WHERE {OF_SPACE} AND id = ?", (*space_key(chat), review_id)
    ).fetchone()
    if row is None:
        raise TokenUnknownError
    return _as_review(row)


def settle_review(
    connection: sqlite3.Connection, chat: ChatRef, review_id: str, state: ReviewState, by: str
) -> Review:
    """Raises TokenUnknownError, ReviewSettledError."""
    before = find_review(connection, chat, review_id)
    if (before.state is ReviewState.OPEN) == (state is ReviewState.OPEN):
        raise ReviewSettledError
    connection.execute(
        "UPDATE reviews SET state = ?, settled_by = ? WHERE id = ?",
        (state, "" if state is ReviewState.OPEN else by, review_id),
    )
    return find_review(connection, chat, review_id)


# ── values ──────────────────────────────────────────────────────────────────────────────────────


def _as_chat(text: str) -> ChatRef:
    return ChatRef(**json.loads(text))


def _as_face(values: dict[str, Any]) -> RememberedFace:
    return RememberedFace(
        image=values["image"],
        frame=values["frame"],
        box=FaceBox(**values["box"]),
        decision=Decision(values["decision"]),
        characters=tuple(map(CharacterId, values["characters"])),
    )


def _as_review(row: Sequence[Any]) -> Review:
    return Review(
        id=row[0],
        chat=_as_chat(row[1]),
        image=row[2],
        frame=row[3],
        box=FaceBox(*json.loads(row[4])),
        proposer=Actor(**json.loads(row[5])),
        at=as_time(row[6]),
        right=row[7],
        wrong=None if row[8] is None else CharacterId(row[8]),
        state=ReviewState(row[9]),
        settled_by=row[10],
    )
