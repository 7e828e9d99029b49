"""What another site's page, another machine or a guesser can do here: nothing. Over real sockets."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.conversation import Conversation
from bot.web.application import ROUTES
from bot.web.console import open_console
from bot.web.guard import HEADERS
from bot.web.sessions import Sessions
from bot.web.visits import Route
from config.options import ImageLimits, Options, WebOptions
from config.settings import Secrets, Settings
from inference.domain import Scope
from inference.enroll import EnrollRequest, PreparedFace
from inference.errors import SettingsError
from inference.service import LocalFaceService
from tests.bot.conversing import MemoryPlatform, Room

pytestmark = pytest.mark.asyncio(loop_scope="session")
TOKEN = "a-token-that-nobody-guesses"
EVIL = "https://evil.example"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def locked(conversation: Conversation, chat_options: Options) -> AsyncIterator[str]:
    """A console that asks for the token."""
    options = replace(chat_options, web=WebOptions(port=0), images=ImageLimits(max_bytes=200_000))
    settings = Settings(options, Secrets(web_token=SecretStr(TOKEN)))
    async with open_console(conversation.services, settings, Scope("cli")) as address:
        yield address


class Visitor:
    """A browser as far as requests go: it keeps cookies and knows the mark of the last page."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.mark = ""

    async def get(self, path: str, **headers: str) -> tuple[int, str, Mapping[str, str]]:
        async with self.session.get(self.address + path, headers=headers, allow_redirects=False) as response:
            text = await response.text()
            if found := re.search(r'name="mark" value="([0-9a-f]+)"', text):
                self.mark = found[1]
            return response.status, text, dict(response.headers)

    async def post(
        self, path: str, data: Any = None, headers: Mapping[str, str | None] | None = None
    ) -> tuple[int, str, Mapping[str, str]]:
        """As our own page does it; `headers` instead of what it would send, None leaves one out."""
        own: dict[str, str | None] = {
            "Origin": self.address,
            "Sec-Fetch-Site": "same-origin",
            "X-Mark": self.mark,
        }
        sent = {name: value for name, value in {**own, **(headers or {})}.items() if value is not None}
        url = self.address + path
        async with self.session.post(url, data=data, headers=sent, allow_redirects=False) as response:
            return response.status, await response.text(), dict(response.headers)

    async def log_in(self, token: str = TOKEN) -> int:
        await self.get("/login")
        status, _, _ = await self.post("/login", {"token": token})
        await self.get("/login")
        await self.get("/health")
        return status


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(console: str) -> AsyncIterator[Visitor]:
    one = Visitor(console)
    await one.get("/health")
    yield one
    await one.session.close()


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(locked: str) -> AsyncIterator[Visitor]:
    one = Visitor(locked)
    yield one
    await one.session.close()


CHANGES = [route for route in ROUTES if route.method == "POST"]


def path_of(route: Route, scope: str = "cli") -> str:
    parts = {"scope": scope, "id": "0", "platform": "discord", "space": "1", "verb": "accept", "sample": "0"}
    return re.sub(r"\{(\w+)[^}]*\}", lambda found: parts[found[1]], route.path)


# ── other sites ─────────────────────────────────────────────────────────────────────────────────

