"""What use cases are given besides the event itself: the parts of the process, and who asks where."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.chat import (
    Actor,
    ChatRef,
    IncomingImage,
    Notice,
    Platform,
    PlatformAccess,
    Reply,
    Text,
)
from bot.chat_store import ChatStore
from bot.errors import PictureGoneError, SharedCharacterError
from bot.name_search import NameSearch
from bot.permissions import may_manage, may_teach, require_manager, require_teacher
from bot.remembered import Json, Question, new_token
from bot.space_settings import SpaceSettings
from bot.texts import Texts, choose_language, join_texts, texts_of
from bot.words import clean_name
from config.options import ChatOptions, Options
from inference.annotate import AnnotateWords
from inference.domain import Character, Scope
from inference.errors import AppError, CharacterNotFoundError
from inference.fonts import Han
from inference.gallery.audit import Clock, utc_now
from inference.gallery.base import Gallery
from inference.service import FaceService

log = logging.getLogger(__name__)
_SAY_WITHIN_S = 30.0
_HAN: Mapping[str, Han] = {"zh": "SC"}


class Platforms:
    """The chat platforms that the process is connected to, as far as they are asked for something."""

    def __init__(self) -> None:
        self._accesses: dict[Platform, PlatformAccess] = {}
        self._saying: set[asyncio.Task[None]] = set()

    def attach(self, platform: Platform, access: PlatformAccess) -> None:
        self._accesses[platform] = access

    @property
    def attached(self) -> tuple[Platform, ...]:
        """Those that are there."""
        return tuple(self._accesses)

    def name_of(self, chat: ChatRef) -> str:
        """What the chat's space is called; empty when it is not known."""
        access = self._accesses.get(chat.platform)
        return access.name_of(chat.space) if access else ""

    async def open(self, chat: ChatRef, reference: str) -> IncomingImage:
        """A picture posted before. Raises PictureGoneError."""
        access = self._accesses.get(chat.platform)
        if access is None:
            raise PictureGoneError
        return await access.open(chat, reference)

    def announce(self, notice: Notice) -> None:
        """Say it when there is time; what cannot be said is only logged."""
        task = asyncio.create_task(self._say(notice), name="announce")
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def close(self) -> None:
        """Wait for what is being said."""
        await asyncio.gather(*self._saying)

    async def _say(self, notice: Notice) -> None:
        access = self._accesses.get(notice.chat.platform)
        if access is None:
            return
        try:
            async with asyncio.timeout(_SAY_WITHIN_S):
                await access.say(notice)
        except (AppError, TimeoutError) as error:
            log.warning("announcement_failed platform=%s error=%s", notice.chat.platform, error)
        except Exception:
            log.exception("announcement_failed platform=%s", notice.chat.platform)


