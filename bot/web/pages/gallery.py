"""The gallery as cards: everybody who is enrolled, searched, filtered and paged."""

from __future__ import annotations

from typing import cast, get_args
from urllib.parse import urlencode

from aiohttp import web

from bot.web.catalogue import Order
from bot.web.visits import Visit, page

_CARDS = 48
_SUGGESTIONS = 8
_LONGEST_QUERY = 100


async def show(visit: Visit) -> web.Response:
    """A page of cards; only the cards where htmx asks for a piece."""
    query, series = visit.given("q")[:_LONGEST_QUERY], visit.given("series")
    order = visit.given("order")
    order = order if order in get_args(Order) else "name"
    catalogue = await visit.desk.catalogues.of(visit.scope)
    shelf = catalogue.shelf(
        query=query, series=series, order=cast(Order, order), number=visit.number("page"), size=_CARDS
    )
    meant: tuple[str, ...] = ()
    if query and not shelf.total:
        meant = await visit.desk.services.names.suggest([visit.scope], query, limit=_SUGGESTIONS)

    def address(number: int) -> str:
        given = {"q": query, "series": series, "order": order, "page": str(number)}
        usual = {"q": "", "series": "", "order": "name", "page": "1"}
        return "?" + urlencode({key: value for key, value in given.items() if value != usual[key]})

    return visit.render(
        "cards.html" if visit.is_part else "gallery.html",
        shelf=shelf,
        catalogue=catalogue,
        query=query,
        series=series,
        order=order,
        orders=get_args(Order),
        address=address,
        meant=meant,
        **await visit.gallery_choice("/characters"),
    )


async def suggest(visit: Visit) -> web.Response:
    """Names that may be meant, as options of a list."""
    text = visit.given("name")[:_LONGEST_QUERY]
    names = await visit.desk.services.names.suggest(visit.scopes, text, limit=_SUGGESTIONS) if text else ()
    return visit.render("suggestions.html", names=names)


ROUTES = (page("/g/{scope}/characters", show), page("/g/{scope}/suggestions", suggest))
