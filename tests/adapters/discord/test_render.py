"""Markdown, pages, buttons, menus and forms within Discord's limits."""

from __future__ import annotations

import re

import pytest

from bot.adapters.discord.render import LONGEST_PAGE, markdown_of, modal_of, pages_of, view_of
from bot.chat import Button, Form, FormField, Menu, MenuLine, OutgoingFile, Reply, Span


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, with a full stop. And (brackets)!", "plain, with a full stop. And (brackets)!"),
        ("a*b_c~d`e|f", r"a\*b\_c\~d\`e\|f"),
        ("<@1> @everyone <#2> <:a:3>", r"\<\@1> \@everyone \<#2> \<:a:3>"),
        ("[x](https://evil.example)", r"\[x\](https\://evil.example)"),
        ("discord.gg/abc www.x.org", r"discord\.gg/abc www\.x.org"),
        ("# heading\n## two\n-# small\n- list\n+ list\n> quote\n>>> all", r"""\# heading
\## two
\-# small
\- list
\+ list
\> quote
\>>> all"""),
        ("1. list\n12) list\n0.png", "1\\. list\n12\\) list\n0.png"),
        ("-5 is a number and #1 a rank", "-5 is a number and #1 a rank"),
        ("back\\slash", "back\\\\slash"),
        ("", ""),
    ],
)  # fmt: skip
def test_text_means_nothing_to_discord(text: str, shown: str) -> None:
    assert markdown_of((Span(text),)) == shown


def test_names_are_strong_whatever_is_in_them() -> None:
    text = (Span("This is "), Span("a*b**c", strong=True), Span(" and "), Span(" ", strong=True), Span("."))
    assert markdown_of(text) == r"This is **a\*b\*\*c** and  ."
    assert markdown_of((Span("x "), Span(" y ", strong=True))) == "x  **y** "
    assert markdown_of((Span("one\ntwo", strong=True),)) == "**one**\n**two**"


def test_a_mark_at_the_end_of_a_span_is_not_completed_by_the_next() -> None:
    assert markdown_of((Span("#"), Span(" x"))) == r"\# x"
    assert markdown_of((Span("line\n"), Span("- x"))) == "line\n\\- x"


@pytest.mark.parametrize("unit", ["word ", "字", "*", "👨‍👩‍👧‍👦", "line\n", "\n"])
def test_long_texts_become_pages_that_lose_nothing(unit: str) -> None:
    text = unit * 3_000
    pages = pages_of(Reply((Span(text),)))
    assert all(len(page.content.encode("utf-16-le")) // 2 <= LONGEST_PAGE for page in pages)
    kept = re.sub(r"\s", "", "".join(page.content for page in pages).replace("\\", ""))
    assert kept == re.sub(r"\s", "", text)
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True] if pages else True


def test_more_than_ten_files_become_more_messages() -> None:
    files = tuple(OutgoingFile(f"{number}.png", b"x") for number in range(23))
    pages = pages_of(Reply((Span("hello"),), files=files))
    assert [(page.content, len(page.files)) for page in pages] == [("hello", 10), ("", 10), ("", 3)]
    assert pages_of(Reply()) == ()


async def test_controls_are_cut_to_their_limits_and_not_listened_for() -> None:
    lines = tuple(MenuLine("n" * 200, str(number), "d" * 200) for number in range(30))
    view = view_of(
        Reply(
            buttons=((Button("l" * 100, "t1"), Button("ok", "t2", "good")),), menu=Menu("m", "p" * 200, lines)
        )
    )
    assert view is not None and view.is_finished()
    menu, *buttons = view.to_components()
    (select,) = menu["components"]  # type: ignore[typeddict-item]
    assert len(select["options"]) == 25 and len(select["placeholder"]) == 150
    assert len(select["options"][0]["label"]) == len(select["options"][0]["description"]) == 100
    assert [len(one["label"]) for one in buttons[0]["components"]] == [80, 2]  # type: ignore[typeddict-item]
    assert view_of(Reply((Span("x"),))) is None


async def test_forms_are_cut_to_their_limits() -> None:
    fields = tuple(FormField(f"k{n}", "l" * 60, "v" * 200, longest=100 * (1 + 3 * n)) for n in range(6))
    modal = modal_of(Form("token", "t" * 60, fields))
    form = modal.to_dict()
    assert modal.is_finished() and form["custom_id"] == "token" and len(form["title"]) == 45
    assert len(form["components"]) == 5
    first, second, *_ = [part["component"] for part in form["components"]]
    assert (first["max_length"], len(first["value"]), first["style"]) == (100, 100, 1)
    assert second["style"] == 2
