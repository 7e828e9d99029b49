from __future__ import annotations

import json

import pytest

from bot.errors import SettingInvalidError, SettingUnknownError
from bot.space_settings import Answering, SettingName, SpaceSettings, initial_settings, with_setting
from bot.texts import LANGUAGES
from config.options import ChatOptions
from inference.domain import Scope
from tests.bot.chats import make_chat

OPTIONS = ChatOptions(offered_galleries=("vtubers", "games"))


def changed(name: str, text: str, before: SpaceSettings | None = None) -> SpaceSettings:
    return with_setting(before or SpaceSettings(), name, text, options=OPTIONS, languages=LANGUAGES)


@pytest.mark.parametrize(
    ("settings", "channel", "topic", "mentions_bot", "wanted"),
    [
        (SpaceSettings(), "1", "", True, False),
        (SpaceSettings(Answering.ALL), "1", "", False, True),
        (SpaceSettings(Answering.LISTED, ("1",)), "1", "", False, True),
        (SpaceSettings(Answering.LISTED, ("1",)), "1", "9", False, True),
        (SpaceSettings(Answering.LISTED, ("9",)), "1", "9", False, True),
        (SpaceSettings(Answering.LISTED, ("9",)), "1", "", True, False),
        (SpaceSettings(Answering.LISTED, ("",)), "1", "", True, False),
        (SpaceSettings(Answering.LISTED), "1", "", False, False),
        (SpaceSettings(Answering.ALL, ("9",)), "1", "", False, True),
        (SpaceSettings(Answering.MENTIONED), "1", "", False, False),
        (SpaceSettings(Answering.MENTIONED), "1", "", True, True),
    ],
)
def test_posts_are_wanted_where_it_is_switched_on(
    settings: SpaceSettings, channel: str, topic: str, mentions_bot: bool, wanted: bool
) -> None:
    chat = make_chat(channel=channel, topic=topic)
    assert settings.wants(chat, mentions_bot=mentions_bot) is wanted


def test_a_private_chat_is_always_answered() -> None:
    assert SpaceSettings(Answering.OFF).wants(make_chat(private=True), mentions_bot=False)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("answering", "ALL", Answering.ALL),
        ("channels", "<#12>, 13　-1005", ("12", "13", "-1005")),
        ("channels", "12 12", ("12",)),
        ("channels", "none", ()),
        ("teachers", "<@&5> <@!6>、7", ("5", "6", "7")),
        ("language", "ja", "ja"),
        ("language", "", ""),
        ("log_channel", "<#12>", "12"),
        ("log_channel", "なし", ""),
        ("say_no_face", "はい", True),
        ("say_sureness", "off", False),
        ("galleries", "games, vtubers", ("games", "vtubers")),
        ("false_name_rate", "2%", 0.02),
        ("false_name_rate", "0,5 ％", 0.005),
        ("false_name_rate", "0.01", 0.01),
        ("false_name_rate", "default", None),
        (" Language ", "zh", "zh"),
    ],
)
def test_a_setting_is_read_as_people_write_it(name: str, text: str, value: object) -> None:
    assert getattr(changed(name, text), name.strip().casefold()) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("answering", "sometimes"),
        ("answering", ""),
        ("channels", "#general"),
        ("channels", "12; DROP TABLE"),
        ("channels", " ".join(map(str, range(101)))),
        ("language", "tlh"),
        ("log_channel", "12 13"),
        ("say_no_face", "perhaps"),
        ("galleries", "secret"),
        ("galleries", "games secret"),
        ("false_name_rate", "0"),
        ("false_name_rate", "50%"),
        ("false_name_rate", "nan"),
        ("false_name_rate", "inf"),
        ("false_name_rate", "much"),
    ],
)
def test_what_a_setting_does_not_take_is_refused_with_what_it_takes(name: str, text: str) -> None:
    with pytest.raises(SettingInvalidError) as caught:
        changed(name, text)
    assert caught.value.data["setting"] == name
    if name == "galleries":
        assert caught.value.data["accepted"] == OPTIONS.offered_galleries


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(SettingUnknownError):
        changed("colour", "red")


def test_every_setting_is_a_field_and_every_field_a_setting() -> None:
    assert {*map(str, SettingName)} == set(SpaceSettings().to_json())


def test_naming_channels_answers_in_them_and_naming_none_changes_nothing_else() -> None:
    listed = changed("channels", "12")
    assert listed.answering is Answering.LISTED
    assert changed("channels", "", listed).answering is Answering.LISTED
    assert changed("channels", "", SpaceSettings(Answering.ALL)).answering is Answering.ALL


def test_settings_survive_json_and_other_versions_of_it() -> None:
    settings = changed("teachers", "5", changed("channels", "12", changed("false_name_rate", "2%")))
    values = json.loads(json.dumps(settings.to_json()))
    assert SpaceSettings.from_json(values) == settings
    assert SpaceSettings.from_json(values | {"of_a_later_version": 1}) == settings
    assert SpaceSettings.from_json({}) == SpaceSettings()


def test_a_space_sees_its_own_gallery_then_everybodys_then_the_chosen_that_are_still_offered() -> None:
    settings = SpaceSettings(galleries=("games", "withdrawn"))
    own, everybodys = Scope("discord:1"), ("common", "games")
    assert settings.scopes(own, everybodys, OPTIONS) == ("discord:1", "common", "games")
    assert settings.scopes(own, (), OPTIONS) == ("discord:1", "games")
    assert SpaceSettings().scopes(own, (), OPTIONS) == ("discord:1",)


def test_at_first_it_is_as_the_operator_says() -> None:
    assert initial_settings(ChatOptions(answering="mentioned")).answering is Answering.MENTIONED
    assert initial_settings(ChatOptions()).answering is Answering.OFF
