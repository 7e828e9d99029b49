"""Texts as Telegram reads them: HTML with entities, what it marks by itself, lengths in UTF-16 units."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from tests.telegram_server.errors import mistaken
from tests.telegram_server.state import FormattedText, Json

# (Formatting options, "HTML style")
_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_TAG = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[a-zA-Z-]+(?:\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'))?)*)\s*>"
)
_ATTRIBUTE = re.compile(r"([a-zA-Z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_REFERENCE = re.compile(r"&(?:lt|gt|amp|quot|#[0-9]{1,7}|#x[0-9a-fA-F]{1,6});")

# What Telegram marks without being asked. Harsher than the real thing, which knows the top-level domains.
_MARKED = (
    (
        "url",
        re.compile(
            r"(?:https?|tg)://\S+|(?<![\w.@/])(?:[\w-]+\.)+(?:com|org|net|gg|me|ru|io|moe|jp|cn)\b\S*"
        ),
    ),
    ("email", re.compile(r"(?<!\S)[\w.+-]+@[\w-]+\.[\w.-]+")),
    ("mention", re.compile(r"(?<![\w@/.])@\w{3,32}\b")),
    ("bot_command", re.compile(r"(?<![\w/<>.])/[a-zA-Z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])")),
    ("hashtag", re.compile(r"(?<![\w#])#\w*[^\W\d]\w*")),
)


def utf16_length(text: str) -> int:
    """How Telegram counts: code units."""
    return len(text.encode("utf-16-le")) // 2


def plain(text: str) -> FormattedText:
    """What somebody types, with what Telegram marks in it."""
    return FormattedText(text, tuple(_found(text)))


def parse_html(source: str) -> FormattedText:
    """The text that a bot sends with `parse_mode` HTML, white space around it taken away.

    Raises:
        Refusal: what Telegram cannot parse.
    """
    text, entities = _Reader(source).read()
    return _trimmed(text, [*entities, *_found(text, taken=entities)])


def without_parsing(source: str) -> FormattedText:
    """The text that a bot sends without `parse_mode`."""
    return _trimmed(source, _found(source))


@dataclass(slots=True)
class _Open:
    tag: str
    start: int
    attributes: dict[str, str]


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._text: list[str] = []
        self._length = 0
        self._open: list[_Open] = []
        self._entities: list[Json] = []

    def read(self) -> tuple[str, list[Json]]:
        at = 0
        while at < len(self._source):
            character = self._source[at]
            if character == "<":
                at = self._tag(at)
            elif character == "&" and (match := _REFERENCE.match(self._source, at)):
                self._add(html.unescape(match[0]))
                at = match.end()
            else:
                self._add(character)
                at += 1
        if self._open:
            raise _cannot(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        return "".join(self._text), [one for one in self._entities if one["length"]]

    def _add(self, text: str) -> None:
        self._text.append(text)
        self._length += utf16_length(text)

    def _tag(self, at: int) -> int:
        match = _TAG.match(self._source, at)
        if match is None:
            raise _cannot(f"Unsupported start tag at byte offset {at}")
        closing, name, attributes = match[1], match[2].lower(), match[3]
        if name not in _TAGS:
            raise _cannot(f'Unsupported start tag "{name}" at byte offset {at}')
        if closing:
            self._close(name, at)
        else:
            found = {key.lower(): html.unescape(a or b) for key, a, b in _ATTRIBUTE.findall(attributes)}
            if name == "span" and found.get("class") != "tg-spoiler":
                raise _cannot(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
            self._open.append(_Open(name, self._length, found))
        return match.end()

    def _close(self, name: str, at: int) -> None:
        if not self._open or self._open[-1].tag != name:
            expected = self._open[-1].tag if self._open else "nothing"
            raise _cannot(
                f'Unmatched end tag at byte offset {at}, expected "</{expected}>", found "</{name}>"'
            )
        opened = self._open.pop()
        entity: Json = {"type": _TAGS[name], "offset": opened.start, "length": self._length - opened.start}
        if name == "a":
            if not opened.attributes.get("href"):
                return
            entity["url"] = opened.attributes["href"]
        self._entities.append(entity)


def _cannot(why: str) -> Exception:
    return mistaken(f"can't parse entities: {why}")


def _found(text: str, *, taken: list[Json] | None = None) -> list[Json]:
    """What Telegram marks by itself; nothing inside of code and links."""
    covered = [
        (one["offset"], one["offset"] + one["length"])
        for one in taken or []
        if one["type"] in ("code", "pre", "text_link")
    ]
    found: list[Json] = []
    for kind, pattern in _MARKED:
        for match in pattern.finditer(text):
            start, end = utf16_length(text[: match.start()]), utf16_length(text[: match.end()])
            if all(end <= a or start >= b for a, b in covered):
                covered.append((start, end))
                found.append({"type": kind, "offset": start, "length": end - start})
    return sorted(found, key=lambda one: int(one["offset"]))


def _trimmed(text: str, entities: list[Json]) -> FormattedText:
    """Without white space around it, as Telegram keeps it, and the entities moved along."""
    stripped = text.strip(" \t\n\r")
    gone = utf16_length(text[: len(text) - len(text.lstrip(" \t\n\r"))])
    end = utf16_length(stripped)
    kept = []
    for one in entities:
        start = max(one["offset"] - gone, 0)
        stop = min(one["offset"] + one["length"] - gone, end)
        if stop > start:
            kept.append({**one, "offset": start, "length": stop - start})
    return FormattedText(stripped, tuple(sorted(kept, key=lambda one: (one["offset"], -one["length"]))))
