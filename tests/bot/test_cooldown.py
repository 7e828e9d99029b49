from __future__ import annotations

import pytest

from bot.chat import Actor, ChatRef
from bot.cooldown import Cooldowns
from bot.errors import CooldownError
from config.options import ChatOptions
from tests.bot.chats import HandClock, make_actor, make_chat

CHAT, USER = make_chat(), make_actor()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def cooldowns(clock: HandClock) -> Cooldowns:
    options = ChatOptions(user_burst=3, user_per_minute=6, space_burst=5, space_per_minute=60)
    return Cooldowns(options, clock=clock.seconds)


def refusal(
    cooldowns: Cooldowns, chat: ChatRef = CHAT, actor: Actor = USER, cost: float = 1
) -> CooldownError:
    with pytest.raises(CooldownError) as caught:
        cooldowns.spend(chat, actor, cost)
    return caught.value


def test_a_user_has_a_burst_and_then_so_many_a_minute(cooldowns: Cooldowns, clock: HandClock) -> None:
    for _ in range(3):
        cooldowns.spend(CHAT, USER)
    assert refusal(cooldowns).data["seconds"] == 10
    clock.forward(seconds=7.5)
    assert refusal(cooldowns).data["seconds"] == 3
    clock.forward(seconds=2.5)
    cooldowns.spend(CHAT, USER)
    assert refusal(cooldowns).data["seconds"] == 10
    clock.forward(hours=1)
    for _ in range(3):
        cooldowns.spend(CHAT, USER)
    refusal(cooldowns)


def test_one_space_or_user_never_slows_another(cooldowns: Cooldowns) -> None:
    for _ in range(3):
        cooldowns.spend(CHAT, USER)
    refusal(cooldowns)
    cooldowns.spend(make_chat("101"), USER)
    cooldowns.spend(make_chat(platform="telegram"), USER)
    cooldowns.spend(CHAT, make_actor("8"))


def test_all_users_of_a_space_share_its_bucket(cooldowns: Cooldowns, clock: HandClock) -> None:
    for user in range(5):
        cooldowns.spend(CHAT, make_actor(str(user)))
    assert refusal(cooldowns, actor=make_actor("99")).data["seconds"] == 1
    clock.forward(seconds=1)
    cooldowns.spend(CHAT, make_actor("99"))


def test_what_is_refused_costs_nothing(cooldowns: Cooldowns, clock: HandClock) -> None:
    cooldowns.spend(CHAT, USER, 3)
    for _ in range(100):
        refusal(cooldowns)
    clock.forward(seconds=10)
    cooldowns.spend(CHAT, USER)
    for user in range(4):  # of the space's 5, only what was allowed is spent (and filled again by now)
        cooldowns.spend(CHAT, make_actor(str(user)))


def test_what_costs_more_than_a_bucket_holds_takes_a_full_one(cooldowns: Cooldowns, clock: HandClock) -> None:
    cooldowns.spend(CHAT, USER, 50)
    assert refusal(cooldowns, cost=50).data["seconds"] == 30
    clock.forward(seconds=30)
    cooldowns.spend(CHAT, USER, 50)


def test_only_the_first_refusal_in_a_wait_is_news(cooldowns: Cooldowns, clock: HandClock) -> None:
    cooldowns.spend(CHAT, USER, 3)
    assert not refusal(cooldowns).repeated
    assert refusal(cooldowns).repeated
    assert not refusal(cooldowns, actor=make_actor("8"), cost=3).repeated
    clock.forward(seconds=10)
    cooldowns.spend(CHAT, USER)
    assert not refusal(cooldowns).repeated


def test_who_has_not_asked_for_long_is_forgotten(cooldowns: Cooldowns, clock: HandClock) -> None:
    for number in range(5_000):
        cooldowns.spend(make_chat(str(number)), USER)
        clock.forward(seconds=1)
    assert len(cooldowns._users._buckets) < 1_100
    for _ in range(2):
        cooldowns.spend(make_chat("4999"), USER)
    refusal(cooldowns, make_chat("4999"))
