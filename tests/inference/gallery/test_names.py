from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import NameInvalidError
from inference.gallery.names import clean_name, clean_series, name_key, suggest_names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Rin", "Rin"),
        ("  Tohsaka \u3000 Rin ", "Tohsaka Rin"),
        ("e\u0301", "é"),
        ("千反田える", "千反田える"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("2B", "2B"),
        ("?", "?"),
        ("x" * 100, "x" * 100),
    ],
)
def test_a_name_is_kept_as_people_write_it(text: str, name: str) -> None:
    assert clean_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\u3000",
        "\u0301",
        "\u200d",
        "a\x00b",
        "a\nb",
        "a\tb",
        "\x7f",
        "a\u202eb",
        "a\u2066b",
        "a\u200fb",
        "a\u200bb",
        "\ufeffa",
        "a\U000e0041",
        "a\ud800",
        "x" * 101,
        "x" * 1_000_000,
    ],
)
def test_what_cannot_be_read_or_hides_something_is_no_name(text: str) -> None:
    with pytest.raises(NameInvalidError) as caught:
        clean_name(text)
    assert len(str(caught.value)) < 250
    str(caught.value).encode()


def test_a_series_may_be_empty_but_not_hidden() -> None:
    assert clean_series(" ") == ""
    assert clean_series(" Hyouka ") == "Hyouka"
    with pytest.raises(NameInvalidError):
        clean_series("a\u202eb")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Rin", "rIN"),
        ("Ｒｉｎ", "rin"),
        ("ﾘﾝ", "リン"),
        ("Straße", "STRASSE"),
        ("İ", "i\u0307"),
        ("a  b", " A\u3000B "),
        ("é", "e\u0301"),
        ("❤\ufe0f", "❤"),
        ("می\u200cخواهم", "میخواهم"),
    ],
)
def test_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(("one", "other"), [("リン", "りん"), ("Rin", "Ring"), ("é", "e"), ("ab", "a b")])
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@given(st.text())
def test_a_key_and_a_clean_name_are_stable(text: str) -> None:
    assert name_key(name_key(text)) == name_key(text)
    try:
        name = clean_name(text)
    except NameInvalidError:
        return
    assert clean_name(name) == name
    assert name_key(name) == name_key(text)
    assert 1 <= len(name) <= 100


KNOWN = ["Chitanda Eru", "Tohsaka Rin", "Tohsaka Sakura", "綾波レイ", "Kurisu"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("chitnda eru", ("Chitanda Eru",)),
        ("Eru Chitanda", ("Chitanda Eru",)),
        ("tohsaka", ("Tohsaka Rin", "Tohsaka Sakura")),
        ("rin", ("Tohsaka Rin",)),
        ("綾波", ("綾波レイ",)),
        ("Makise Kurisu", ("Kurisu",)),
        ("xyz", ()),
        ("", ()),
    ],
)
def test_suggestions_are_what_somebody_may_have_meant(wanted: str, expected: tuple[str, ...]) -> None:
    assert suggest_names(wanted, KNOWN) == expected


def test_suggestions_are_few_and_without_doubles() -> None:
    assert suggest_names("name", ["name 1", "name 2", "name 1", "name 3", "name 4"]) == (
        "name 1",
        "name 2",
        "name 3",
    )
