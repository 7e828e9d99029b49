"""Messages that Discord would refuse are refused and noted, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.discord_server.checks.messages import LARGEST_FILE_BYTES
from tests.discord_server.raw_rest import RawRest
from tests.discord_server.server import DiscordServer
from tests.discord_server.state import Json


@pytest.fixture
def messages(discord_server: DiscordServer) -> str:
    """The path of a channel's messages."""
    return f"/channels/{discord_server.add_channel(discord_server.add_guild()).id}/messages"


def button(**changes: Any) -> Json:
    made: Json = {"type": 2, "style": 1, "label": "x", "custom_id": "x"} | changes
    return {name: value for name, value in made.items() if value is not None}


def select(**changes: Any) -> Json:
    return {"type": 3, "custom_id": "s", "options": options(1)} | changes


def options(count: int) -> list[Json]:
    return [{"label": str(number), "value": str(number)} for number in range(count)]


def row(*children: Json) -> Json:
    return {"type": 1, "components": list(children)}


def buttons(count: int, start: int = 0) -> list[Json]:
    return [button(custom_id=str(number)) for number in range(start, start + count)]


GOOD_BODIES: list[Json] = [
    {"content": "x" * 2000},
    {
        "embeds": [
            {"title": "x" * 256, "description": "x" * 4096, "fields": [{"name": "x", "value": "x"}] * 25}
        ]
    },
    {"embeds": [{"title": "x"}] * 10},
    {"content": "x", "components": [row(*buttons(5, 5 * number)) for number in range(5)]},
    {"content": "x", "components": [row(select(options=options(25), max_values=25))]},
    {"content": "x", "components": [row(button(style=5, url="https://example.org", custom_id=None))]},
    {"content": "x", "components": [row({"type": 5, "custom_id": "u"})]},
    {"content": "x", "allowed_mentions": {"parse": ["users"], "roles": ["1"]}},
    {"content": "x", "nonce": "n" * 25, "enforce_nonce": True, "flags": 4096, "tts": False},
]

FAULTY_BODIES: list[tuple[Json, str]] = [
    ({"content": "x" * 2001}, "content"),
    ({"content": 5}, "content"),
    ({"content": "x", "contents": "x"}, "contents"),
    ({"content": "x", "tts": "no"}, "tts"),
    ({"content": "x", "nonce": "n" * 26}, "nonce"),
    ({"content": "x", "flags": 64}, "flags"),
    ({"content": "x", "flags": 32768}, "flags"),
    ({"content": "x", "sticker_ids": ["1"] * 4}, "sticker_ids"),
    ({"content": "x", "poll": {}}, "poll"),
    ({"content": "x", "message_reference": {}}, "message_reference.message_id"),
    ({"content": "x", "message_reference": {"message_id": "x"}}, "message_reference.message_id"),
    ({"embeds": [{"title": "x"}] * 11}, "embeds"),
    ({"embeds": {"title": "x"}}, "embeds"),
    ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title"),
    ({"embeds": [{"description": "x" * 4097}]}, "embeds.0.description"),
    ({"embeds": [{"title": "x", "fields": [{"name": "x", "value": "x"}] * 26}]}, "embeds.0.fields"),
    ({"embeds": [{"fields": [{"name": "", "value": "x"}]}]}, "embeds.0.fields.0.name"),
    ({"embeds": [{"fields": [{"name": "x" * 257, "value": "x"}]}]}, "embeds.0.fields.0.name"),
    ({"embeds": [{"fields": [{"name": "x", "value": "x" * 1025}]}]}, "embeds.0.fields.0.value"),
    ({"embeds": [{"footer": {"text": "x" * 2049}}]}, "embeds.0.footer.text"),
    ({"embeds": [{"author": {"name": "x" * 257}}]}, "embeds.0.author.name"),
    ({"embeds": [{"color": 1 << 24, "title": "x"}]}, "embeds.0.color"),
    ({"embeds": [{"image": {"url": "ftp://example.org/a.png"}}]}, "embeds.0.image.url"),
    ({"embeds": [{"image": {"url": "attachment://a.png"}}]}, "embeds"),
    ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds"),
    ({"content": "x", "components": [row(button(custom_id=str(n))) for n in range(6)]}, "components"),
    ({"content": "x", "components": [row(*buttons(6))]}, "components.0.components"),
    ({"content": "x", "components": [row()]}, "components.0.components"),
    ({"content": "x", "components": [button()]}, "components.0.type"),
    ({"content": "x", "components": [row(button(), button())]}, "components.0.components.1.custom_id"),
    (
        {"content": "x", "components": [row(button(custom_id="x" * 101))]},
        "components.0.components.0.custom_id",
    ),
    ({"content": "x", "components": [row(button(custom_id=None))]}, "components.0.components.0.custom_id"),
    ({"content": "x", "components": [row(button(label="x" * 81))]}, "components.0.components.0.label"),
    ({"content": "x", "components": [row(button(label=None))]}, "components.0.components.0"),
    ({"content": "x", "components": [row(button(style=9))]}, "components.0.components.0.style"),
    ({"content": "x", "components": [row(button(style=5))]}, "components.0.components.0.url"),
    ({"content": "x", "components": [row(button(url="https://a.b"))]}, "components.0.components.0.url"),
    ({"content": "x", "components": [row(select(), button())]}, "components.0.components"),
    ({"content": "x", "components": [row(select(options=options(26)))]}, "components.0.components.0.options"),
    ({"content": "x", "components": [row(select(options=[]))]}, "components.0.components.0.options"),
    (
        {"content": "x", "components": [row(select(options=options(1) * 2))]},
        "components.0.components.0.options",
    ),
    ({"content": "x", "components": [row(select(max_values=2))]}, "components.0.components.0.max_values"),
    ({"content": "x", "components": [row(select(min_values=2))]}, "components.0.components.0.min_values"),
    (
        {"content": "x", "components": [row(select(placeholder="x" * 151))]},
        "components.0.components.0.placeholder",
    ),
    (
        {"content": "x", "components": [row(select(options=[{"label": "x" * 101, "value": "x"}]))]},
        "components.0.components.0.options.0.label",
    ),
    (
        {"content": "x", "components": [row(select(options=[{"label": "x", "value": "x" * 101}]))]},
        "components.0.components.0.options.0.value",
    ),
    (
        {"content": "x", "components": [row({"type": 4, "custom_id": "t", "style": 1})]},
        "components.0.components.0.type",
    ),
    ({"content": "x", "components": [{"type": 17, "components": []}]}, "components.0.type"),
    ({"content": "x", "allowed_mentions": {"parse": ["nobody"]}}, "allowed_mentions.parse"),
    ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, "allowed_mentions.parse"),
    ({"content": "x", "allowed_mentions": {"users": ["1"] * 101}}, "allowed_mentions.users"),
    ({"content": "x", "attachments": [{"id": 0}]}, "attachments.0.id"),
]


