"""Embeds (Message resource, "Embed Limits")."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.discord_server.checks.form import Form
from tests.discord_server.state import Json

MOST_EMBEDS = 10
ALL_TEXT_TOGETHER = 6000
_ATTACHMENT = "attachment://"


def check_embeds(form: Form) -> None:
    """The field `embeds`, each embed's limits and that of all together."""
    form.forms("embeds", MOST_EMBEDS, _check_embed, nullable=True)
    embeds = form.raw("embeds")
    if isinstance(embeds, list) and sum(map(_text_length, embeds)) > ALL_TEXT_TOGETHER:
        form.fail(
            "embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {ALL_TEXT_TOGETHER}"
        )


def attached_names(embeds: list[Json]) -> set[str]:
    """The names of the uploads that the embeds show as `attachment://name`."""
    return {name.removeprefix(_ATTACHMENT) for name in _picture_urls(embeds) if name.startswith(_ATTACHMENT)}


def with_urls(embeds: list[Json], urls: Mapping[str, str]) -> list[Json]:
    """The embeds with the addresses that the uploads got."""
    text = json.dumps(embeds)
    for name, url in urls.items():
        text = text.replace(json.dumps(_ATTACHMENT + name), json.dumps(url))
    resolved: list[Json] = json.loads(text)
    return [{"type": "rich"} | embed for embed in resolved]


def _picture_urls(embeds: list[Json]) -> Iterator[str]:
    for embed in embeds:
        for part, key in (
            ("image", "url"),
            ("thumbnail", "url"),
            ("footer", "icon_url"),
            ("author", "icon_url"),
        ):
            if url := (embed.get(part) or {}).get(key):
                yield url


def _check_embed(form: Form) -> None:
    form.text("title", 256)
    form.one_of("type", ("rich",))
    form.text("description", 4096)
    _check_url(form, "url")
    form.text("timestamp", 64)
    form.integer("color", 0, 0xFFFFFF)
    form.form("footer", _check_footer)
    form.form("image", _check_picture)
    form.form("thumbnail", _check_picture)
    form.form("author", _check_author)
    form.forms("fields", 25, _check_field)
    form.raw("flags")  # discord.py sends back what it was given


def _check_footer(form: Form) -> None:
    form.text("text", 2048, required=True)
    _check_url(form, "icon_url", attachment=True)


def _check_author(form: Form) -> None:
    form.text("name", 256, required=True)
    _check_url(form, "url")
    _check_url(form, "icon_url", attachment=True)


def _check_field(form: Form) -> None:
    form.text("name", 256, shortest=1, required=True)
    form.text("value", 1024, shortest=1, required=True)
    form.boolean("inline")


def _check_picture(form: Form) -> None:
    _check_url(form, "url", attachment=True, required=True)


def _check_url(form: Form, name: str, *, attachment: bool = False, required: bool = False) -> None:
    # "Only supports http(s) and attachments" for pictures (Message resource, "Embed Image Structure").
    value = form.text(name, 2048, required=required)
    schemes = {"http", "https", "attachment"} if attachment else {"http", "https"}
    if value is not None and urlsplit(value).scheme not in schemes:
        form.fail(name, "URL_TYPE_INVALID_SCHEME", f"Scheme must be one of {sorted(schemes)}.")


def _text_length(embed: Any) -> int:
    """The characters that count: title, description, field names and values, footer and author."""
    if not isinstance(embed, dict):
        return 0
    texts = [embed.get("title"), embed.get("description")]
    for part, key in (("footer", "text"), ("author", "name")):
        if isinstance(embed.get(part), dict):
            texts.append(embed[part].get(key))
    for field in embed.get("fields") or []:
        if isinstance(field, dict):
            texts += [field.get("name"), field.get("value")]
    return sum(len(text) for text in texts if isinstance(text, str))
