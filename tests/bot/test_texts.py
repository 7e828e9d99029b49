from __future__ import annotations

import ast
import inspect
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl
from fluent.syntax.visitor import Visitor
from jinja2 import Environment, nodes

import bot
import inference
from bot.chat import CommandName, Span
from bot.commands.catalogue import CATALOGUE, ParameterKind
from bot.errors import ArgumentMissingError, CooldownError, SettingInvalidError
from bot.space_settings import Answering, SettingName
from bot.texts import (
    LANGUAGES,
    LOCALES_DIR,
    Either,
    Strong,
    Texts,
    choose_language,
    join_texts,
    plain_text,
    shorten_text,
    texts_of,
)
from bot.web.rendering import TEMPLATES_DIR
from inference.errors import (
    AppError,
    CannotUndoError,
    CharacterNotFoundError,
    FaceNumberError,
    FaceTooPoorError,
    GalleryLockedError,
    ImageTooLargeError,
)

OTHERS = [language for language in LANGUAGES if language != "en"]
# Keys that the code makes out of names instead of naming them.
MADE_KEYS = (
    *("error-", "command-", "parameter-", "setting-", "choice-"),
    *("web-nav-", "web-theme-", "web-order-"),
)


# ── the files ───────────────────────────────────────────────────────────────────────────────────


class _Variables(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()
        self.messages: set[str] = set()

    def visit_VariableReference(self, node: ftl.VariableReference) -> None:  # noqa: N802  # Fluent's spelling
        self.names.add(node.id.name)

    def visit_MessageReference(self, node: ftl.MessageReference) -> None:  # noqa: N802
        attribute = f".{node.attribute.name}" if node.attribute else ""
        self.messages.add(node.id.name + attribute)


def entries(language: str) -> dict[str, tuple[Path, set[str]]]:
    """Of each sentence (and attribute): its file and the variables that it needs, its own and others'."""
    found: dict[str, tuple[Path, _Variables]] = {}
    for path in sorted((LOCALES_DIR / language).glob("*.ftl")):
        for entry in FluentParser().parse(path.read_text(encoding="utf-8")).body:
            if isinstance(entry, ftl.Message):
                patterns = [(entry.id.name, entry.value)] if entry.value else []
                patterns += [(f"{entry.id.name}.{a.id.name}", a.value) for a in entry.attributes]
                for key, pattern in patterns:
                    variables = _Variables()
                    variables.visit(pattern)
                    found[key] = (path, variables)

    def needed(variables: _Variables) -> set[str]:
        return variables.names.union(*(needed(found[other][1]) for other in variables.messages))

    return {key: (path, needed(variables)) for key, (path, variables) in found.items()}


ENTRIES = {language: entries(language) for language in LANGUAGES}


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_sentences_with_the_same_parameters(language: str) -> None:
    english = {key: (path.name, needed) for key, (path, needed) in ENTRIES["en"].items()}
    other = {key: (path.name, needed) for key, (path, needed) in ENTRIES[language].items()}
    assert other == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_hold_nothing_invisible_and_every_language_is_written_in_its_own_script(
    language: str,
) -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in (LOCALES_DIR / language).glob("*.ftl"))
    assert not {c for c in texts if unicodedata.category(c) in ("Cf", "Co", "Cn") or (c < " " and c != "\n")}
    kana = len(re.findall("[\u3040-\u30ff]", texts))
    han = len(re.findall("[\u4e00-\u9fff]", texts))
    assert (kana > 500, han > 300) == {"en": (False, False), "ja": (True, True), "zh": (False, True)}[
        language
    ]


