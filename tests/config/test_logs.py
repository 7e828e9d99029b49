"""Logging: one line a record, request id and platform on it, and no token in any way out."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Literal

import pytest
from pydantic import SecretStr

from config.logs import bind, setup_logging
from config.options import LoggingOptions
from config.settings import Secrets

DISCORD = "MTA1-not_a.real~token"
TELEGRAM = "123456:AA-not/a+real"
SECRETS = Secrets(SecretStr(DISCORD), SecretStr(TELEGRAM))
LIBRARIES = ["discord", "elastic_transport", "elasticsearch", "faiss", "httpcore", "httpx", "telegram"]
FORMATS: list[Literal["console", "json"]] = ["console", "json"]


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    """Logging as it was, after each test."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, LIBRARIES)]
    levels, handlers = [logger.level for logger in loggers], list(root.handlers)
    yield
    root.handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def start(
    format: Literal["console", "json"] = "console",  # noqa: A002
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO",
) -> io.StringIO:
    stream = io.StringIO()
    setup_logging(LoggingOptions(level=level, format=format), secrets=SECRETS, stream=stream)
    return stream


def failing() -> None:
    raise ValueError(f"cannot open https://api.example/bot{TELEGRAM}/getMe")


# ── shape ───────────────────────────────────────────────────────────────────────────────────────


def test_a_console_line_has_time_level_logger_and_event() -> None:
    stream = start()

    logging.getLogger("inference.pipeline").info("identify_done faces=%d total_ms=%.0f", 2, 12.6)

    assert re.fullmatch(
        r"\d\d:\d\d:\d\d INFO inference\.pipeline: identify_done faces=2 total_ms=13\n", stream.getvalue()
    )


def test_a_json_line_is_one_object_with_a_utc_time() -> None:
    stream = start("json")

    with bind(request_id="ab12", platform="discord"):
        logging.getLogger("inference.pipeline").info("enrolled name=%s", "千反田\nえる")

    (line,) = stream.getvalue().splitlines()
    entry = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", entry.pop("time"))
    assert entry == {
        "level": "INFO",
        "logger": "inference.pipeline",
        "message": "enrolled name=千反田\nえる",
        "event": "enrolled",
        "name": "千反田\nえる",
        "request_id": "ab12",
        "platform": "discord",
    }


@pytest.mark.parametrize(
    ("message", "arguments", "fields"),
    [
        ("done faces=%d total_ms=%.1f", (2, 12.64), {"event": "done", "faces": 2, "total_ms": 12.64}),
        ("%s_refused code=%s", ("post", "no_face"), {"event": "post_refused", "code": "no_face"}),
        ("gone error=%s", (ValueError("x"),), {"event": "gone", "error": "x"}),
        ("gone token=%s", (DISCORD,), {"event": "gone", "token": "[hidden]"}),
        ("done level=%s", ("x",), {}),
        ("A sentence about %s", ("x",), {}),
        ("done", (), {}),
        ("done faces=2", (), {}),
        ("done faces=%(n)d", ({"n": 2},), {}),
    ],
)
def test_a_json_line_has_what_the_message_says_as_fields(
    message: str, arguments: tuple[object, ...], fields: dict[str, object]
) -> None:
    stream = start("json")
    logging.getLogger("bot").info(message, *arguments)
    entry = json.loads(stream.getvalue())
    for own in ("time", "logger", "message"):
        del entry[own]
    assert entry.pop("level") == "INFO"
    assert entry == fields


@pytest.mark.parametrize(
    ("level", "written"),
    [("DEBUG", "DIWE"), ("INFO", "IWE"), ("WARNING", "WE"), ("ERROR", "E")],
)
def test_less_than_the_level_is_not_written(
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"], written: str
) -> None:
    stream = start(level=level)

    for severity in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger("inference").log(severity, "x")

    assert "".join(line.split()[1][0] for line in stream.getvalue().splitlines()) == written


@pytest.mark.parametrize(
    ("level", "serving", "written"),
    [("auto", False, "WE"), ("auto", True, "IWE"), ("WARNING", True, "WE"), ("DEBUG", False, "DIWE")],
)
def test_a_process_that_serves_says_more_unless_it_is_told_how_much(
    level: Literal["auto", "WARNING", "DEBUG"], serving: bool, written: str
) -> None:
    stream = io.StringIO()
    setup_logging(LoggingOptions(level=level), serving=serving, stream=stream)

    for severity in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger("inference").log(severity, "x")

    assert "".join(line.split()[1][0] for line in stream.getvalue().splitlines()) == written


def test_it_writes_to_standard_error_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    setup_logging(LoggingOptions())

    logging.getLogger("bot").warning("adapter_lost")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("WARNING bot: adapter_lost\n")


def test_setting_it_up_again_replaces_the_first_and_leaves_the_handlers_of_others() -> None:
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    try:
        first = start()
        second = start("json")

        logging.getLogger("bot").warning("once")

        assert first.getvalue() == ""
        assert second.getvalue().count("once") == 1
        assert other in logging.getLogger().handlers
    finally:
        logging.getLogger().removeHandler(other)


