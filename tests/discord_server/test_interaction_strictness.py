"""Answers to interactions that Discord would refuse are refused; deadlines are kept by the server's clock."""

from __future__ import annotations

from typing import Any

import pytest

from tests.discord_server.interactions import Interaction
from tests.discord_server.raw_rest import RawRest
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Channel, Json, Member, Message

MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9

BUTTON = {"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "x"}]}


@pytest.fixture
async def used(discord_server: DiscordServer, rest: RawRest, channel: Channel, alice: Member) -> Interaction:
    """A slash command with autocomplete, just used."""
    option = {"name": "name", "type": 3, "description": "x", "autocomplete": True}
    commands = f"/applications/{discord_server.world.application_id}/commands"
    await rest.send("PUT", commands, [{"name": "who", "description": "x", "options": [option]}])
    return discord_server.slash(channel, alice, "who", {"name": "x"})


async def clicked(server: DiscordServer, rest: RawRest, channel: Channel, alice: Member) -> Interaction:
    """A button of a message of the bot's, just pressed."""
    sent = await rest.send(
        "POST", f"/channels/{channel.id}/messages", {"content": "x", "components": [BUTTON]}
    )
    message: Message = server.world.messages[int(sent.body["id"])]
    return server.click(message, alice, "x")


def text_input(**changes: Any) -> Json:
    return {"type": 4, "custom_id": "t", "style": 1, "label": None} | changes


def label(**changes: Any) -> Json:
    return {"type": 18, "label": "Name", "component": text_input()} | changes


def modal(**changes: Any) -> Json:
    return {"custom_id": "m", "title": "Who?", "components": [label()]} | changes


async def test_a_second_answer(discord_server: DiscordServer, rest: RawRest, used: Interaction) -> None:
    assert (await rest.respond(used, MESSAGE, {"content": "x"})).status == 204
    assert (await rest.respond(used, MESSAGE, {"content": "x"})).code == 40060
    assert len(discord_server.take_errors()) == 1


async def test_an_answer_after_three_seconds(
    discord_server: DiscordServer, rest: RawRest, used: Interaction
) -> None:
    discord_server.clock.advance(3.1)
    assert (await rest.respond(used, MESSAGE, {"content": "x"})).code == 10062


async def test_an_answer_with_a_wrong_token(rest: RawRest, used: Interaction) -> None:
    answer = await rest.send("POST", f"/interactions/{used.id}/wrong/callback", {"type": 5})
    assert answer.code == 10062


async def test_tokens_live_for_fifteen_minutes(
    discord_server: DiscordServer, rest: RawRest, used: Interaction
) -> None:
    webhook = rest.webhook(used)
    assert (await rest.send("POST", webhook, {"content": "too early"})).code == 10015
    await rest.respond(used, DEFERRED)
    discord_server.clock.advance(14 * 60)
    assert (await rest.send("PATCH", webhook + "/messages/@original", {"content": "in time"})).status == 200
    assert (await rest.send("POST", webhook, {"content": "more"}, params={"wait": "1"})).status == 200
    discord_server.clock.advance(61)
    expired = await rest.send("POST", webhook, {"content": "too late"})
    assert (expired.status, expired.code) == (401, 50027)
    assert (await rest.send("POST", webhook + "x", {"content": "x"})).code == 10015
    assert len(discord_server.take_errors()) == 2, "both unknown webhooks"


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        (1, None, "type"),
        (DEFERRED_UPDATE, None, "type"),
        (UPDATE, {"content": "x"}, "type"),
        (CHOICES, {"choices": []}, "type"),
        (10, None, "type"),
        (MESSAGE, {"content": "x" * 2001}, "content"),
        (MESSAGE, {"content": "x", "flags": 128}, "flags"),
        (MESSAGE, {"content": "x", "nonce": "x"}, "nonce"),
        (DEFERRED, {"flags": 4}, "flags"),
        (DEFERRED, {"content": "x"}, "content"),
        (MODAL, modal(title="x" * 46), "title"),
        (MODAL, modal(custom_id="x" * 101), "custom_id"),
        (MODAL, modal(components=[]), "components"),
        (
            MODAL,
            modal(components=[label(component=text_input(custom_id=str(n))) for n in range(6)]),
            "components",
        ),
        (MODAL, modal(components=[label(), label()]), "components.1.component.custom_id"),
        (MODAL, modal(components=[text_input()]), "components.0.type"),
        (MODAL, modal(components=[label(label="x" * 46)]), "components.0.label"),
        (MODAL, modal(components=[label(description="x" * 101)]), "components.0.description"),
        (MODAL, modal(components=[label(component=BUTTON["components"][0])]), "components.0.component.type"),  # type: ignore[index]
        (MODAL, modal(components=[label(component=text_input(style=3))]), "components.0.component.style"),
        (
            MODAL,
            modal(components=[label(component=text_input(max_length=4001))]),
            "components.0.component.max_length",
        ),
        (
            MODAL,
            modal(components=[label(component=text_input(min_length=9, max_length=2))]),
            "components.0.component.min_length",
        ),
        (
            MODAL,
            modal(components=[label(component=text_input(value="xxx", max_length=2))]),
            "components.0.component.value",
        ),
        (
            MODAL,
            modal(components=[label(component=text_input(placeholder="x" * 101))]),
            "components.0.component.placeholder",
        ),
        (
            MODAL,
            modal(components=[label(component={"type": 19, "custom_id": "f", "max_values": 11})]),
            "components.0.component.max_values",
        ),
        (
            MODAL,
            modal(components=[label(component={"type": 5, "custom_id": "u", "disabled": True})]),
            "components.0.component.disabled",
        ),
        (
            MODAL,
            modal(components=[label(component={"type": 5, "custom_id": "u", "min_values": 0})]),
            "components.0.component.min_values",
        ),
    ],
)
async def test_a_faulty_answer_to_a_command(
    discord_server: DiscordServer, rest: RawRest, used: Interaction, kind: int, data: Any, field: str
) -> None:
    answer = await rest.respond(used, kind, data)
    assert answer.code == 50035 and field in answer.wrong()
    assert len(discord_server.take_errors()) == 1
    assert used.callback is None, "it can still be answered correctly"