def asked_for() -> Iterator[tuple[str, int, str, set[str], bool]]:
    """Every `.say("key", …)` and `.line("key", …)`: file, line, key, parameters, if there may be more."""
    for path in sorted(Path(bot.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("say", "line")
                and node.args
                and isinstance(node.args[0], ast.Constant)
                and isinstance(node.args[0].value, str)
            ):
                names = {keyword.arg for keyword in node.keywords if keyword.arg}
                more = any(keyword.arg is None for keyword in node.keywords)
                yield path.name, node.lineno, node.args[0].value, names, more
    for name, call in template_calls():
        if (
            isinstance(call.node, nodes.Name)
            and call.node.name == "t"
            and isinstance(call.args[0], nodes.Const)
        ):
            yield name, call.lineno, call.args[0].value, {keyword.key for keyword in call.kwargs}, False


def template_calls() -> Iterator[tuple[str, nodes.Call]]:
    """Every call in the web console's templates, in which `t("key", …)` is a sentence."""
    for path in sorted(TEMPLATES_DIR.glob("*.html")):
        for call in Environment().parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            yield path.name, call


def test_sentences_of_templates_are_looked_at_too() -> None:
    assert "web-skip" in {key for _, _, key, _, _ in asked_for()}


def test_every_sentence_that_the_code_says_is_there_and_gets_what_it_needs() -> None:
    wrong = [
        (file, line, key, names)
        for file, line, key, names, more in asked_for()
        if key not in ENTRIES["en"]
        or not (names <= ENTRIES["en"][key][1] if more else names == ENTRIES["en"][key][1])
    ]
    assert wrong == []


def test_no_sentence_is_left_over() -> None:
    named = {
        node.value
        for path in Path(bot.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    } | {key for _, _, key, _, _ in asked_for()}
    made = tuple(ENTRIES["en"].keys() - named)
    assert [key for key in made if not key.startswith(MADE_KEYS)] == []


# ── errors ──────────────────────────────────────────────────────────────────────────────────────


def all_errors() -> list[type[AppError]]:
    for package in (bot, inference):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith(".errors"):
                import_module(module.name)
    found, waiting = [], [AppError]
    while waiting:
        error = waiting.pop()
        found.append(error)
        waiting += error.__subclasses__()
    return [error for error in found if error.__module__.startswith(("bot", "inference"))]


def make_error(error: type[AppError]) -> AppError:
    """One with something plausible for every parameter."""
    values: dict[str, object] = {}
    for name, parameter in inspect.signature(error).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        hint = str(parameter.annotation)
        if "tuple" in hint:
            values[name] = ("Eru", "Mayaka")
        elif name == "reason" and error is CannotUndoError:
            values[name] = "changed"
        else:
            values[name] = {"int": 3, "float": 2.5, "bool": False}.get(hint, "something")
    return error(**values)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.__name__)
def test_every_error_has_a_sentence_of_its_own(error: type[AppError], language: str) -> None:
    said = plain_text(texts_of(language).error(make_error(error)))
    assert len(said) > 5
    assert "{" not in said
    key = f"error-{error.code.replace('_', '-')}"
    is_setup = any(base.__name__ == "SetupError" for base in error.__mro__)
    assert key in ENTRIES[language] or is_setup


def test_no_error_sentence_is_left_over() -> None:
    codes = {error.code.replace("_", "-") for error in all_errors()}
    keys = {key.removeprefix("error-") for key in ENTRIES["en"] if key.startswith("error-")}
    assert keys - codes == {"setup"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_for_not_undoing_is_told_apart(language: str) -> None:
    said = {
        plain_text(texts_of(language).error(CannotUndoError(reason=reason, name="Eru")))
        for reason in CannotUndoError.REASONS
    }
    assert len(said) == len(CannotUndoError.REASONS)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CooldownError(seconds=1), "That was a lot at once. Try again in one second."),
        (CooldownError(seconds=90), "That was a lot at once. Try again in 90 seconds."),
        (FaceNumberError(number=1_200, count=1), "There is no face number 1200; the picture has one face."),
        (
            ImageTooLargeError(what="bytes", actual=30_000_000, limit=26_214_400),
            "The picture is too large: 28.6 MB, and at most 25 MB are allowed. Send it smaller.",
        ),
        (
            ImageTooLargeError(what="side", actual=40_000, limit=32_000),
            "The picture is 40,000 pixels long; at most 32,000 are allowed. Send it smaller or cut it.",
        ),
        (CharacterNotFoundError(name="Eru"), "I know nobody called Eru."),
        (
            CharacterNotFoundError(name="Eru", suggestions=("Erua", "Elu")),
            "I know nobody called Eru. Did you mean Erua or Elu?",
        ),
        (
            FaceTooPoorError(what="size", actual=20.4, limit=32.0),
            "I cannot learn from this face: it is only 20 pixels wide, and 32 are needed. "
            "Send a larger, clearer picture.",
        ),
        (ArgumentMissingError(parameter="new_name"), "Something is missing: new_name."),
        (
            SettingInvalidError(setting="say_no_face", value="x", accepted=("on", "off")),
            "x will not do for Say when there is no face. It can be on or off.",
        ),
        (
            GalleryLockedError(path="/secret/place", owner=" (pid 1)"),
            "I am not set up for this. My operator finds the reason in the log.",
        ),
    ],
)
def test_errors_read_well(error: AppError, said: str) -> None:
    assert plain_text(texts_of("en").error(error)) == said