@pytest.mark.parametrize("body", GOOD_BODIES)
async def test_what_is_just_within_the_limits(rest: RawRest, messages: str, body: Json) -> None:
    answer = await rest.send("POST", messages, body)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(("body", "field"), FAULTY_BODIES)
async def test_a_faulty_field(
    discord_server: DiscordServer, rest: RawRest, messages: str, body: Json, field: str
) -> None:
    answer = await rest.send("POST", messages, body)
    assert (answer.status, answer.code) == (400, 50035)
    assert field in answer.wrong()
    (error,) = discord_server.take_errors()
    assert field.rpartition(".")[2] in error


@pytest.mark.parametrize("body", [{}, {"content": ""}, {"embeds": []}, {"content": None, "components": []}])
async def test_an_empty_message(
    discord_server: DiscordServer, rest: RawRest, messages: str, body: Json
) -> None:
    assert (await rest.send("POST", messages, body)).code == 50006
    assert discord_server.take_errors()


async def test_files_with_and_without_a_description(rest: RawRest, messages: str) -> None:
    payload = {"attachments": [{"id": 0, "filename": "a.png", "description": "x" * 1024}, {"id": "1"}]}
    files = {"files[0]": ("a.png", b"a"), "files[1]": ("b.png", b"b")}
    answer = await rest.upload("POST", messages, payload, files)
    assert [one["filename"] for one in answer.body["attachments"]] == ["a.png", "b.png"]
    assert answer.body["attachments"][0]["description"] == "x" * 1024
    shown = {"embeds": [{"image": {"url": "attachment://c.png"}}]}
    answer = await rest.upload("POST", messages, shown, {"files[0]": ("c.png", b"c")})
    assert answer.body["embeds"][0]["image"]["url"] == answer.body["attachments"][0]["url"]


A_FILE = {"files[0]": ("a.png", b"a")}


