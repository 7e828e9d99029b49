"""Logging of one process: a line a record on standard error, with request id and without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TextIO
from urllib.parse import quote

from config.options import LoggingOptions
from config.settings import Secrets

# At INFO these write addresses with the token in them, or how they were built; at DEBUG also message texts
# and embeddings.
_QUIET_LIBRARIES = ("discord", "elastic_transport", "elasticsearch", "faiss", "httpcore", "httpx", "telegram")
_HIDDEN = "[hidden]"
# Text from outside must not forge a line or move the cursor: control characters are written as escapes.
_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_ESCAPES |= {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_ESCAPES_OF_BLOCKS = {code: text for code, text in _ESCAPES.items() if code not in (ord("\n"), ord("\t"))}

_EVENT = re.compile(r"(%s)?[a-z_]+( [a-z_]+=%[-.0-9]*[a-z])+")
"""How messages are written: an event, then names with one placeholder each."""
_OWN_FIELDS = frozenset({"time", "level", "logger", "message", "event", "exception"})

_context: ContextVar[Mapping[str, str]] = ContextVar("log_context", default=MappingProxyType({}))


def setup_logging(
    options: LoggingOptions,
    secrets: Secrets | None = None,
    *,
    serving: bool = False,
    stream: TextIO | None = None,
) -> None:
    """Send every record of this process to `stream` (standard error); called again, it replaces itself.

    Where the level is left to us, it is INFO for a process that is `serving` others, and so has a line for
    each picture, else WARNING. The values of `secrets` are written as [hidden] wherever they turn up,
    tracebacks included.
    """
    plain = secrets.plain() if secrets else ()
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_JsonFormatter(plain) if options.format == "json" else _ConsoleFormatter(plain))
    handler.addFilter(_add_context)
    root = logging.getLogger()
    for earlier in [h for h in root.handlers if isinstance(h, _Handler)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    usual = "INFO" if serving else "WARNING"
    root.setLevel(usual if options.level == "auto" else options.level)
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


@contextmanager
def bind(*, request_id: str | None = None, platform: str | None = None) -> Iterator[None]:
    """Inside, every record carries these, also in the tasks and `to_thread` calls that start inside."""
    given = {"request_id": request_id, "platform": platform}
    added = {name: value for name, value in given.items() if value is not None}
    token = _context.set({**_context.get(), **added})
    try:
        yield
    finally:
        _context.reset(token)


def request_id() -> str:
    """What `bind()` has bound, to be handed on to whoever goes on with the work; empty outside."""
    return _context.get().get("request_id", "")


def _add_context(record: logging.LogRecord) -> bool:
    record.context = _context.get()
    return True


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to a stream, and never fails its caller nor tells a record's arguments when it cannot."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name is logging's
        # The inherited one prints the arguments as they are, which may hold a token.
        with suppress(OSError, ValueError):
            self.stream.write(f"log_failed logger={record.name} line={record.lineno}\n")


class _SecretHidingFormatter(logging.Formatter):
    """Hides secrets in each text of a record: the message with its arguments, the traceback, the context.

    It works on the finished texts because a filter sees only the parts that a secret is put together from.
    """

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        spellings = {spelling for secret in secrets for spelling in (secret, quote(secret, safe=""))}
        self._spellings = sorted(spellings, key=len, reverse=True)

    def message(self, record: logging.LogRecord) -> str:
        return self._hide(record.getMessage())

    def context(self, record: logging.LogRecord) -> dict[str, str]:
        bound: Mapping[str, str] = getattr(record, "context", {})
        return {name: self._hide(value) for name, value in bound.items()}

    def trace(self, record: logging.LogRecord) -> str:
        """The traceback and the stack, as far as the record has them."""
        parts = []
        if record.exc_info:
            parts.append(self.formatException(record.exc_info))
        elif record.exc_text:
            parts.append(record.exc_text)
        if record.stack_info:
            parts.append(self.formatStack(record.stack_info))
        return self._hide("\n".join(parts))

    def _hide(self, text: str) -> str:
        for spelling in self._spellings:
            text = text.replace(spelling, _HIDDEN)
        return text


class _ConsoleFormatter(_SecretHidingFormatter):
    """For people: `12:30:01 INFO inference.identify: identify_done faces=2 request_id=ab12`."""

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        words = [self.message(record), *(f"{name}={value}" for name, value in self.context(record).items())]
        line = f"{time} {record.levelname} {record.name}: {' '.join(words).translate(_ESCAPES)}"
        # Indented, so that no line of an exception's text can pass for a record.
        trace = textwrap.indent(self.trace(record).translate(_ESCAPES_OF_BLOCKS), "    ")
        return f"{line}\n{trace}" if trace else line


class _JsonFormatter(_SecretHidingFormatter):
    """For machines: one JSON object a line, times in UTC, what a message says also as fields."""

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        """`identify_done faces=%d` is the event "identify_done" and the number "faces"; of others nothing."""
        if not isinstance(record.args, tuple) or not _EVENT.fullmatch(str(record.msg)):
            return {}
        event, *names = re.sub(r"=\S+", "", str(record.msg)).split(" ")
        subject, values = record.args[: event.count("%")], record.args[event.count("%") :]
        if len(names) != len(values) or _OWN_FIELDS & set(names):
            return {}
        shown = (one if isinstance(one, int | float) else self._hide(str(one)) for one in values)
        return {"event": self._hide(event % subject), **dict(zip(names, shown, strict=True))}

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self.message(record),
            **self.fields(record),
            **self.context(record),
        }
        if trace := self.trace(record):
            fields["exception"] = trace
        return json.dumps(fields, ensure_ascii=False)
