"""Names of every script become glyphs of fonts that have them, never empty boxes."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import cv2
import numpy as np
import pytest
import resvg_py
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference import graphemes
from inference.bidi import embedding_levels, visual_order
from inference.fonts import EMOJI, LATIN, Font, chain, cjk
from inference.graphemes import clusters, readable, shorten
from inference.typeset import MISSING, KeptSprites, Line, TextSprite, render_fitting, render_lines, text_runs

SIZE = 40

NAMES = {
    "Latin": ("Chitanda Eru", {"Noto Sans"}),
    "Latin with marks": ("Łódź Nguyễn Hōtarō", {"Noto Sans"}),
    "Japanese": ("千反田える", {"Noto Sans CJK JP"}),
    "simplified Chinese": ("爱丽丝·玛格特罗依德", {"Noto Sans CJK SC"}),
    "Korean": ("초음미래", {"Noto Sans CJK KR"}),
    "Korean, decomposed": (unicodedata.normalize("NFD", "초음미래"), {"Noto Sans CJK KR"}),
    "Cyrillic": ("Харуна Сайто", {"Noto Sans"}),
    "Greek": ("Χατσούνε Μίκου", {"Noto Sans"}),
    "Arabic": ("هاتسوني ميكو", {"Noto Sans Arabic"}),
    "Hebrew": ("האצונה מיקו", {"Noto Sans Hebrew"}),
    "Thai": ("ฮัตสึเนะ มิกุ", {"Noto Sans Thai"}),
    "Devanagari": ("हात्सुने मिकु", {"Noto Sans Devanagari"}),
    "Tamil": ("ஹட்சுனே மிக்கு", {"Noto Sans Tamil"}),
    "Georgian": ("ჰაცუნე მიკუ", {"Noto Sans Georgian"}),
    "Armenian": ("Հացունե Միկու", {"Noto Sans Armenian"}),
    "emoji": ("🐱✨", {"Noto Emoji"}),
    "emoji sequences": ("👩‍🚀👨‍👩‍👧🇯🇵👍🏽❤️1️⃣🏴󠁧󠁢󠁥󠁮󠁧󠁿", {"Noto Emoji"}),
    "a star among Latin": ("Dareda★X", {"Noto Sans", "Noto Sans CJK JP"}),
    "all at once": (
        "Miku 初音★ミク 🐱 هاتسوني",
        {"Noto Sans", "Noto Sans CJK JP", "Noto Emoji", "Noto Sans Arabic"},
    ),
}
names = pytest.mark.parametrize(("text", "families"), NAMES.values(), ids=NAMES)


@cache
def mapped_by(font: Font) -> frozenset[int]:
    """The code points that the font has glyphs for, as fontTools reads them."""
    with TTFont(font.path, fontNumber=0, lazy=True) as file:
        return frozenset(file.getBestCmap()) - {0}


@cache
def empty_box(font: Font) -> bytes:
    """What the renderer draws for a character that the font does not have."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="120" height="120"><text x="20" y="80" '
        f'font-size="{SIZE}" font-weight="600" font-family="{font.family}">\u0378</text></svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=svg, font_files=[str(font.path)], skip_system_fonts=True)
    alpha = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)[..., 3]
    return cut_to_ink(alpha).tobytes()