class RecentAnswers:
    """The last answer of each channel, for those who ask about it; in memory only."""

    def __init__(self, most: int = 1_024) -> None:
        self._most = most
        self._ids: dict[tuple[str, str, str, str], str] = {}

    def remember(self, chat: ChatRef, answer_id: str) -> None:
        key = (chat.platform, chat.space, chat.channel, chat.topic)
        self._ids.pop(key, None)
        self._ids[key] = answer_id
        if len(self._ids) > self._most:
            del self._ids[next(iter(self._ids))]

    def last(self, chat: ChatRef) -> str:
        """Its id; empty when there was none."""
        return self._ids.get((chat.platform, chat.space, chat.channel, chat.topic), "")


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the process that use cases work with."""

    faces: FaceService
    store: ChatStore
    options: Options
    platforms: Platforms
    names: NameSearch
    recent: RecentAnswers = field(default_factory=RecentAnswers)
    now: Clock = utc_now

    @property
    def gallery(self) -> Gallery:
        return self.faces.gallery

    @property
    def chats(self) -> ChatOptions:
        return self.options.chats

    def asker(self, chat: ChatRef, actor: Actor) -> Asker:
        """Who that is there, as of now."""
        settings = self.store.settings(chat)
        scope = self.store.scope(chat)
        language = choose_language(settings.language, actor.language, self.chats.language)
        return Asker(
            chat,
            actor,
            settings,
            texts_of(language),
            settings.scopes(scope, self.options.gallery.shared, self.chats),
            self.chats,
        )

    async def ask(
        self,
        asker: Asker,
        kind: str,
        data: Mapping[str, Json],
        *,
        anybody: bool = False,
        lasts: timedelta | None = None,
    ) -> str:
        """Remember a question (see `Question`); what its buttons' tokens begin with."""
        token = new_token()
        await self.store.ask(
            Question(
                token,
                asker.chat,
                kind,
                data,
                self.now() + (lasts or timedelta(minutes=self.chats.question_minutes)),
                asked="" if anybody else asker.actor.id,
            )
        )
        return f"q:{token}"

    async def character(self, asker: Asker, name: str) -> Character:
        """The character of that name in the asker's own gallery, to be changed.

        Raises SharedCharacterError, CharacterNotFoundError.
        """
        try:
            return await self.gallery.character([asker.scope], name)
        except CharacterNotFoundError:
            found = await self.gallery.character(asker.scopes, name)
            raise SharedCharacterError(name=found.name) from None

    def changed(self, asker: Asker, text: Text, entry_ids: Sequence[int | None] = ()) -> None:
        """Called after every change of a gallery: tells the log channel what it was and how to undo it."""
        self.names.forget(asker.scope)
        line = asker.texts.say("log-change", who=asker.actor.name, change=text)
        numbers = [entry for entry in entry_ids if entry is not None]
        if numbers:
            undo = asker.texts.say("log-undo", numbers=", ".join(map(str, reversed(numbers))))
            line = join_texts([line, undo], " ")
        self.tell_log(asker, line)

    def tell_log(self, asker: Asker, line: Text) -> None:
        """Say it in the log channel, where there is one."""
        channel = asker.settings.log_channel
        if channel and channel != asker.chat.channel:
            where = ChatRef(asker.chat.platform, asker.chat.space, channel)
            self.platforms.announce(Notice(where, Reply(line)))


@dataclass(frozen=True, slots=True)
class Asker:
    """Who says something, where, and what counts for them."""

    chat: ChatRef
    actor: Actor
    settings: SpaceSettings
    texts: Texts
    scopes: tuple[Scope, ...]
    """The galleries seen there, the own one first."""
    options: ChatOptions = field(repr=False)

    @property
    def scope(self) -> Scope:
        """The space's own gallery: the one that changes are made in."""
        return self.scopes[0]

    @property
    def shared(self) -> tuple[Scope, ...]:
        return self.scopes[1:]

    @property
    def teaches(self) -> bool:
        return may_teach(self.actor, self.chat, self.settings, self.options)

    @property
    def manages(self) -> bool:
        return may_manage(self.actor, self.chat, self.options)

    def require_teacher(self) -> None:
        """Raises NotAllowedError."""
        require_teacher(self.actor, self.chat, self.settings, self.options)

    def require_manager(self) -> None:
        """Raises NotAllowedError."""
        require_manager(self.actor, self.chat, self.options)

    @property
    def signature(self) -> str:
        """Who it is in the audit log."""
        return f"{clean_name(self.actor.name, 40)} ({self.contributor})"

    @property
    def contributor(self) -> str:
        """Whom the signature stands for, whatever they are called."""
        return f"{self.chat.platform}:{self.actor.id}"

    @property
    def drawn_words(self) -> AnnotateWords:
        """What is written into pictures besides names."""
        return words_drawn(self.texts)


def words_drawn(texts: Texts) -> AnnotateWords:
    """What is written into pictures in that language, besides names."""
    return AnnotateWords(unknown=texts.line("drawn-unknown"), han=_HAN.get(texts.language, "JP"))


@dataclass(frozen=True, slots=True)
class Given:
    """How a question was answered."""

    choice: str = ""
    """What stands behind the question's token on a button, or the value of the chosen menu line."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Of a form."""


QuestionHandler = Callable[[Services, Asker, Question, Given], Awaitable[Reply]]
