"""Words from strangers, made fit to be said in a chat: names, captions, file names."""

from __future__ import annotations

import re
import unicodedata
from itertools import dropwhile

from inference.graphemes import ELLIPSIS, clusters, readable

NAMELESS = "?"

_LONGEST_READ = 10_000
_LONGEST_STEM = 60
# Not meant for interchange: noncharacters (also marks of `bot.texts`) and private use.
_UNASSIGNABLE = re.compile("[\ufdd0-\ufdef\ufffe\uffff\ue000-\uf8ff\U000f0000-\U0010ffff]")

# What platforms make of plain text, and the full-width sign in the place of what starts it. Each folds back
# under NFKC, by which names are compared.
_DEFUSED = (
    # Discord: <@1>, <@&1>, <#1>, </name:1>, <:name:1>, <a:name:1>, <t:1>, <id:guide>, <https://…>
    (re.compile(r"<(?=[@#:/]|\w+:)"), "＜"),
    # @everyone counts inside words too; other mentions do not, and THE IDOLM@STER is no mention.
    (re.compile(r"(?<!\w)@|@(?=everyone|here)", re.IGNORECASE), "＠"),
    (re.compile(r":(?=//)"), "："),
    # Domains (a dot, and letters after it, but not the S.H.E. kind) and IPv4 addresses.
    (re.compile(r"(?<=[^\s.])\.(?=[^\W\d_][^\s.,])|(?<=\d)\.(?=\d{1,3}(?:\D|$))"), "․"),
    # Telegram: #tag, $TAG, /command
    (re.compile(r"(?<!\w)#(?=\w*[^\W\d])"), "＃"),
    (re.compile(r"(?<!\w)\$(?=[A-Za-z])"), "＄"),
    (re.compile(r"(?<![\w/])/(?=\w)"), "／"),
)
# Device names on Windows, with any extension.
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def clean_name(text: str, longest: int = 80) -> str:
    """The text on one line, fit for any chat; never empty.

    Without control, bidirectional and invisible characters and piles of marks. Mentions, links, invites,
    hashtags and commands are spelled with full-width signs, which no platform turns into anything; typed
    into a command they still mean the same name (NFKC). At most `longest` UTF-16 units.
    Escaping for a platform's markup is left to its adapter.
    """
    pieces = clusters(readable(_UNASSIGNABLE.sub("", text[:_LONGEST_READ])))
    # A mark on a space at the beginning would sit on whatever the name is put behind.
    line = "".join(dropwhile(lambda piece: piece[0] == " ", pieces))
    for start, sign in _DEFUSED:
        line = start.sub(sign, line)
    return shorten(line, longest) or NAMELESS


def shorten(text: str, limit: int) -> str:
    """The text when it has at most `limit` UTF-16 units, else its beginning with an ellipsis.

    Cut only between what looks like one character. Telegram counts so; Discord never counts more.
    """
    if utf16_length(text) <= limit:
        return text
    kept, room = [], limit - utf16_length(ELLIPSIS)
    for cluster in clusters(text):
        room -= utf16_length(cluster)
        if room < 0:
            break
        kept.append(cluster)
    return "".join(kept).rstrip() + ELLIPSIS if limit > 0 else ""


def safe_file_name(text: str, extension: str) -> str:
    """A file name of ASCII letters, digits and dashes with that extension; never empty."""
    without_extension = re.sub(r"\.\w{1,5}$", "", text[:_LONGEST_READ])
    ascii_letters = unicodedata.normalize("NFKD", without_extension).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9]+", "-", ascii_letters)[:_LONGEST_STEM].strip("-")
    if not stem or _RESERVED.fullmatch(stem):
        stem = f"picture-{stem}".rstrip("-")
    return f"{stem}.{re.sub('[^a-z0-9]', '', extension.lower()) or 'bin'}"


def utf16_length(text: str) -> int:
    """As Telegram counts: what is beyond the basic plane counts twice."""
    return len(text) + sum(character > "\uffff" for character in text)