@pytest.mark.parametrize("kind", [MESSAGE, MODAL])
async def test_an_answer_without_its_data(
    discord_server: DiscordServer, rest: RawRest, used: Interaction, kind: int
) -> None:
    assert (await rest.respond(used, kind)).code == 50035
    assert discord_server.take_errors()


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        ([{"name": str(number), "value": str(number)} for number in range(26)], "choices"),
        ([{"name": "x" * 101, "value": "x"}], "choices.0.name"),
        ([{"name": "", "value": "x"}], "choices.0.name"),
        ([{"name": "x", "value": "x" * 101}], "choices.0.value"),
        ([{"name": "x", "value": 5}], "choices.0.value"),
        (None, "choices"),
    ],
)
async def test_faulty_choices(
    discord_server: DiscordServer,
    rest: RawRest,
    used: Interaction,
    channel: Channel,
    alice: Member,
    choices: Any,
    field: str,
) -> None:
    typed = discord_server.autocomplete(channel, alice, "who", "name", "x")
    assert field in (await rest.respond(typed, CHOICES, {"choices": choices})).wrong()
    assert "type" in (await rest.respond(typed, MESSAGE, {"content": "x"})).wrong()
    assert len(discord_server.take_errors()) == 2
    good = [{"name": str(number), "value": str(number)} for number in range(25)]
    assert (await rest.respond(typed, CHOICES, {"choices": good})).status == 204
    assert await discord_server.choices(typed) == good


