"""What is remembered of chats, in one SQLite file: settings, answers, questions, reviews, what was done."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

import filelock

from bot import answer_rows, chat_rows, trace_rows
from bot.chat import ChatRef, Platform
from bot.chat_schema import open_chat_file, translated_errors
from bot.errors import ChatStoreLockedError, ChatStoreUnavailableError, TokenUnknownError
from bot.remembered import Answer, EventKind, Question, Review, ReviewState, Tally, Traces, new_token
from bot.space_settings import SpaceSettings, initial_settings
from config.options import ChatOptions
from inference.domain import Scope
from inference.errors import AppError, StoppedError
from inference.gallery.audit import Clock, utc_now
from inference.gallery.schema import empty_log, transaction

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

_EVENTS_KEPT = timedelta(days=7)
"""Longer than any platform goes on delivering."""
_DAYS_KEPT = timedelta(days=731)
_PRUNE_EVERY_S = 3_600.0


@asynccontextmanager
async def open_chat_store(
    path: Path, options: ChatOptions, *, clock: Clock = utc_now
) -> AsyncIterator[ChatStore]:
    """What is remembered in that file, which is made when it does not exist. One process at a time.

    Raises ChatStoreLockedError, ChatStoreDamagedError, ChatStoreUnavailableError.
    """
    # SQLite is spoken to on one thread, so that changes queue up there and nobody waits for the disk.
    thread = ThreadPoolExecutor(1, thread_name_prefix="chats")
    try:
        with _locked(path):
            loop = asyncio.get_running_loop()
            store = await loop.run_in_executor(thread, partial(_open, path, options, thread, clock))
            pruning = asyncio.create_task(store.keep_pruning(), name="chats-prune")
            try:
                yield store
            finally:
                pruning.cancel()
                with suppress(asyncio.CancelledError):
                    await pruning
                await store.close()
    finally:
        thread.shutdown(wait=False)


def _open(path: Path, options: ChatOptions, thread: ThreadPoolExecutor, clock: Clock) -> ChatStore:
    with translated_errors(path):
        connection = open_chat_file(path)
        try:
            return ChatStore(path, connection, options, thread, clock)
        except BaseException:
            connection.close()
            raise


def _locked(path: Path) -> filelock.BaseFileLock:
    """The right to the file, held until released. Raises ChatStoreLockedError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path.with_name(path.name + ".lock"), thread_local=False)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise ChatStoreLockedError(path=str(path)) from error
    except OSError as error:
        raise ChatStoreUnavailableError(reason=str(error)) from error
    return lock


@dataclass(frozen=True, slots=True)
class _Space:
    scope: Scope
    settings: SpaceSettings | None = None


