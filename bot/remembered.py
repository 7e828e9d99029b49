"""What is remembered of chats: the values that `bot.chat_store` keeps. No picture is among them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.chat import Actor, ChatRef
from inference.domain import CharacterId, Decision, FaceBox

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def new_token() -> str:
    """22 URL-safe characters that nobody guesses."""
    return secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True)
class RememberedFace:
    """A face that an answer was about; found again in its picture by its box."""

    image: int
    """Index in `Answer.images`."""
    frame: int
    """Index of the sampled frame; 0 in a still picture."""
    box: FaceBox
    """Pixels of the decoded, upright picture."""
    decision: Decision
    characters: tuple[CharacterId, ...] = ()
    """The matches, best first; the first is whom the face was named as, if it was."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer under posted pictures."""

    id: str
    """A `new_token()`."""
    chat: ChatRef
    asker: str
    """Id of the user whose pictures they are."""
    images: tuple[str, ...]
    """`IncomingImage.reference` of each."""
    faces: tuple[RememberedFace, ...]
    at: datetime
    message: str = ""
    """The message that shows it; empty until it was sent."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that the bot asked, or a button that it offers, and what it needs to go on."""

    token: str
    """A `new_token()`."""
    chat: ChatRef
    kind: str
    """Names who goes on with it."""
    data: Mapping[str, Json]
    expires: datetime
    asked: str = ""
    """Id of the one user who may answer; empty: anybody."""


class ReviewState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Review:
    """What somebody without the right to teach says about a face; a teacher decides."""

    id: str
    """A `new_token()`."""
    chat: ChatRef
    image: str
    """`IncomingImage.reference`."""
    frame: int
    box: FaceBox
    proposer: Actor
    at: datetime
    right: str = ""
    """Name of the character that it is; empty where only a wrong one is said."""
    wrong: CharacterId | None = None
    """Whom the answer had named."""
    state: ReviewState = ReviewState.OPEN
    settled_by: str = ""
    """Id of the teacher."""


class EventKind(StrEnum):
    """What arrives from a platform and may arrive twice."""

    POST = "post"
    COMMAND = "command"
    PRESS = "press"
    SUBMISSION = "submission"


@dataclass(frozen=True, slots=True)
class Traces:
    """How much is remembered that names one user."""

    answers: int
    """To their pictures."""
    questions: int
    """Buttons and menus that only they may press."""
    reviews: int
    """What they said about faces."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How often things happened in a space, by name."""

    since: datetime | None
    """When the first was counted."""
    counts: Mapping[str, int] = field(default_factory=dict)
