"""Tokens: where they may come from, and that nothing ever shows them."""

from __future__ import annotations

import traceback

import pytest

from config.errors import SettingsError
from tests.config.conftest import Load

TOKEN = "MTA1-not_a.real~token"


@pytest.mark.parametrize(
    ("environ", "dotenv", "expected", "source"),
    [
        ({}, "", None, None),
        ({"DISCORD_TOKEN": "one"}, "", "one", "environment"),
        ({}, "DISCORD_TOKEN=two", "two", ".env"),
        ({"DISCORD_TOKEN": "one"}, "DISCORD_TOKEN=two", "one", "environment"),
        ({"DISCORD_TOKEN": " one\n"}, "", "one", "environment"),
        ({"DISCORD_TOKEN": ""}, "DISCORD_TOKEN=two", None, None),
        ({"DISCORD_TOKEN": " "}, "", None, None),
    ],
)
def test_a_token_comes_from_the_environment_else_from_dotenv_and_an_empty_one_is_none(
    load: Load, environ: dict[str, str], dotenv: str, expected: str | None, source: str | None
) -> None:
    settings = load(environ=environ, dotenv=dotenv)

    token = settings.secrets.discord_token
    assert (token and token.get_secret_value()) == expected
    assert settings.secrets.plain() == ((expected,) if expected else ())
    assert settings.sources.get("discord_token") == source
    assert settings.secrets.telegram_token is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"toml": f"discord_token = '{TOKEN}'"},
        {"toml": f"[secrets]\ntelegram_token = '{TOKEN}'"},
        {"toml": f"[discord]\ntoken = '{TOKEN}'"},
        {"toml": f"[discord.Token]\nvalue = '{TOKEN}'"},
        {"toml": f"DISCORD_TOKEN = '{TOKEN}'"},
        {"overrides": [f"discord_token={TOKEN}"]},
        {"environ": {"DAREDA_DISCORD_TOKEN": TOKEN}},
        {"environ": {"DAREDA_SECRETS__TELEGRAM_TOKEN": TOKEN}},
        {"dotenv": f"DAREDA_DISCORD_TOKEN={TOKEN}"},
    ],
)
def test_a_token_anywhere_else_is_refused_with_where_it_belongs(
    load: Load, arguments: dict[str, object]
) -> None:
    with pytest.raises(SettingsError) as refused:
        load(**arguments)

    assert (
        "only from the environment or .env, as DISCORD_TOKEN, TELEGRAM_TOKEN, WEB_TOKEN"
        in refused.value.reason
    )
    assert TOKEN not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    "arguments",
    [
        {"environ": {"DISCORD_TOKEN": f"Bot {TOKEN}"}},
        {"environ": {"DISCORD_TOKEN": f"{TOKEN}\n{TOKEN}"}},
        {"environ": {"DISCORD_TOKEN": TOKEN, "DAREDA_IMAGES__MAX_BYTES": TOKEN}},
        {"environ": {"TELEGRAM_TOKEN": TOKEN}, "overrides": [f"models.device=cuda {TOKEN}"]},
        {"dotenv": f"DISCORD_TOKEN={TOKEN}", "toml": f"[gallery]\nshared = '{TOKEN}'"},
        {"dotenv": f"DISCORD_TOKEN={TOKEN}", "toml": f"[images]\nmax_side = ['{TOKEN}']"},
        {"environ": {}, "toml": f"DISCORD_TOKEN = '{TOKEN}"},
        {"environ": {}, "toml": f"'{TOKEN}'".encode() + b"\xff"},
    ],
)
def test_no_error_ever_shows_a_token(load: Load, arguments: dict[str, object]) -> None:
    with pytest.raises(SettingsError) as refused:
        load(**arguments)

    assert TOKEN not in "".join(traceback.format_exception(refused.value)) + repr(refused.value)


def test_settings_do_not_show_their_tokens(load: Load) -> None:
    settings = load(environ={"DISCORD_TOKEN": TOKEN, "TELEGRAM_TOKEN": TOKEN})

    assert settings.secrets.plain() == (TOKEN, TOKEN)
    for shown in (repr(settings), str(settings), f"{settings.secrets}", f"{settings.secrets.discord_token}"):
        assert TOKEN not in shown