async def test_what_a_press_may_be_answered_with(
    discord_server: DiscordServer, rest: RawRest, channel: Channel, alice: Member
) -> None:
    pressed = await clicked(discord_server, rest, channel, alice)
    assert (await rest.respond(pressed, UPDATE, {"content": "changed", "components": []})).status == 204
    assert pressed.message is not None and pressed.message.content == "changed"
    pressed = await clicked(discord_server, rest, channel, alice)
    assert (await rest.respond(pressed, MODAL, modal())).status == 204
    submitted = discord_server.submit_modal(pressed, {"t": "Chitanda"})
    assert (await rest.respond(submitted, MODAL, modal())).code == 50035, "no modal after a modal"
    assert (await rest.respond(submitted, DEFERRED_UPDATE)).status == 204
    assert submitted.data["components"][0]["component"]["value"] == "Chitanda"
    assert len(discord_server.take_errors()) == 1


async def test_the_first_follow_up_after_a_deferral_is_the_answer_and_as_visible(
    discord_server: DiscordServer, rest: RawRest, used: Interaction, alice: Member
) -> None:
    await rest.respond(used, DEFERRED, {"flags": 64})
    thinking = used.original
    assert thinking is not None and thinking.loading and thinking.shown_to is alice.user
    await rest.send("POST", rest.webhook(used), {"content": "first", "flags": 0})
    await rest.send("POST", rest.webhook(used), {"content": "second"})
    first, second = used.followups
    assert first is thinking and first.ephemeral and not first.loading
    assert not second.ephemeral
    path = f"/channels/{first.channel.id}/messages/{first.id}"
    assert (await rest.send("GET", path)).code == 10008, "ephemeral messages are not in the channel"
    assert (await rest.send("GET", rest.webhook(used) + "/messages/@original")).body["content"] == "first"
    assert (
        await rest.send("PATCH", f"{rest.webhook(used)}/messages/{second.id}", {"content": "x"})
    ).status == 200
    assert (await rest.send("DELETE", rest.webhook(used) + "/messages/@original")).status == 204
    assert (await rest.send("GET", rest.webhook(used) + "/messages/@original")).code == 10008


async def test_people_cannot_do_what_the_client_does_not_offer(
    discord_server: DiscordServer, rest: RawRest, channel: Channel, alice: Member
) -> None:
    bob = discord_server.add_member(alice.guild, "bob")
    off = {"type": 2, "style": 1, "label": "off", "custom_id": "off", "disabled": True}
    link = {"type": 2, "style": 5, "label": "link", "url": "https://example.org"}
    select = {"type": 3, "custom_id": "s", "options": [{"label": "a", "value": "a"}]}
    rows = [BUTTON, {"type": 1, "components": [off, link]}, {"type": 1, "components": [select]}]
    pressed = await clicked(discord_server, rest, channel, alice)
    await rest.respond(pressed, MESSAGE, {"content": "only for alice", "flags": 64, "components": rows})
    private = await discord_server.answer(pressed)
    with pytest.raises(AssertionError, match="bob does not see"):
        discord_server.click(private, bob, "x")
    with pytest.raises(AssertionError, match="disabled"):
        discord_server.click(private, alice, "off")
    with pytest.raises(AssertionError, match="cannot be clicked"):
        discord_server.click(private, alice, label="link")
    with pytest.raises(AssertionError, match="not among"):
        discord_server.select(private, alice, ["b"])
    with pytest.raises(AssertionError, match="0 values"):
        discord_server.select(private, alice, [])
    with pytest.raises(AssertionError, match="0 components"):
        discord_server.click(private, alice, "nonsense")
    required = modal(components=[label(component=text_input(min_length=3))])
    await rest.respond(discord_server.click(private, alice, "x"), MODAL, required)
    opened = list(discord_server.world.interactions)[-1]
    for value in ("", "ab"):
        with pytest.raises(AssertionError, match="does not fit"):
            discord_server.submit_modal(opened, {"Name": value})