class ChatStore:
    """Made by `open_chat_store()`. Ids and tokens count only within their space: a foreign one is unknown.

    Settings and galleries are held in memory too, so asking for them does not wait. A change survives the
    end of the process once its method has returned. Everything that is awaited may raise
    ChatStoreUnavailableError, and StoppedError after closing.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        options: ChatOptions,
        thread: ThreadPoolExecutor,
        clock: Clock,
    ) -> None:
        self._path = path
        self._connection = connection
        self._thread = thread
        self._clock = clock
        self._initial = initial_settings(options)
        self._answers_kept = timedelta(days=options.answers_days)
        self._opening = new_token()
        self._closed = False
        self._spaces: dict[tuple[str, str], _Space] = {
            (platform, space): _Space(
                Scope(scope), None if values is None else SpaceSettings.from_json(values)
            )
            for platform, space, scope, values in chat_rows.load_spaces(connection)
        }

    # ── spaces ──────────────────────────────────────────────────────────────────────────────────

    def spaces(self) -> tuple[tuple[ChatRef, Scope], ...]:
        """Every space that is known, each with its own gallery."""
        return tuple(
            (ChatRef(cast(Platform, platform), space, channel=space), known.scope)
            for (platform, space), known in self._spaces.items()
        )

    def settings(self, chat: ChatRef) -> SpaceSettings:
        """Of the chat's space; the initial ones where nobody has set any."""
        return self._space(chat).settings or self._initial

    def is_set_up(self, chat: ChatRef) -> bool:
        """Whether somebody has ever set anything."""
        return self._space(chat).settings is not None

    async def set_settings(self, chat: ChatRef, settings: SpaceSettings) -> None:
        await self._save(chat, replace(self._space(chat), settings=settings))

    def scope(self, chat: ChatRef) -> Scope:
        """The space's own gallery. Other than `ChatRef.scope`, it stays the same for a space that moved."""
        return self._space(chat).scope

    async def introduce(self, chat: ChatRef) -> bool:
        """True the first time for a space, False ever after."""
        space = self._space(chat)
        first = await self._run(chat_rows.introduce, chat, space.scope)
        self._spaces.setdefault((chat.platform, chat.space), space)
        return first

    async def move_space(self, old: ChatRef, new: ChatRef) -> None:
        """What belonged to the space `old` belongs to `new`, its gallery too. Twice is as good as once.

        What `new` was set to before stays. Messages are numbered anew in the new place, so answers are found
        by their id only, and what was done in the old one says nothing about the new.
        """
        if old.space == new.space:
            return
        before, after = self._space(old), self._space(new)
        settings = after.settings or (before.settings and before.settings.moved(old, new))
        # Before the rest: should that fail, the next call finds it still to be done.
        await self._save(new, _Space(before.scope, settings))
        await self._run(chat_rows.move_rows, old, new)

    # ── what arrives twice ──────────────────────────────────────────────────────────────────────

    async def claim(self, chat: ChatRef, kind: EventKind, event_id: str) -> bool:
        """True for whoever comes first; an empty id is always the first.

        Who gets True calls `finish()` when the reply is out, or `release()` when it shall be tried again.
        What a process that died had not finished can be claimed again.
        """
        if not event_id:
            return True
        return await self._run(chat_rows.claim, chat, kind, event_id, opening=self._opening, at=self._clock())

    async def finish(self, chat: ChatRef, kind: EventKind, event_id: str) -> None:
        await self._run(chat_rows.finish, chat, kind, event_id)

    async def release(self, chat: ChatRef, kind: EventKind, event_id: str) -> None:
        await self._run(chat_rows.release, chat, kind, event_id)

    # ── answers ─────────────────────────────────────────────────────────────────────────────────

    async def remember(self, answer: Answer) -> None:
        """Kept for `answers_days`."""
        await self._run(answer_rows.insert_answer, answer)

    async def sent(self, chat: ChatRef, answer_id: str, message: str) -> None:
        """The answer was sent as that message; an unknown one is passed over."""
        await self._run(answer_rows.set_message, chat, answer_id, message)

    async def answer(self, chat: ChatRef, answer_id: str) -> Answer:
        """Raises TokenUnknownError."""
        answer = await self._run(answer_rows.find_answer, chat, after=self._oldest, answer_id=answer_id)
        if answer is None:
            raise TokenUnknownError
        return answer

    async def answer_in(self, chat: ChatRef, message: str) -> Answer | None:
        """The one that the message shows."""
        return await self._run(answer_rows.find_answer, chat, after=self._oldest, message=message)

    async def forget_answer(self, chat: ChatRef, answer_id: str) -> None:
        await self._run(answer_rows.delete_answer, chat, answer_id)

    # ── questions ───────────────────────────────────────────────────────────────────────────────

    async def ask(self, question: Question) -> None:
        await self._run(answer_rows.insert_question, question)

    async def question(self, chat: ChatRef, token: str, *, user: str) -> Question:
        """Left open. Raises TokenUnknownError, NotYoursError when another user was asked."""
        return await self._run(answer_rows.find_question, chat, token, user, at=self._clock(), take=False)

    async def take_question(self, chat: ChatRef, token: str, *, user: str) -> Question:
        """Answered: only one taker gets it. Raises as `question()`."""
        return await self._run(answer_rows.find_question, chat, token, user, at=self._clock(), take=True)

    # ── reviews ─────────────────────────────────────────────────────────────────────────────────

    async def propose(self, review: Review) -> bool:
        """False when the same user has said the same about the same face already.

        Raises OverloadedError when too many of the space wait for a teacher.
        """
        return await self._run(answer_rows.insert_review, review)

    async def reviews(
        self, chat: ChatRef | None = None, *, offset: int = 0, limit: int = 10
    ) -> tuple[Review, ...]:
        """The open ones of the space, or of all, oldest first."""
        return await self._run(answer_rows.list_reviews, chat, offset, limit)

    async def count_reviews(self, chat: ChatRef | None = None) -> int:
        """The open ones of the space, or of all."""
        return await self._run(answer_rows.count_reviews, chat)

    async def review(self, chat: ChatRef, review_id: str) -> Review:
        """Raises TokenUnknownError."""
        return await self._run(answer_rows.find_review, chat, review_id)

    async def settle(self, chat: ChatRef, review_id: str, state: ReviewState, *, by: str) -> Review:
        """As decided; OPEN puts a decided one back. Raises TokenUnknownError, ReviewSettledError."""
        return await self._run(answer_rows.settle_review, chat, review_id, state, by)

    # ── figures ─────────────────────────────────────────────────────────────────────────────────

    async def count(self, chat: ChatRef, **counts: int) -> None:
        """Add to the space's tally: `count(chat, posts=1, faces=3)`."""
        await self._run(chat_rows.add_counts, chat, counts, self._clock())

    async def tally(self, chat: ChatRef | None = None) -> Tally:
        """Of the space, or of all."""
        return await self._run(chat_rows.read_tally, chat)

    async def daily(self, chat: ChatRef | None = None) -> Mapping[date, Mapping[str, int]]:
        """The tallies of single days (UTC) of the last two years, oldest first; of the space, or of all."""
        return await self._run(chat_rows.read_daily, chat)

    # ── what needs no attention ─────────────────────────────────────────────────────────────────

    async def dismiss(self, scope: Scope, subject: str) -> None:
        """Somebody has looked at it and says that it is as it should be; `subject` names what."""
        await self._run(chat_rows.dismiss, scope, subject)

    async def restore(self, scope: Scope, subject: str) -> None:
        """It needs attention after all."""
        await self._run(chat_rows.restore, scope, subject)

    async def dismissed(self, scope: Scope) -> frozenset[str]:
        """All subjects of that gallery."""
        return await self._run(chat_rows.read_dismissed, scope)

    # ── one user ────────────────────────────────────────────────────────────────────────────────

    async def traces(self, platform: Platform, user: str, space: str | None = None) -> Traces:
        """How much names the user, in that space or in all."""
        return await self._run(trace_rows.count_traces, platform, user, space)

    async def forget_traces(self, platform: Platform, user: str, space: str | None = None) -> Traces:
        """Wipe what names the user, in that space or in all; returns what there was.

        In all spaces, what their private chat was set to goes as well. What others set up stays, also where
        they chose the user as a teacher.
        """
        found = await self._run(trace_rows.delete_traces, platform, user, space)
        if space is None:
            self._spaces.pop((platform, user), None)
        await self._on_thread(lambda: empty_log(self._connection))
        return found

    # ── life ────────────────────────────────────────────────────────────────────────────────────

    async def prune(self) -> None:
        """Wipe what nobody can ask for any more."""
        now = self._clock()
        await self._run(
            chat_rows.prune,
            now=now,
            answers_before=self._oldest,
            events_before=now - _EVENTS_KEPT,
            days_before=now - _DAYS_KEPT,
        )

    async def keep_pruning(self) -> None:
        """At once, and then every hour."""
        while True:
            try:
                await self.prune()
            except AppError:
                log.exception("chats_prune_failed")
            await asyncio.sleep(_PRUNE_EVERY_S)

    async def close(self) -> None:
        """Wait for changes under way and let go of the file."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    @property
    def _oldest(self) -> datetime:
        """Answers from before are forgotten."""
        return self._clock() - self._answers_kept

    def _space(self, chat: ChatRef) -> _Space:
        return self._spaces.get((chat.platform, chat.space)) or _Space(chat.scope)

    async def _save(self, chat: ChatRef, space: _Space) -> None:
        values = None if space.settings is None else space.settings.to_json()

        def save_and_publish() -> None:
            with transaction(self._connection):
                chat_rows.save_space(self._connection, chat, space.scope, values)
            self._spaces[chat.platform, chat.space] = space

        await self._on_thread(save_and_publish)

    async def _run(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """What the function returns, in a transaction of its own."""

        def in_transaction() -> T:
            with transaction(self._connection):
                return function(self._connection, *arguments, **named)

        return await self._on_thread(in_transaction)

    async def _on_thread(self, work: Callable[[], T]) -> T:
        """Done also when the caller is cancelled meanwhile."""
        if self._closed:
            raise StoppedError

        def translated() -> T:
            with translated_errors(self._path):
                return work()

        # Without the shield, work that still waits for the thread would be dropped with its caller.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, translated))
