"""Text as a reader sees it: without what is invisible, cut only between what looks like one character."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"

_ZERO_WIDTH_JOINER = "\u200d"
_JOINERS = frozenset({_ZERO_WIDTH_JOINER, "\u200c"})
_VARIATION_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
_EMOJI_MODIFIERS = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
_REGIONAL_INDICATORS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))
_TAGS = frozenset(map(chr, range(0xE0020, 0xE0080)))
# Fillers and the like that are letters or marks by category but show nothing.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")

_MOST_CHARACTERS = 1_000
# Most names: printable ASCII, kana and usual Han characters, each one visible and composed already.
_PLAIN = re.compile(rf"[ -~\u3041-\u3096\u30a1-\u30fc\u4e00-\u9fff]{{,{_MOST_CHARACTERS}}}")
_MOST_MARKS, _MOST_STACKED_MARKS = 8, 2
_LONGEST_CLUSTER = 12
"""Code points; a kiss of two people with skin tones has 10."""


def readable(text: str) -> str:
    """The text in composed form on one line, without control, formatting and other invisible characters.

    Directional overrides go, joiners of emoji and Indic scripts stay, piles of combining marks are cut low,
    and of an endless text only the beginning is kept.
    """
    if _PLAIN.fullmatch(text):
        return re.sub(" +", " ", text).strip(" ")
    shown = []
    for character in text[:_MOST_CHARACTERS]:
        category = unicodedata.category(character)
        if category[0] == "Z" or character in "\t\n\v\f\r\x85":
            shown.append(" ")
        elif category == "Cs":
            shown.append("\N{REPLACEMENT CHARACTER}")
        elif category not in ("Cc", "Cf") or character in _TAGS or character in _JOINERS:
            shown.append(character)
    kept = "".join(character for character in shown if character not in _INVISIBLE)
    line = re.sub(" +", " ", "".join(clusters(unicodedata.normalize("NFC", kept)))).strip(" ")
    return line if any(not _extends(character) and character != " " for character in line) else ""


def clusters(text: str) -> list[str]:
    """The text in pieces that must stay together: a base with its marks, an emoji sequence, a flag."""
    found: list[str] = []
    for character in text:
        if found and _belongs_to(found[-1], character):
            if _has_room(found[-1], character):
                found[-1] += character
        elif not _extends(character):
            found.append(character)
    return found


def columns(cluster: str) -> int:
    """About how wide the cluster is, in halves of a Han character."""
    wide = unicodedata.east_asian_width(cluster[0]) in "WF" or (len(cluster) > 1 and is_emoji(cluster))
    return 2 if wide else 1


def shorten(text: str, most_columns: int) -> str:
    """The readable text when it has at most so many columns, else its beginning with an ellipsis."""
    pieces = clusters(readable(text))
    if sum(map(columns, pieces)) <= most_columns:
        return "".join(pieces)
    kept, used = "", 1
    for piece in pieces:
        used += columns(piece)
        if used > most_columns:
            break
        kept += piece
    return kept.rstrip(" ") + ELLIPSIS


def is_emoji(cluster: str) -> bool:
    """Whether the cluster asks to be shown as a pictograph."""
    return (
        "\ufe0f" in cluster
        or cluster[0] in _REGIONAL_INDICATORS
        or cluster[-1] in _EMOJI_MODIFIERS
        or cluster[-1] in _TAGS
        or (_ZERO_WIDTH_JOINER in cluster and unicodedata.category(cluster[0]) == "So")
    )


def _extends(character: str) -> bool:
    return (
        unicodedata.category(character)[0] == "M"
        or character in _VARIATION_SELECTORS
        or character in _TAGS
        or character in _JOINERS
    )


def _belongs_to(cluster: str, character: str) -> bool:
    if _extends(character) or (character in _EMOJI_MODIFIERS and unicodedata.category(cluster[0]) == "So"):
        return True
    if cluster[-1] == _ZERO_WIDTH_JOINER:
        return unicodedata.category(character)[0] == "S"
    return character in _REGIONAL_INDICATORS and cluster in _REGIONAL_INDICATORS


def _has_room(cluster: str, character: str) -> bool:
    """False for a mark that would pile up beyond what any script writes."""
    if len(cluster) >= _LONGEST_CLUSTER:
        return False
    marks = [c for c in cluster if unicodedata.category(c)[0] == "M"]
    # Classes from 200 are placed above, below or through the base; vowel signs of the scripts are not.
    stacked = sum(unicodedata.combining(c) >= 200 for c in marks)
    if unicodedata.combining(character) >= 200:
        return stacked < _MOST_STACKED_MARKS
    return unicodedata.category(character)[0] != "M" or len(marks) < _MOST_MARKS
