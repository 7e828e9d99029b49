"""Methods that answer pressed buttons and inline queries."""

from __future__ import annotations

from tests.telegram_server.errors import Refusal, mistaken, refused
from tests.telegram_server.formatting import parse_html, utf16_length, without_parsing
from tests.telegram_server.methods.targets import MOST_TEXT
from tests.telegram_server.routing import Call, Methods

METHODS = Methods()
_GONE = "query is too old and response timeout expired or query ID is invalid"
_LONGEST_NOTE = 200


@METHODS.method("answerCallbackQuery", "callback_query_id", "text", "show_alert", "cache_time")
async def answer_callback_query(call: Call) -> bool:
    query = call.world.callbacks.get(call.given("callback_query_id"))
    if query is None:
        raise mistaken(_GONE)
    if query.expired:
        raise refused(_GONE)
    if query.answer is not None:
        raise Refusal(400, "the query has been answered", mistake=not query.repeated)
    if utf16_length(call.given("text", "")) > _LONGEST_NOTE:
        raise mistaken("MESSAGE_TOO_LONG")
    query.answer = call.parameters
    return True


@METHODS.method("answerInlineQuery", "inline_query_id", "results", "cache_time", "is_personal", "next_offset")
async def answer_inline_query(call: Call) -> bool:
    query, results = call.world.inline_queries.get(call.given("inline_query_id")), call.given("results")
    if query is None:
        raise mistaken(_GONE)
    if query.expired:
        raise refused(_GONE)
    if query.answer is not None:
        raise mistaken("the query has been answered")
    if len(results) > 50:
        raise mistaken("RESULTS_TOO_MUCH")
    ids = [one["id"] for one in results]
    if len(set(ids)) < len(ids) or any(not 1 <= len(one.encode()) <= 64 for one in ids):
        raise mistaken("RESULT_ID_INVALID")
    for one in results:
        if one["type"] != "article":
            raise mistaken(f"this server shows only articles, not {one['type']}")
        content = one["input_message_content"]
        text = content["message_text"]
        body = parse_html(text) if content.get("parse_mode") == "HTML" else without_parsing(text)
        if not 1 <= utf16_length(body.text) <= MOST_TEXT:
            raise mistaken("MESSAGE_EMPTY or too long")
    query.answer = call.parameters
    return True
