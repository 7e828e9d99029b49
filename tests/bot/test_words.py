from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.words import NAMELESS, clean_name, safe_file_name, shorten, utf16_length
from inference.gallery.names import name_key
from inference.graphemes import readable

# What Discord and Telegram make of plain text, from their documentation and clients.
ACTIVE = re.compile(
    r"""@(?:everyone|here) | (?<!\w)@\w | <(?:[@\#:/]|a:|t:|id:) | https?:// | tg:// | :// |
        (?:discord\.gg|discord\.com|discordapp\.com|t\.me|telegram\.me)/ | \bwww\. |
        (?<!\w)\#\w*[^\W\d] | (?<!\w)\$[A-Za-z] | (?<![\w/])/\w |
        \w\.(?:com|net|org|gg|me|moe|art|jp|xn--\w+)\b""",
    re.VERBOSE | re.IGNORECASE,
)
SCARY = st.one_of(
    st.text(),
    st.text(alphabet="@everyonhw<>#:/.$a1 \u200b\u202e\u0301\ufdd0\ue000\x00\n|*_`[]()", max_size=60),
    st.sampled_from(
        [
            "@everyone",
            "@here",
            "<@1>",
            "<@&1>",
            "<#1>",
            "<:x:1>",
            "</x:1>",
            "https://evil.com",
            "t.me/x",
            "/forget",
        ]
    ).flatmap(lambda bad: st.tuples(st.text(max_size=9), st.text(max_size=9)).map(bad.join)),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Chitanda Eru", "Chitanda Eru"),
        ("  千反田　 える\n", "千反田 える"),
        ("THE IDOLM@STER", "THE IDOLM@STER"),
        ("Fate/stay night", "Fate/stay night"),
        (".hack//SIGN", ".hack//SIGN"),
        ("K.K. Slider", "K.K. Slider"),
        ("Dr. Stone", "Dr. Stone"),
        ("No. 6", "No. 6"),
        ("I <3 you", "I <3 you"),
        ("A-ko #2", "A-ko #2"),
        ("🏳️‍🌈 👩‍👩‍👧", "🏳️‍🌈 👩‍👩‍👧"),
        ("@everyone", "＠everyone"),
        ("hi@here", "hi＠here"),
        ("@\u200beveryone", "＠everyone"),
        ("<@123> <@!123> <@&5>", "＜＠123> ＜＠!123> ＜＠&5>"),
        ("<#9> <:smile:5> <a:smile:5> </forget:1> <t:1:R> <id:guide>", None),
        ("https://evil.example/x", "https：//evil․example/x"),
        ("join discord.gg/abc", "join discord․gg/abc"),
        ("[x](https://evil.com)", "[x](https：//evil․com)"),
        ("me@evil.com", "me@evil․com"),
        ("例え.テスト", "例え․テスト"),
        ("10.0.0.1", "10․0․0․1"),
        ("/forget Eru", "／forget Eru"),
        ("#tag #1st $TAG $5", "＃tag ＃1st ＄TAG $5"),
        ("a\x00b\u202ec\u2066d\ufeffe", "abcde"),
        ("\ufdd0strong\ufdd1\ue000", "strong"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
        ("", NAMELESS),
        (" \u200b\u202e\u3164\n", NAMELESS),
        ("\ufdd0", NAMELESS),
        (" \u0300 \u0301x", "x"),
    ],
)
def test_a_name_is_shown_so(text: str, shown: str | None) -> None:
    cleaned = clean_name(text)
    assert not ACTIVE.search(cleaned)
    if shown is not None:
        assert cleaned == shown


@given(SCARY, st.integers(1, 200))
@example("a" + "\u0301" * 500, 80)
@example("https://" * 500, 80)
@example("@" * 4_000, 80)
@example("💥" * 4_000, 79)
@example("\x00" * 4_000, 80)
@example("\r\u03000", 2)
def test_no_name_does_anything(text: str, longest: int) -> None:
    cleaned = clean_name(text, longest)
    assert cleaned
    assert unicodedata.category(cleaned[0])[0] not in "MZ"
    assert utf16_length(cleaned) <= longest
    assert not ACTIVE.search(cleaned)
    assert all(unicodedata.category(c) not in ("Cc", "Co", "Cs", "Zl", "Zp") for c in cleaned)
    assert not any(
        "\ufdd0" <= c <= "\ufdef" or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067" for c in cleaned
    )
    assert "  " not in cleaned
    assert re.search("(?:[\u0300-\u036f]){5}", cleaned) is None
    assert clean_name(cleaned, longest) == cleaned


@given(st.text(alphabet="@everyonhw<>#:/.$ab1 例え", max_size=60))
def test_a_name_copied_from_an_answer_still_finds_its_character(text: str) -> None:
    if readable(text):
        assert name_key(clean_name(text)) == name_key(readable(text))


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("", 5, ""),
        ("abcde", 5, "abcde"),
        ("abcdef", 5, "abcd…"),
        ("abc def", 5, "abc…"),
        ("line\nline", 20, "line\nline"),
        ("👩‍👩‍👧👩‍👩‍👧", 16, "👩‍👩‍👧👩‍👩‍👧"),
        ("👩‍👩‍👧👩‍👩‍👧", 15, "👩‍👩‍👧…"),
        ("e\u0301e\u0301e\u0301", 5, "e\u0301e\u0301…"),
        ("💥💥💥", 5, "💥💥…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_text_is_cut_between_what_looks_like_one_character(text: str, limit: int, short: str) -> None:
    assert shorten(text, limit) == short


@given(st.text(), st.integers(0, 30))
def test_a_short_text_stays_and_a_long_one_fits(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert utf16_length(short) <= limit or short == text
    assert short == text or len(text.encode("utf-16-le", "surrogatepass")) > 2 * limit


@pytest.mark.parametrize(
    ("text", "extension", "name"),
    [
        ("Chitanda Eru", "png", "Chitanda-Eru.png"),
        ("Chitanda Éru.webp", ".JPG", "Chitanda-Eru.jpg"),
        ("千反田える", "jpg", "picture.jpg"),
        ("", "png", "picture.png"),
        ("../../etc/passwd", "png", "etc-passwd.png"),
        ("C:\\Windows\\x.png", "png", "C-Windows-x.png"),
        ("con", "png", "picture-con.png"),
        ("COM1.txt", "png", "picture-COM1.png"),
        ("a" * 300, "png", "a" * 60 + ".png"),
        ("x\x00.png\u202egpj.exe", "png", "x-pnggpj.png"),
        ("gallery", "../zip", "gallery.zip"),
        ("SPOILER_x", "png", "SPOILER-x.png"),
    ],
)
def test_a_file_is_called_so(text: str, extension: str, name: str) -> None:
    assert safe_file_name(text, extension) == name


@given(st.text(), st.text(max_size=10))
def test_every_file_name_is_safe(text: str, extension: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,67}\.[a-z0-9]+", safe_file_name(text, extension))