def test_names_in_errors_stand_out_and_do_nothing() -> None:
    spans = texts_of("en").error(CharacterNotFoundError(name="@everyone\u202e", suggestions=("<@1>",)))
    assert [span.text for span in spans if span.strong] == ["＠everyone", "＜＠1>"]


# ── what platforms list ─────────────────────────────────────────────────────────────────────────

# Discord's rule for names of commands and options, with the categories that the languages here need.
NAME = re.compile(r"[-_'\w]{1,32}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_and_their_parameters_keep_the_rules_of_platforms(language: str) -> None:
    texts = texts_of(language)
    names = [texts.command_name(spec.name) for spec in CATALOGUE]
    assert len(set(names)) == len(CommandName)
    for spec in CATALOGUE:
        parameters = [parameter.name for parameter in spec.parameters]
        own = [texts.parameter_name(spec.name, name) for name in parameters]
        assert len(set(own)) == len(own)
        for name in (texts.command_name(spec.name), *own):
            assert NAME.fullmatch(name)
            assert name == name.lower()
        descriptions = [texts.parameter_description(spec.name, name) for name in parameters]
        for description in (texts.command_description(spec.name), *descriptions):
            assert 1 <= len(description) <= 100
        if spec.on_messages:
            assert 1 <= len(texts.context_menu_name(spec.name)) <= 32
        for parameter in spec.parameters:
            if parameter.kind is ParameterKind.CHOICE:
                assert all(texts.choice_label(parameter.name, choice) for choice in parameter.choices)


def test_english_names_are_those_of_the_code() -> None:
    texts = texts_of("en")
    for spec in CATALOGUE:
        assert texts.command_name(spec.name) == spec.name
        for parameter in spec.parameters:
            assert texts.parameter_name(spec.name, parameter.name) == parameter.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_and_choice_has_a_label(language: str) -> None:
    texts = texts_of(language)
    labels = [texts.setting_label(setting) for setting in SettingName]
    assert len(set(labels)) == len(SettingName)
    assert len({texts.choice_label("answering", choice) for choice in Answering}) == len(Answering)
    assert [texts.choice_label("language", choice) for choice in LANGUAGES] == ["English", "日本語", "中文"]


# ── how sentences are made ──────────────────────────────────────────────────────────────────────

WriteTexts = Callable[[str], Texts]


@pytest.fixture
def write_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteTexts:
    """Texts of these sentences instead of ours."""
    monkeypatch.setattr("bot.texts.LOCALES_DIR", tmp_path)
    (tmp_path / "en").mkdir()

    def write(sentences: str) -> Texts:
        (tmp_path / "en" / f"{len(list(tmp_path.rglob('*.ftl')))}.ftl").write_text(
            sentences, encoding="utf-8"
        )
        return Texts("en")

    return write


def test_names_stand_out_and_numbers_lists_and_dates_are_written_as_the_language_does(
    write_texts: WriteTexts,
) -> None:
    texts = write_texts("seen = { $who } in { $series }, { $count }, { $others } or { $either }, { $at }")
    said = texts.say(
        "seen",
        who=Strong("千反田 える"),
        series="Hyouka",
        count=1_234,
        others=("A", Strong("B"), "C"),
        either=Either(("D", "E")),
        at=datetime(2026, 5, 1, 12, 30, tzinfo=UTC),
    )
    plain = plain_text(said).replace("\u202f", " ")
    assert plain == "千反田 える in Hyouka, 1,234, A, B, and C or D or E, May 1, 2026, 12:30 PM"
    assert [span.text for span in said if span.strong] == ["千反田 える", "B"]
    assert texts.line("seen", **dict.fromkeys(("who", "series", "count", "others", "either", "at"), "x"))


def test_what_strangers_wrote_does_nothing_and_cannot_stand_out_by_itself(write_texts: WriteTexts) -> None:
    texts = write_texts("said = { $name }: { $text }!")
    said = texts.say("said", name=Strong("\ufdd1@everyone\ufdd0"), text="\ufdd0{ name }\ufdd1\nt.me/x")
    assert said == (Span("＠everyone", strong=True), Span(": { name } t․me/x!"))


def test_a_text_can_be_part_of_another(write_texts: WriteTexts) -> None:
    texts = write_texts("inner = { $name } (@here)\nouter = I see { $inner } and { $none }.")
    inner = texts.say("inner", name=Strong("Eru"))
    assert texts.say("outer", inner=inner, none=()) == (
        Span("I see "),
        Span("Eru", strong=True),
        Span(" (@here) and ."),
    )


def test_what_is_too_long_for_a_sentence_is_shortened(write_texts: WriteTexts) -> None:
    texts = write_texts("said = { $what }.")
    for what in (
        "x" * 5_000,
        Strong("x" * 5_000),
        ["name"] * 5_000,
        Either([Strong("x" * 100)] * 5_000),
        (Span("x" * 5_000),) * 3,
    ):
        said = texts.line("said", what=what)
        assert len(said) <= 2_500
        assert said.endswith("….")


@pytest.mark.parametrize(
    "mistake",
    ["nobody", "named.nothing", "named", "attributes", "attributes.short"],
)
def test_a_sentence_that_is_not_there_or_lacks_something_is_a_bug(
    write_texts: WriteTexts, mistake: str
) -> None:
    texts = write_texts("named = { $name }\nattributes =\n    .long = x\n")
    with pytest.raises(LookupError):
        texts.say(mistake)


@pytest.mark.parametrize("sentences", ["here = 1", "broken = { $name\n"])
def test_sentences_that_are_there_twice_or_cannot_be_read_are_refused(
    write_texts: WriteTexts, sentences: str
) -> None:
    write_texts("here = 0")
    with pytest.raises(ValueError, match="en"):
        write_texts(sentences)


def test_a_language_without_sentences_is_refused() -> None:
    with pytest.raises(ValueError, match="tlh"):
        texts_of("tlh")


@pytest.mark.parametrize(
    ("tags", "language"),
    [
        ((), "en"),
        (("",), "en"),
        (("ja",), "ja"),
        (("ja-JP",), "ja"),
        (("zh-TW",), "zh"),
        (("zh_Hans",), "zh"),
        (("EN-us", "ja"), "en"),
        (("", "fr-FR", "ja"), "ja"),
        (("jam", "tlh"), "en"),
    ],
)
def test_the_first_language_that_we_speak_is_chosen(tags: tuple[str, ...], language: str) -> None:
    assert choose_language(*tags) == language


def test_texts_are_joined_without_empty_ones() -> None:
    one, two = (Span("a"), Span("b", strong=True)), (Span("c"),)
    assert join_texts([(), one, (), two, ()], " ") == (*one, Span(" "), *two)
    assert join_texts([]) == ()


@pytest.mark.parametrize(
    ("limit", "short"),
    [
        (9, (Span("abc"), Span("💥e", True), Span("fgh"))),
        (8, (Span("abc"), Span("💥e", True), Span("f…"))),
        (7, (Span("abc"), Span("💥e", True), Span("…"))),
        (6, (Span("abc"), Span("💥…", True))),
        (5, (Span("abc"), Span("…", True))),
        (4, (Span("abc"), Span("…", True))),
        (3, (Span("ab…"),)),
        (0, ()),
    ],
)
def test_a_text_is_shortened_to_what_a_platform_takes(limit: int, short: tuple[Span, ...]) -> None:
    assert shorten_text((Span("abc"), Span("💥e", True), Span("fgh")), limit) == short
