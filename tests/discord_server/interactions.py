"""One use of a command, button or modal: its token, its deadlines and what the bot answered."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from tests.discord_server.clock import ServerClock
from tests.discord_server.errors import (
    ALREADY_ACKNOWLEDGED,
    EXPIRED_WEBHOOK_TOKEN,
    UNKNOWN_INTERACTION,
    UNKNOWN_WEBHOOK,
    ApiError,
)
from tests.discord_server.state import Channel, Json, Member, Message, User

ACKNOWLEDGE_WITHIN_S = 3.0
"""After that the token is invalid (Interactions, "Interaction Callback")."""

TOKEN_VALID_S = 15 * 60.0
"""For follow-ups and edits (Interactions, "Interaction Callback")."""


class InteractionKind(IntEnum):
    """Interaction types (Interactions, "Interaction Type")."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class CallbackKind(IntEnum):
    """Callback types (Interactions, "Interaction Callback Type")."""

    PONG = 1
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


_ANYWHERE = {CallbackKind.MESSAGE, CallbackKind.DEFERRED_MESSAGE}
_ON_COMPONENTS = {CallbackKind.DEFERRED_UPDATE, CallbackKind.UPDATE}


@dataclass(eq=False, slots=True)
class Interaction:
    """What one person did and how the bot answered."""

    id: int
    kind: InteractionKind
    user: User
    channel: Channel
    data: Json
    created_at: float
    member: Member | None = None
    message: Message | None = None
    """That the component is on, also for a modal that a component opened."""
    command_type: int | None = None
    """1 slash command, 2 user menu, 3 message menu; for commands only."""
    command_name: str = ""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    acknowledged_at: float | None = None
    callback: CallbackKind | None = None
    choices: list[Json] | None = None
    """What autocomplete offers."""
    modal: Json | None = None
    """The modal that the bot opened."""
    original: Message | None = None
    """The first answer: the bot's own message, or for updates the message with the component."""
    followups: list[Message] = field(default_factory=list)

    @property
    def acknowledged_after_s(self) -> float:
        assert self.acknowledged_at is not None, "not acknowledged"
        return self.acknowledged_at - self.created_at

    def focused_option(self) -> Json:
        """The option that autocomplete is asked for."""
        options = self.data["options"]
        while options and "options" in options[0]:
            options = options[0]["options"]
        found: Json = next(option for option in options if option.get("focused"))
        return found

    def allowed_callbacks(self) -> set[CallbackKind]:
        """Which first answers this may get (Interactions, notes under "Interaction Callback Type")."""
        match self.kind:
            case InteractionKind.COMMAND:
                return _ANYWHERE | {CallbackKind.MODAL}
            case InteractionKind.COMPONENT:
                return _ANYWHERE | _ON_COMPONENTS | {CallbackKind.MODAL}
            case InteractionKind.AUTOCOMPLETE:
                return {CallbackKind.CHOICES}
            case InteractionKind.MODAL_SUBMIT:
                return _ANYWHERE | (_ON_COMPONENTS if self.message else set())


class Interactions:
    """All that happened, by id and by token, with the deadlines enforced."""

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._by_id: dict[int, Interaction] = {}

    def __iter__(self) -> Iterator[Interaction]:
        return iter(self._by_id.values())

    def add(self, interaction: Interaction) -> None:
        self._by_id[interaction.id] = interaction

    def to_acknowledge(self, interaction_id: int, token: str) -> Interaction:
        """The interaction, for its first answer.

        Raises:
            ApiError: 10062 after three seconds or for a wrong token, 40060 when it has been answered.
        """
        interaction = self._by_id.get(interaction_id)
        if interaction is None or interaction.token != token:
            raise ApiError(UNKNOWN_INTERACTION)
        if interaction.callback is not None:
            raise ApiError(ALREADY_ACKNOWLEDGED)
        if self._clock.now() - interaction.created_at > ACKNOWLEDGE_WITHIN_S:
            raise ApiError(UNKNOWN_INTERACTION)
        return interaction

    def acknowledge(self, interaction: Interaction, callback: CallbackKind) -> None:
        interaction.callback = callback
        interaction.acknowledged_at = self._clock.now()

    def answered(self, token: str) -> Interaction:
        """The interaction, for what comes after its first answer.

        Raises:
            ApiError: 50027 after fifteen minutes, 10015 for a token that nobody has or that is not answered.
        """
        for interaction in self._by_id.values():
            if interaction.token == token:
                break
        else:
            raise ApiError(UNKNOWN_WEBHOOK)
        if self._clock.now() - interaction.created_at > TOKEN_VALID_S:
            raise ApiError(EXPIRED_WEBHOOK_TOKEN)
        if interaction.callback is None:
            raise ApiError(UNKNOWN_WEBHOOK)
        return interaction
