"""What may be a name, when two names are the same, and which known names somebody may have meant."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from inference.errors import NameInvalidError

MAX_LENGTH = 100

# Joiners belong to emoji and to Persian or Indic spelling; every other invisible format character
# (bidirectional overrides, zero-width spaces, tags) only serves to disguise a name.
_JOINERS = frozenset("\u200c\u200d")
_IGNORED_IN_KEYS = dict.fromkeys([0x200C, 0x200D, *range(0xFE00, 0xFE10)])
_REFUSED = {
    "Cc": "it contains control characters",
    "Cf": "it contains invisible characters",
    "Cs": "it is not valid text",
}
_SUGGEST_FROM = 0.4  # Dice coefficient of letter pairs; one typing error in eight letters gives 0.75


def clean_name(text: str) -> str:
    """The text as a display name: NFC, with single inner spaces. Raises NameInvalidError."""
    for character in text:
        reason = _REFUSED.get(unicodedata.category(character))
        if reason and character not in _JOINERS:
            raise NameInvalidError(name=_printable(text), reason=reason)
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not any(unicodedata.category(character)[0] in "LNSP" for character in name):
        raise NameInvalidError(name=name, reason="it is empty")
    if len(name) > MAX_LENGTH:
        raise NameInvalidError(name=name[:MAX_LENGTH] + "…", reason=f"it is longer than {MAX_LENGTH}")
    return name


def clean_series(text: str) -> str:
    """Like `clean_name()`, but nothing at all is fine."""
    return clean_name(text) if text.strip() else ""


@lru_cache(maxsize=1_024)
def name_key(text: str) -> str:
    """What two spellings share when they are the same name: case, width, joiners and spaces ignored."""
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_IGNORED_IN_KEYS)
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def distinct_names(spellings: Iterable[str]) -> tuple[str, ...]:
    """In order, without those that are the same name as an earlier one."""
    by_key: dict[str, str] = {}
    for spelling in spellings:
        by_key.setdefault(name_key(spelling), spelling)
    return tuple(by_key.values())


def suggest_names(name: str, known: Iterable[str], *, limit: int = 3) -> tuple[str, ...]:
    """The known spellings nearest to `name`, best first; word order hardly matters."""
    wanted = name_key(name)
    pairs = letter_pairs(wanted)
    scored = []
    for spelling in known:
        key = name_key(spelling)
        others = letter_pairs(key)
        score = 2 * len(pairs & others) / (len(pairs) + len(others) or 1)
        if wanted and (key.startswith(wanted) or wanted in key.split()):
            score += 1  # a part of the name is the likeliest thing to be typed
        if score >= _SUGGEST_FROM:
            scored.append((-score, spelling))
    return tuple(dict.fromkeys(spelling for _, spelling in sorted(scored)))[:limit]


def letter_pairs(key: str) -> frozenset[str]:
    """Of each word, its ends marked by a space."""
    return frozenset(
        padded[i : i + 2] for padded in (f" {word} " for word in key.split()) for i in range(len(padded) - 1)
    )


def _printable(text: str) -> str:
    """For an error message: the text without what made it unfit for one."""
    return "".join(c if unicodedata.category(c)[0] != "C" else "\ufffd" for c in text[:MAX_LENGTH])
