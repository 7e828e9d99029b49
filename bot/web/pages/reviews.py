"""What people in chats say about answers, put before the operator: all chats' queues as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, get_args

from aiohttp import web

from bot.chat import ChatRef, Platform, Text
from bot.commands.review import accept, face_of, proposal, refuse
from bot.errors import PageNotFoundError
from bot.remembered import Review
from bot.web.addresses import gallery_path
from bot.web.pages.images import picture
from bot.web.visits import Visit, change, page
from inference.domain import Character, Scope
from inference.errors import CharacterNotFoundError

_LINES = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One remark, with what is needed to decide it."""

    review: Review
    text: Text
    place: str
    """Where it was made."""
    address: str
    reachable: bool
    """Whether its chat is connected, without which the picture cannot be read."""
    right: Character | None
    wrong: Character | None
    """Whom the answer had named."""


async def show(visit: Visit) -> web.Response:
    """The oldest that are open."""
    services = visit.desk.services
    reviews = await services.store.reviews(limit=_LINES)
    return visit.render(
        "reviews.html",
        lines=[await _line(visit, review) for review in reviews],
        count=await services.store.count_reviews(),
    )


async def face(visit: Visit) -> web.Response:
    """The face that a remark is about. Raises TokenUnknownError, PictureGoneError, NoFaceError."""
    chat = _chat(visit)
    review = await visit.desk.services.store.review(chat, visit.given("id"))
    crop, _ = await face_of(visit.desk.services, visit.desk.asker(review.chat), review)
    return picture(crop.data)


async def decide(visit: Visit) -> web.Response:
    """Accept or refuse. Raises ReviewSettledError, TokenUnknownError and whatever learning does."""
    services, chat = visit.desk.services, _chat(visit)
    review = await services.store.review(chat, visit.given("id"))
    asker = visit.desk.asker(review.chat)
    entries: tuple[int, ...] = ()
    if visit.given("verb") == "accept":
        text, entries = await accept(services, asker, review.id)
    else:
        text = await refuse(services, asker, review.id)
    if visit.is_part:
        return visit.render(
            "decided.html", text=text, entries=entries, undo_path=gallery_path(asker.scope, "/undo")
        )
    return visit.leave("/reviews")


async def _line(visit: Visit, review: Review) -> Line:
    services = visit.desk.services
    asker = visit.desk.asker(review.chat)
    chat = review.chat
    return Line(
        review,
        await proposal(services, asker, review),
        visit.desk.name_of(services.store.scope(chat), chat),
        f"/reviews/{chat.platform}/{chat.space}/{review.id}",
        chat.platform in services.platforms.attached,
        await _character(visit, asker.scopes, review.right),
        await _character(visit, asker.scopes, review.wrong or ""),
    )


async def _character(visit: Visit, scopes: tuple[Scope, ...], name_or_id: str) -> Character | None:
    if not name_or_id:
        return None
    try:
        return await visit.desk.gallery.character(scopes, name_or_id)
    except CharacterNotFoundError:
        return None


def _chat(visit: Visit) -> ChatRef:
    platform, space = visit.given("platform"), visit.given("space")
    if platform not in get_args(Platform):
        raise PageNotFoundError
    return ChatRef(cast(Platform, platform), space, channel=space)


_ONE = "/reviews/{platform}/{space}/{id}"
ROUTES = (
    page("/reviews", show),
    page(f"{_ONE}/face", face),
    change(_ONE + "/{verb:accept|refuse}", decide, shows=show),
)