@pytest.mark.parametrize(
    ("payload", "files", "field"),
    [
        (None, A_FILE, "payload_json"),
        ({}, {"file": ("a.png", b"a")}, "file"),
        ({}, {"files[10]": ("a.png", b"a")}, "files[10]"),
        ({}, {"files[0]": ("a/b.png", b"a")}, "files[0]"),
        ({}, {"files[0]": ("x" * 261, b"a")}, "files[0]"),
        ({"attachments": []}, A_FILE, "attachments"),
        ({"attachments": [{"id": 1}]}, A_FILE, "attachments.0.id"),
        ({"attachments": [{"id": 0, "filename": "b.png"}]}, A_FILE, "attachments.0.filename"),
        ({"attachments": [{"id": 0, "description": "x" * 1025}]}, A_FILE, "attachments.0.description"),
        ({"attachments": [{"id": 0, "size": 1}]}, A_FILE, "attachments.0.size"),
        ({"content": 5}, A_FILE, "content"),
    ],
)
async def test_a_faulty_upload(
    discord_server: DiscordServer, rest: RawRest, messages: str, payload: Any, files: Any, field: str
) -> None:
    answer = await rest.upload("POST", messages, payload, files)
    assert answer.code == 50035 and field in answer.wrong()
    assert len(discord_server.take_errors()) == 1


async def test_an_upload_whose_payload_is_no_json(
    discord_server: DiscordServer, rest: RawRest, messages: str
) -> None:
    assert (await rest.upload("POST", messages, "{", A_FILE)).code == 50109
    assert discord_server.take_errors()


async def test_a_file_of_more_than_10_mib_is_too_large_but_no_mistake(rest: RawRest, messages: str) -> None:
    fits = {"files[0]": ("a.png", bytes(LARGEST_FILE_BYTES))}
    assert (await rest.upload("POST", messages, {}, fits)).status == 200
    too_large = {"files[0]": ("a.png", bytes(LARGEST_FILE_BYTES + 1))}
    answer = await rest.upload("POST", messages, {}, too_large)
    assert (answer.status, answer.code) == (413, 40005)


async def test_an_edit_keeps_what_it_lists(
    discord_server: DiscordServer, rest: RawRest, messages: str
) -> None:
    files = {f"files[{number}]": (f"{number}.png", b"x") for number in range(2)}
    sent = (await rest.upload("POST", messages, {"content": "x"}, files)).body
    path = f"{messages}/{sent['id']}"
    edited = (await rest.send("PATCH", path, {"content": "y", "tts": False})).body
    assert (edited["content"], len(edited["attachments"])) == ("y", 2)
    kept = sent["attachments"][1]
    edited = (await rest.send("PATCH", path, {"attachments": [kept]})).body
    assert [one["id"] for one in edited["attachments"]] == [kept["id"]]
    assert (await rest.send("PATCH", path, {"attachments": [{"id": "12345678"}]})).code == 50035
    assert (await rest.send("PATCH", path, {"content": "", "attachments": []})).code == 50006
    assert (await rest.send("PATCH", path, {"nonce": "1"})).code == 50035
    assert len(discord_server.take_errors()) == 3


async def test_the_messages_of_others_are_not_edited(discord_server: DiscordServer, rest: RawRest) -> None:
    guild = discord_server.add_guild()
    channel = discord_server.add_channel(guild)
    message = discord_server.post_message(channel, discord_server.add_member(guild, "alice"), "mine")
    path = f"/channels/{channel.id}/messages/{message.id}"
    assert (await rest.send("PATCH", path, {"content": "x"})).code == 50005
    assert discord_server.take_errors()
    assert (await rest.send("DELETE", path)).code == 50013
    assert (await rest.send("GET", path)).body["content"] == "mine"
    assert (await rest.send("GET", path + "1")).code == 10008


@pytest.mark.parametrize(
    ("content", "allowed", "pinged"),
    [
        ("<@1> <@&2> @everyone", None, ({1}, {2}, True)),
        ("<@1> <@&2> @here", {"parse": []}, (set(), set(), False)),
        ("<@1> <@!3>", {"parse": [], "users": ["3"]}, ({3}, set(), False)),
        ("<@1> <@&2> @everyone", {"parse": ["roles"]}, (set(), {2}, False)),
    ],
)
async def test_whom_a_message_would_ping(
    discord_server: DiscordServer, rest: RawRest, messages: str, content: str, allowed: Any, pinged: Any
) -> None:
    body = {"content": content} | ({} if allowed is None else {"allowed_mentions": allowed})
    sent = await rest.send("POST", messages, body)
    pings = discord_server.world.messages[int(sent.body["id"])].pings
    assert (set(pings.users), set(pings.roles), pings.everyone) == pinged