def cut_to_ink(coverage: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows, columns = np.flatnonzero(coverage.any(axis=1)), np.flatnonzero(coverage.any(axis=0))
    return coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if len(rows) else coverage[:0]


def rendered(text: str) -> TextSprite:
    return render_lines([Line(text, SIZE)])[0]


@pytest.mark.parametrize("font", [*chain("JP"), cjk("SC")], ids=lambda font: font.family)
def test_the_coverage_of_a_font_is_what_fonttools_reads(font: Font) -> None:
    mapped = mapped_by(font)
    probes = {code + step for code in mapped for step in (-1, 0, 1)} - {-1, 0}
    assert {code for code in probes if font.covers(chr(code))} == mapped


@names
def test_a_name_is_set_in_fonts_that_have_all_its_characters(text: str, families: set[str]) -> None:
    runs = text_runs(text)
    assert {run.font.family for run in runs} == families
    assert all(set(map(ord, run.text)) <= mapped_by(run.font) for run in runs)
    assert MISSING not in "".join(run.text for run in runs)


@names
def test_every_cluster_of_a_name_is_ink_that_is_no_empty_box(text: str, families: set[str]) -> None:
    pieces = [piece for piece in clusters(readable(text)) if piece != " "]
    for piece, sprite in zip(pieces, render_lines([Line(piece, SIZE) for piece in pieces]), strict=True):
        (run,) = text_runs(piece)
        assert sprite.width > 0, piece
        assert sprite.coverage.max() > 200, piece
        assert sprite.coverage.tobytes() != empty_box(run.font), piece


@pytest.mark.parametrize("font", [LATIN, cjk("JP"), EMOJI], ids=lambda font: font.family)
def test_the_empty_box_would_be_seen(font: Font) -> None:
    assert any(empty_box(font)), "the comparison above would be with nothing"


def test_different_names_look_different() -> None:
    sprites = render_lines([Line(text, SIZE) for text, _ in NAMES.values()])
    # Decomposed Hangul is the same name.
    assert len({(sprite.width, sprite.coverage.tobytes()) for sprite in sprites}) == len(NAMES) - 1


@pytest.mark.parametrize("sequence", ["👩‍🚀", "👨‍👩‍👧", "🇯🇵", "👍🏽", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏳️‍🌈"])
def test_an_emoji_sequence_is_one_picture(sequence: str) -> None:
    assert clusters(readable(sequence)) == [sequence]
    assert rendered(sequence).width < 1.4 * SIZE


@pytest.mark.parametrize(
    ("text", "hint", "forms"),
    [
        ("骨直", "JP", "JP"),
        ("骨直", "SC", "SC"),
        ("骨直える", "SC", "JP"),
        ("骨 초음", "JP", "KR"),
        ("爱丽丝", "JP", "SC"),
        ("說話們", "TC", "TC"),
    ],
)
def test_han_characters_take_the_forms_of_their_language(text: str, hint: str, forms: str) -> None:
    assert {run.font for run in text_runs(text, han=hint)} - {LATIN} == {cjk(forms)}  # type: ignore[arg-type]


def test_the_forms_of_a_han_character_differ_by_language() -> None:
    japanese, chinese = (render_lines([Line("骨", SIZE)], han=han)[0] for han in ("JP", "SC"))
    assert japanese.coverage.tobytes() != chinese.coverage.tobytes()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("𓂀𓂀 𓃰x", f"{MISSING} {MISSING}x"),
        ("𝕯𝖆𝖗𝖊𝖉𝖆", "Dareda"),
        ("a\u0378b", f"a{MISSING}b"),
        ("\ud800x", f"{MISSING}x"),
        ("\ufffe\uffff", MISSING),
    ],
)
def test_what_no_font_has_is_shown_plainly_or_as_one_visible_mark(text: str, shown: str) -> None:
    assert "".join(run.text for run in text_runs(text)) == shown
    assert rendered(text).coverage.max() > 200


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        (" \t\r\n ", ""),
        ("a\x00b\x07c", "abc"),
        ("abc\u202edef\u202c\u2066g\u2069", "abcdefg"),
        ("\u200b\u200e\u2060\ufeff\u00ad\u3164", ""),
        ("\u200d\u200c\ufe0f", ""),
        ("line\none\u2028two\u00a0three\u3000four", "line one two three four"),
        ("é" + "\u0301" * 50, "é\u0301\u0301"),
        ("\u0301\u0301abc", "abc"),
        ("が\u3099", "が\u3099"),
        ("か\u3099", "が"),
        ("x" * 4_000, "x" * 1_000),
        ("</text><image href='file:///etc/passwd'/>&lt;", "</text><image href='file:///etc/passwd'/>&lt;"),
    ],
)
def test_a_name_is_made_readable(text: str, shown: str) -> None:
    assert readable(text) == shown


def test_the_short_way_for_plain_names_leads_where_the_long_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"  {chr(code)}a {chr(code)}  " for code in (*range(0x20, 0x3200), *range(0x4DF0, 0xA010, 7))]
    short = [readable(text) for text in texts]
    monkeypatch.setattr(graphemes, "_PLAIN", re.compile("(?!)"))
    assert [readable(text) for text in texts] == short


@pytest.mark.parametrize(
    "text",
    [
        "</text><image href='x'/>",
        "]]><svg/onload=1>",
        "&amp;&#0;&nope;",
        "\"'<>&",
        "Z̸̡̢̛̦͇̥̟a̷̡̛͔̰̙l̶̨̛̰͙g̴̢̛̝̗o̵̧̢̱",
        "\u202eevil\u202c",
        "a\x00b",
        "﷽" * 30,
        "ABC " * 1_000,
        "👨‍👩‍👧" * 50,
        "\u0e33" * 20,
    ],
)
def test_a_hostile_name_is_rendered_as_text_of_bounded_size(text: str) -> None:
    (sprite,) = render_fitting([Line(text, SIZE)], 300)
    assert 0 < sprite.width <= 300
    assert 0 < sprite.height <= 2.1 * SIZE
    assert sprite.coverage.max() > 200