FORGED: list[tuple[str, dict[str, str | None]]] = [
    ("another site's form", {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "X-Mark": None}),
    ("another site that learnt a mark", {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"}),
    ("an old browser without fetch metadata", {"Origin": EVIL, "Sec-Fetch-Site": None}),
    ("no origin at all", {"Origin": None, "Sec-Fetch-Site": None}),
    ("a sandboxed frame", {"Origin": "null", "Sec-Fetch-Site": "cross-site"}),
    ("another port of this machine", {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"}),
    ("our name with another scheme", {"Origin": "https://127.0.0.1", "Sec-Fetch-Site": None}),
    ("our name as a subdomain", {"Origin": "http://127.0.0.1.evil.example", "Sec-Fetch-Site": None}),
    ("fetch metadata that disagrees", {"Sec-Fetch-Site": "cross-site"}),
    ("a name that leads here", {"Host": "evil.example", "Origin": "http://evil.example"}),
    ("no mark", {"X-Mark": None}),
    ("somebody else's mark", {"X-Mark": "0" * 64}),
    ("a mark that is no text", {"X-Mark": "\u00e9"}),
]


async def rename_of(room: Room, forged: Mapping[str, str | None], visitor: Visitor) -> tuple[int, str]:
    """The attack: the first of the gallery is to get another name. Returns what came back, and her name."""
    gallery = room.conversation.services.gallery
    scope = room.conversation.services.store.scope(room.chat)
    (first, *_) = await gallery.characters([scope])
    status, _, _ = await visitor.post(
        f"/g/{scope}/characters/{first.id}/details",
        {"name": "Overtaken", "series": "", "aliases": ""},
        forged,
    )
    return status, (await gallery.character([scope], first.id)).name


@pytest.mark.parametrize(("how", "forged"), FORGED, ids=[how for how, _ in FORGED])
async def test_no_other_site_changes_anything(
    taught: Room, visitor: Visitor, how: str, forged: dict[str, str | None]
) -> None:
    status, name = await rename_of(taught, forged, visitor)
    assert status == 403
    assert name != "Overtaken"


async def test_the_same_request_from_our_own_page_works(taught: Room, visitor: Visitor) -> None:
    assert await rename_of(taught, {}, visitor) == (303, "Overtaken")


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: route.path)
async def test_every_change_refuses_other_sites(visitor: Visitor, route: Route) -> None:
    for forged in ({"Origin": EVIL, "Sec-Fetch-Site": "cross-site"}, {"X-Mark": None}, {"X-Mark": "0" * 64}):
        status, _, _ = await visitor.post(path_of(route), {}, forged)
        assert status == 403, forged


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: route.path)
async def test_no_change_is_made_by_a_link(
    conversation: Conversation, visitor: Visitor, route: Route
) -> None:
    gallery = conversation.services.gallery
    before = await gallery.audit(limit=1)
    status, _, _ = await visitor.get(f"{path_of(route)}?name=Overtaken&token={TOKEN}&mark={visitor.mark}")
    assert status in (200, 303, 404, 405)
    assert await gallery.audit(limit=1) == before


@pytest.mark.parametrize("mode", ["no-cors", "cors"])
async def test_other_sites_cannot_read_or_embed_anything(visitor: Visitor, mode: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": "image"}
    for path in ("/health", "/g/cli/characters", "/g/cli/samples/0/face", "/settings"):
        assert (await visitor.get(path, **headers))[0] == 403


async def test_nothing_is_framed_and_a_link_from_elsewhere_only_shows_a_page(visitor: Visitor) -> None:
    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert (await visitor.get("/health", **framed))[0] == 403
    followed = {**framed, "Sec-Fetch-Dest": "document"}
    assert (await visitor.get("/health", **followed))[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8092", "127.0.0.1.evil.example", "10.0.0.7", "["]
)
async def test_without_a_token_it_answers_only_to_names_of_this_machine(visitor: Visitor, host: str) -> None:
    status, text, _ = await visitor.get("/g/cli/characters", Host=host)
    assert status == 403
    assert "cards" not in text


@pytest.mark.parametrize("host", ["localhost", "localhost:8092", "[::1]:8092", "127.0.0.53"])
async def test_other_names_of_this_machine_are_fine(visitor: Visitor, host: str) -> None:
    assert (await visitor.get("/health", Host=host))[0] == 200


async def test_every_answer_has_the_safe_headers(visitor: Visitor) -> None:
    paths = ["/health", "/nowhere", "/healthz", "/g/nobody/characters", "/g/cli/samples/0/face"]
    paths += re.findall(r'(?:src|href)="(/static/[^"#]+)"', (await visitor.get("/health"))[1])
    for path in paths:
        _, _, headers = await visitor.get(path)
        assert {name: headers.get(name) for name in HEADERS} == dict(HEADERS), path
        assert "Server" not in headers
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/health?done=1%27--",
        "/g/cli/history?done=9.9.9",
        "/login?back=//evil.example",
        "/login?back=/%5Cevil",
    ],
)
async def test_strange_addresses_do_nothing_strange(visitor: Visitor, path: str) -> None:
    status, text, headers = await visitor.get(path)
    assert status in (200, 303)
    assert "evil" not in headers.get("Location", "")
    assert "Traceback" not in text


async def test_what_strangers_wrote_is_shown_as_text(visitor: Visitor) -> None:
    attack = '"><script>alert(1)</script>'
    _, text, _ = await visitor.get(
        f"/g/cli/characters?q={attack}&series={attack}&order={attack}&page={attack}"
    )
    assert "<script>alert" not in text


async def test_a_chats_gallery_is_shown_by_its_name_where_that_is_known(
    visitor: Visitor, room: Room, memory_platform: MemoryPlatform
) -> None:
    space = room.chat.space
    _, text, _ = await visitor.get("/g/cli/characters")
    assert f'<bdi title="discord:{space}">discord:{space}</bdi>' in text
    memory_platform.names[space] = "Anime\u202e <b>Club</b>\n"
    _, text, _ = await visitor.get("/g/cli/characters")
    assert f'<bdi title="discord:{space}">Anime &lt;b&gt;Club&lt;/b&gt; (Discord)</bdi>' in text


# ── the token ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if not r.open], ids=lambda route: f"{route.method} {route.path}"
)
async def test_nothing_is_seen_or_done_without_the_token(stranger: Visitor, route: Route) -> None:
    await stranger.get("/login")
    path = path_of(route)
    if route.method == "GET":
        status, text, headers = await stranger.get(path)
        assert (status, headers["Location"].partition("?")[0]) == (303, "/login")
    else:
        status, text, _ = await stranger.post(path, {"name": "x"})
        assert status == 401
    assert not text


async def test_the_login_tells_strangers_nothing_of_what_was_changed(
    core: LocalFaceService, prepared: dict[str, list[PreparedFace]], stranger: Visitor
) -> None:
    name, (face, *_) = next(iter(prepared.items()))
    enrolled = await core.enroll_prepared([face], Scope("cli"), EnrollRequest(name))
    path = f"/login?done={enrolled.entry_id}"
    assert name not in (await stranger.get(path))[1]
    await stranger.log_in()
    assert name in (await stranger.get(f"/health?done={enrolled.entry_id}"))[1]
    await core.gallery.undo(Scope("cli"), enrolled.entry_id)


async def test_the_token_opens_and_a_logout_closes_again(stranger: Visitor) -> None:
    assert await stranger.log_in() == 303
    assert (await stranger.get("/health"))[0] == 200
    cookie = next(iter(stranger.session.cookie_jar))
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    before = cookie.value
    assert (await stranger.post("/logout"))[0] == 303
    assert (await stranger.get("/health"))[0] == 303
    stranger.session.cookie_jar.clear()
    status, _, _ = await stranger.get("/health", Cookie=f"dareda_session={before}")
    assert status == 303, "the cookie of before still opens"


async def test_a_login_gets_a_cookie_that_was_never_seen_before(stranger: Visitor) -> None:
    fixed = "A" * 32
    await stranger.get("/login", Cookie=f"dareda_session={fixed}")
    headers = {"Cookie": f"dareda_session={fixed}"}
    status, _, answered = await stranger.post("/login", {"token": TOKEN}, headers)
    assert status == 303
    assert fixed not in answered["Set-Cookie"]
    stranger.session.cookie_jar.clear()
    assert (await stranger.get("/health", Cookie=f"dareda_session={fixed}"))[0] == 303


async def test_guessing_is_slowed_down_and_even_the_right_token_has_to_wait(
    conversation: Conversation, chat_options: Options
) -> None:
    settings = Settings(replace(chat_options, web=WebOptions(port=0)), Secrets(web_token=SecretStr(TOKEN)))
    async with open_console(conversation.services, settings, Scope("cli")) as address:
        guesser = Visitor(address)
        try:
            statuses = [await guesser.log_in(f"guess {number}") for number in range(7)]
            assert statuses == [403] * 5 + [429] * 2
            assert await guesser.log_in() == 429
            _, text, _ = await guesser.post("/login", {"token": TOKEN})
            assert "Try again in" in text
        finally:
            await guesser.session.close()


async def test_a_session_ends_some_time_after_the_last_visit() -> None:
    now = [0.0]
    sessions = Sessions(TOKEN, hours=1, secure=True, clock=lambda: now[0])

    def visit(session_id: str) -> bool:
        request = type("Request", (), {"cookies": {"dareda_session": session_id}})()
        return sessions.of(request).is_in

    session = sessions.log_in(TOKEN, "127.0.0.1")
    for at in (3_000.0, 6_000.0):
        now[0] = at
        assert visit(session.id)
    now[0] = 6_000 + 3_601
    assert not visit(session.id)


@pytest.mark.parametrize(
    ("web", "token", "key"),
    [
        (WebOptions(host="0.0.0.0"), None, "web.host"),
        (WebOptions(host="192.168.1.4"), None, "web.host"),
        (WebOptions(host="::"), None, "web.host"),
        (WebOptions(public_url="https://dareda.example"), None, "web.public_url"),
        (WebOptions(), "short", "WEB_TOKEN"),
    ],
)
async def test_it_does_not_listen_for_others_without_a_good_token(
    conversation: Conversation, chat_options: Options, web: WebOptions, token: str | None, key: str
) -> None:
    settings = Settings(
        replace(chat_options, web=web), Secrets(web_token=SecretStr(token) if token else None)
    )
    with pytest.raises(SettingsError) as refused:
        async with open_console(conversation.services, settings, Scope("cli")):
            pass
    assert refused.value.data["key"] == key
    assert "short" not in str(refused.value)


async def test_behind_a_proxy_with_https_cookies_are_secure_and_forms_are_ours(
    conversation: Conversation, chat_options: Options, unused_tcp_port: int
) -> None:
    web = WebOptions(port=unused_tcp_port, public_url="https://dareda.example")
    settings = Settings(replace(chat_options, web=web), Secrets(web_token=SecretStr(TOKEN)))
    async with open_console(conversation.services, settings, Scope("cli")) as address:
        assert address == "https://dareda.example"
        proxy = Visitor(f"http://127.0.0.1:{unused_tcp_port}")
        try:
            _, _, headers = await proxy.get("/login", Host="dareda.example")
            assert "Secure" in headers["Set-Cookie"]
            cookie = headers["Set-Cookie"].partition(";")[0]
            passed = {"Host": "dareda.example", "Cookie": cookie}
            for origin, expected in (("https://dareda.example", 303), ("http://dareda.example", 403)):
                status, _, _ = await proxy.post("/login", {"token": TOKEN}, {**passed, "Origin": origin})
                assert status == expected
        finally:
            await proxy.session.close()


# ── what is sent ────────────────────────────────────────────────────────────────────────────────


def picture_form(data: bytes, **fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData(fields)
    form.add_field("picture", data, filename="picture.png", content_type="image/png")
    return form


async def test_a_picture_over_the_limit_is_refused_while_it_comes_in(stranger: Visitor) -> None:
    await stranger.log_in()
    status, text, _ = await stranger.post(
        "/g/cli/identify", picture_form(b"\x89PNG" + bytes(300_000)), {"HX-Request": "true"}
    )
    assert status == 413
    assert "too large" in text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("text/plain", b"name=x"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--y\r\nwrong"),
        (
            "multipart/form-data; boundary=x",
            b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n",
        ),
        ("application/x-www-form-urlencoded", b"name=" + b"x" * 700_000),
        ("application/x-www-form-urlencoded", b"a=1&" * 20_000),
        ("application/x-www-form-urlencoded", b"name=%ff%fe"),
        ("application/x-www-form-urlencoded", b"\xff\xfe"),
    ],
)
async def test_what_is_no_form_of_ours_is_refused(visitor: Visitor, content_type: str, body: bytes) -> None:
    status, text, _ = await visitor.post("/g/cli/enroll", body, {"Content-Type": content_type})
    assert status == 400
    assert "Traceback" not in text


async def test_hostile_pictures_get_a_sentence(visitor: Visitor) -> None:
    for data in (b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"<svg onload='alert(1)'/>", b"GIF89a"):
        status, text, _ = await visitor.post("/g/cli/identify", picture_form(data), {"HX-Request": "true"})
        assert status == 200
        assert "note bad" in text
        assert "<svg onload" not in text
