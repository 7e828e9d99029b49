from __future__ import annotations

import pytest

from bot.chat import Actor
from bot.errors import NotAllowedError
from bot.permissions import may_manage, may_teach, require_manager, require_teacher
from bot.space_settings import SpaceSettings
from config.options import ChatOptions
from tests.bot.chats import make_actor, make_chat

OPTIONS = ChatOptions(operators=("discord:42",))
SETTINGS = SpaceSettings(teachers=("900", "8"))


@pytest.mark.parametrize(
    ("actor", "manages", "teaches"),
    [
        (make_actor(), False, False),
        (make_actor(roles=frozenset({"901"})), False, False),
        (make_actor(roles=frozenset({"901", "900"})), False, True),
        (make_actor("8"), False, True),
        (make_actor(manages=True), True, True),
        (make_actor("42"), True, True),
        (make_actor("900"), False, True),
    ],
)
def test_managers_and_operators_may_everything_and_the_chosen_may_teach(
    actor: Actor, manages: bool, teaches: bool
) -> None:
    chat = make_chat()
    assert may_manage(actor, chat, OPTIONS) is manages
    assert may_teach(actor, chat, SETTINGS, OPTIONS) is teaches
    if not manages:
        with pytest.raises(NotAllowedError) as caught:
            require_manager(actor, chat, OPTIONS)
        assert caught.value.data["what"] == "manage"
    if not teaches:
        with pytest.raises(NotAllowedError) as caught:
            require_teacher(actor, chat, SETTINGS, OPTIONS)
        assert caught.value.data["what"] == "teach"


def test_an_operator_of_one_platform_is_nobody_on_another() -> None:
    chat = make_chat(platform="telegram")
    assert not may_manage(make_actor("42"), chat, OPTIONS)
    assert not may_teach(make_actor("42"), chat, SpaceSettings(), OPTIONS)


def test_where_nobody_was_chosen_only_managers_teach() -> None:
    chat, settings = make_chat(), SpaceSettings()
    assert not may_teach(make_actor(roles=frozenset({""})), chat, settings, OPTIONS)
    require_teacher(make_actor(manages=True), chat, settings, OPTIONS)
    require_manager(make_actor(manages=True), chat, OPTIONS)
