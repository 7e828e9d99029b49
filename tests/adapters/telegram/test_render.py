"""What replies look like in Telegram: HTML, pages, captions, keyboards, photos and documents."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from bot.adapters.telegram.render import (
    LONGEST_CAPTION,
    LONGEST_TEXT,
    html_of,
    is_photo,
    keyboard_of,
    pages_of,
    parts_of,
    pressed,
)
from bot.chat import Button, Menu, MenuLine, OutgoingFile, Reply, Span
from inference.images import encode
from tests.telegram_server.formatting import parse_html, utf16_length


def picture(width: int = 60, height: int = 40, *, spoiler: bool = False) -> OutgoingFile:
    data = encode(np.full((height, width, 3), 99, np.uint8), format="png")
    return OutgoingFile("a.png", data, spoiler=spoiler)


def archive() -> OutgoingFile:
    return OutgoingFile("a.zip", b"PK", is_picture=False)


@pytest.mark.parametrize(
    "text",
    [
        "<b>&amp;</b>",
        'a "quoted" <i>',
        "1 < 2 & 3 > 2",
        "</b></b>",
        "&lt;",
        "<a href='x'>",
        "🙂<",
        "' OR 1=1",
    ],
)
@pytest.mark.parametrize("strong", [False, True])
def test_text_means_nothing_but_itself(text: str, strong: bool) -> None:
    read = parse_html(html_of((Span("x "), Span(text, strong=strong), Span(" y"))))
    assert read.text == f"x {text} y"
    assert read.marked("bold") == ([text] if strong else [])
    assert {one["type"] for one in read.entities} <= {"bold"}


@pytest.mark.parametrize("unit", ["word ", "line\n", "🙂", "長い文", "e\u0301", "x" * 50 + "\n"])
def test_pages_hold_everything_within_the_limit(unit: str) -> None:
    text = unit * (9_000 // len(unit))
    pages = list(pages_of((Span(text[:3_000]), Span(text[3_000:], strong=True)), LONGEST_TEXT))
    read = [parse_html(page).text for page in pages]
    assert all(0 < utf16_length(page) <= LONGEST_TEXT for page in read)
    assert "".join("".join(read).split()) == "".join(text.split())


def test_lines_stay_whole_where_they_fit() -> None:
    lines = [f"{number}: {'x' * 90}" for number in range(100)]
    pages = [parse_html(page).text for page in pages_of((Span("\n".join(lines)),), LONGEST_TEXT)]
    assert [line for page in pages for line in page.split("\n")] == lines


def test_a_picture_has_its_text_as_caption_as_far_as_that_is_allowed() -> None:
    short, long = (Span("x" * LONGEST_CAPTION),), (Span("x" * (LONGEST_CAPTION + 1)),)
    (part,) = parts_of(Reply(short, files=(picture(),)))
    assert (part.html, len(part.files), part.as_photos) == ("x" * LONGEST_CAPTION, 1, True)
    text, photo = parts_of(Reply(long, files=(picture(),)))
    assert (text.files, photo.html) == ((), "")


def test_files_go_in_albums_of_one_kind_and_ten() -> None:
    files = (*[picture()] * 12, archive(), archive(), picture(3_000, 100))
    parts = parts_of(Reply((Span("x"),), files=files))
    assert [(len(part.files), part.as_photos, part.html) for part in parts] == [
        (10, True, "x"),
        (2, True, ""),
        (3, False, ""),
    ]


def test_nothing_to_say_is_no_message() -> None:
    assert parts_of(Reply()) == parts_of(Reply((Span(" \n"),))) == ()


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (picture(), True),
        (picture(2_000, 100), True),
        (picture(2_001, 100), False),
        (picture(5_000, 5_001), False),
        (archive(), False),
        (OutgoingFile("a.png", b"no picture"), False),
        (OutgoingFile("a.png", picture().data + b"x" * 10 * 1024 * 1024), False),
    ],
    ids=["small", "thin", "thinner", "large", "archive", "nonsense", "heavy"],
)
def test_what_telegram_does_not_take_as_a_photo_goes_as_a_document(
    file: OutgoingFile, expected: bool
) -> None:
    assert is_photo(file) is expected


def test_menus_are_lines_of_buttons_that_lead_back_to_token_and_value() -> None:
    menu = Menu(
        "a:" + "x" * 22 + ":is:12", "who", (MenuLine("Eru", "f" * 16, "Hyouka"), MenuLine("?", "nobody"))
    )
    keyboard = keyboard_of(Reply(menu=menu, buttons=((Button("No", "q:1", "bad"), Button("Yes", "q:2")), ())))
    assert keyboard is not None
    first, second, last = keyboard.inline_keyboard
    assert [button.text for button in (*first, *second, *last)] == ["Eru · Hyouka", "?", "No", "Yes"]
    assert pressed(str(first[0].callback_data)) == (menu.token, "f" * 16)
    assert pressed(str(last[0].callback_data)) == ("q:1", "")
    assert (last[0].style, last[1].style) == ("danger", None)


def test_a_menu_line_that_does_not_fit_into_a_button_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    menu = Menu("t" * 60, "who", (MenuLine("long", "v" * 40), MenuLine("short", "v")))
    with caplog.at_level(logging.ERROR):
        keyboard = keyboard_of(Reply(menu=menu))
    assert keyboard is not None
    assert [row[0].text for row in keyboard.inline_keyboard] == ["short"]
    assert "menu_line_left_out" in caplog.text