def test_markup_in_a_name_is_not_markup() -> None:
    inside, outside = render_lines([Line("a</tspan>b", SIZE), Line("ab", SIZE)])
    assert inside.width > 3 * outside.width


def test_an_invisible_text_has_no_width() -> None:
    assert [sprite.width for sprite in render_lines([Line("", SIZE), Line("\u200b", SIZE)])] == [0, 0]
    assert render_lines([]) == []


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_becomes_runs_of_characters_that_their_fonts_have(text: str) -> None:
    for run in text_runs(text):
        assert all(map(run.font.covers, run.text))
        assert all(unicodedata.category(c) not in ("Cc", "Cs") for c in run.text)


@given(st.lists(st.text(max_size=12), min_size=8, max_size=8))
@settings(max_examples=15, deadline=None)
def test_any_text_is_rendered_within_its_width(texts: list[str]) -> None:
    for text, sprite in zip(texts, render_fitting([Line(text, 20) for text in texts], 120), strict=True):
        assert sprite.width <= 120
        assert (sprite.width > 0) == bool(readable(text))


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("Chitanda Eru", 12, "Chitanda Eru"),
        ("Chitanda Eru", 11, "Chitanda E…"),
        ("Chitanda Eru", 10, "Chitanda…"),
        ("千反田える", 10, "千反田える"),
        ("千反田える", 9, "千反田え…"),
        ("👨‍👩‍👧👨‍👩‍👧👨‍👩‍👧", 5, "👨‍👩‍👧👨‍👩‍👧…"),
        ("ééé", 2, "é…"),
        ("abc", 1, "…"),
        ("abc", 0, "…"),
        ("", 0, ""),
    ],
)
def test_a_text_is_shortened_between_graphemes(text: str, most: int, shown: str) -> None:
    assert shorten(text, most) == shown


def test_the_suffix_stays_when_a_line_is_shortened() -> None:
    sure, doubtful = render_fitting([Line("Chitanda Eru", 20), Line("Chitanda Eru", 20, " ?")], 90)
    assert sure.width <= 90 and doubtful.width <= 90
    (mark,) = render_lines([Line("?", 20)])
    # The question mark is the last thing on the line, as it is when alone.
    assert np.array_equal(doubtful.coverage[:, -mark.width :].max(axis=1) > 0, row_ink(mark, doubtful))


def row_ink(mark: TextSprite, line: TextSprite) -> NDArray[np.bool_]:
    """Which rows of the line the mark inks when both stand on one baseline."""
    rows = np.zeros(line.height, bool)
    top = line.rise - mark.rise
    rows[top : top + mark.height] = mark.coverage.max(axis=1) > 0
    return rows


def test_lines_of_one_size_share_a_baseline() -> None:
    plain, deep, accented = render_lines([Line("x", SIZE), Line("g", SIZE), Line("É", SIZE)])
    assert plain.rise == plain.height
    assert deep.height > deep.rise
    assert accented.rise > plain.rise


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("abc", "abc"),
        ("אבג", "גבא"),
        ("ab אב", "ab בא"),
        ("אב ab", "ab בא"),
        ("אב 12", "12 בא"),
        ("אב 1,2% ab", "ab 1,2% בא"),
        ("اب 12 ab", "ab 12 با"),
        ("ab (אב) cd", "ab (בא) cd"),
        ("אב!", "!בא"),
        ("12 + 3", "12 + 3"),
        ("", ""),
    ],
)
def test_pieces_stand_in_bidirectional_order(text: str, order: str) -> None:
    assert "".join(text[index] for index in visual_order(embedding_levels(list(text)))) == order


def test_runs_stand_from_left_to_right_in_the_direction_of_the_line() -> None:
    assert [run.text for run in text_runs("Miku هاتسوني")] == ["Miku ", "هاتسوني"]
    assert [run.text for run in text_runs("هاتسوني★Miku")] == ["Miku", "★", "هاتسوني"]


def test_a_name_said_again_is_not_rendered_again_until_too_many_others_came() -> None:
    first = render_lines([Line("Chitanda", 21)])[0]
    assert render_lines([Line("Chitanda", 21)])[0] is first
    assert render_lines([Line("Chitanda", 22)])[0] is not first
    kept = KeptSprites(max_bytes=8 * len(first.coverage) * first.width)
    for size in range(100):
        kept.put((Line("Chitanda", size), "JP", 600), first)
    assert kept.get((Line("Chitanda", 99), "JP", 600)) is first
    assert kept.get((Line("Chitanda", 0), "JP", 600)) is None
    assert len(kept) < 8