@pytest.mark.parametrize(
    "text",
    ["a\nb", "a\r\nb", "a\x1b[2Jb", "a\x00b", "a\u2028b", "a\u0085b", "a\x7fb", "a\tb"],
    ids=ascii,
)
def test_text_from_outside_cannot_forge_a_line_or_steer_the_terminal(text: str) -> None:
    stream = start()

    with bind(request_id=text):
        logging.getLogger("bot").info("named name=%s", text)

    written = stream.getvalue()
    assert written.endswith("\n")
    assert len(written.splitlines()) == 1
    assert written[:-1].isprintable()


def test_the_lines_of_a_traceback_are_indented_and_free_of_control_characters() -> None:
    stream = start()

    try:
        raise ValueError("first\n12:00:00 ERROR bot: forged\x1b[2J")
    except ValueError:
        logging.getLogger("bot").exception("request_failed")

    head, *trace = stream.getvalue().splitlines()
    assert head.endswith("ERROR bot: request_failed")
    assert trace[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") and line.isprintable() for line in trace)


# ── context ─────────────────────────────────────────────────────────────────────────────────────


def test_records_carry_what_is_bound_where_they_are_made() -> None:
    stream = start()
    log = logging.getLogger("bot")

    log.info("before")
    with bind(platform="telegram"):
        log.info("outer")
        with bind(request_id="r1"):
            log.info("inner")
        with pytest.raises(KeyError), bind(request_id="r2", platform="discord"):
            raise KeyError
        log.info("outer_again")
    log.info("after")

    assert [line.split(": ", 1)[1] for line in stream.getvalue().splitlines()] == [
        "before",
        "outer platform=telegram",
        "inner platform=telegram request_id=r1",
        "outer_again platform=telegram",
        "after",
    ]


async def test_requests_that_run_at_once_keep_their_own_context_in_tasks_and_threads() -> None:
    stream = start("json")
    log = logging.getLogger("bot")

    async def request(name: str) -> None:
        with bind(request_id=name):
            await asyncio.sleep(0)
            log.info(name)
            await asyncio.to_thread(log.info, name)
            await asyncio.create_task(asyncio.to_thread(log.info, name))

    await asyncio.gather(*(request(f"r{number}") for number in range(20)))

    entries = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(entries) == 60
    assert all(entry["request_id"] == entry["message"] for entry in entries)


# ── secrets ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("secret", [DISCORD, TELEGRAM, TELEGRAM.replace(":", "%3A").replace("/", "%2F")])
def test_a_token_is_hidden_in_message_arguments_context_and_logged_values(
    format_: Literal["console", "json"], secret: str
) -> None:
    secret = secret.replace("+", "%2B") if "%" in secret else secret
    stream = start(format_)
    log = logging.getLogger("bot")

    log.info("in the text " + secret)
    log.info("in an argument %s", secret)
    log.info("in a shape %r %s", [secret], {"token": secret})
    log.info("put together %s%s", secret[:8], secret[8:])
    with bind(request_id=secret):
        log.info("in the context")

    written = stream.getvalue()
    assert secret not in written
    assert written.count("[hidden]") == 6


@pytest.mark.parametrize("format_", FORMATS)
def test_a_token_is_hidden_in_tracebacks_chained_ones_included(format_: Literal["console", "json"]) -> None:
    stream = start(format_)

    try:
        try:
            failing()
        except ValueError as error:
            raise RuntimeError(f"login with {DISCORD} failed") from error
    except RuntimeError:
        logging.getLogger("bot").exception("adapter_failed", stack_info=True)

    written = stream.getvalue()
    assert DISCORD not in written
    assert TELEGRAM not in written
    assert written.count("[hidden]") == 2
    assert "adapter_failed" in written
    assert "RuntimeError: login with [hidden] failed" in written
    assert "Stack (most recent call last)" in written


@pytest.mark.parametrize("format_", FORMATS)
def test_a_record_that_cannot_be_written_neither_fails_the_caller_nor_shows_its_arguments(
    format_: Literal["console", "json"], capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    root.handlers.clear()  # pytest's own would report the bad call
    stream = start(format_)

    logging.getLogger("bot").info("faces=%d", DISCORD)
    stream_text = stream.getvalue()
    stream.close()
    logging.getLogger("bot").info("after the stream was closed")

    assert re.fullmatch(r"log_failed logger=bot line=\d+\n", stream_text)
    assert capsys.readouterr() == ("", "")


def test_setup_without_secrets_hides_nothing() -> None:
    stream = io.StringIO()
    setup_logging(LoggingOptions(), secrets=Secrets(), stream=stream)

    logging.getLogger("bot").warning("plain words")

    assert stream.getvalue().endswith("plain words\n")


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize(
    ("level", "least"), [("DEBUG", "WARNING"), ("WARNING", "WARNING"), ("ERROR", "ERROR")]
)
def test_libraries_that_write_addresses_with_tokens_are_quiet_below_warning(
    name: str, level: Literal["DEBUG", "WARNING", "ERROR"], least: str
) -> None:
    stream = start(level=level)

    for severity in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger(f"{name}.inner").log(severity, "x")

    levels = [line.split()[1] for line in stream.getvalue().splitlines()]
    assert levels == (["WARNING", "ERROR"] if least == "WARNING" else ["ERROR"])
