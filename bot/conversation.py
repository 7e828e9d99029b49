"""`Conversation`: all that an adapter calls. Posts, commands, presses and forms in, replies out."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TypeVar

from bot.chat import (
    Actor,
    ChatRef,
    Command,
    CommandName,
    ImagePost,
    Platform,
    PlatformAccess,
    Press,
    Reply,
    Submission,
)
from bot.chat_store import open_chat_store
from bot.commands import (
    about,
    archives,
    characters,
    curation,
    enroll,
    history,
    identify,
    privacy,
    review,
    settings,
    why,
)
from bot.context import Asker, Given, Platforms, QuestionHandler, Services
from bot.cooldown import Cooldowns
from bot.errors import CooldownError, TokenUnknownError
from bot.fair_queue import FairQueue
from bot.feedback import press_answer, submit_name
from bot.name_search import NameSearch, load_dictionaries
from bot.posts import answer_post
from bot.remembered import EventKind
from bot.space_settings import Answering
from bot.texts import choose_language
from config.logs import bind
from config.options import Options
from inference.errors import AppError, StoppedError, TransientError
from inference.service import FaceService, open_face_service

log = logging.getLogger(__name__)
R = TypeVar("R", bound=Reply | None)

_TYPE = "type"
"""Ends the tokens of buttons, and is the value of menu lines, that open a form."""

_COMMANDS: Mapping[CommandName, Callable[[Services, Asker, Command], Awaitable[Reply]]] = MappingProxyType(
    {
        CommandName.IDENTIFY: identify.identify,
        CommandName.ENROLL: enroll.enroll,
        CommandName.CHARACTERS: characters.characters,
        CommandName.CHARACTER: characters.character,
        CommandName.RENAME: curation.rename,
        CommandName.ALIAS: curation.alias,
        CommandName.MERGE: curation.merge,
        CommandName.SPLIT: curation.split,
        CommandName.FORGET: curation.forget,
        CommandName.WHY: why.why,
        CommandName.UNDO: history.undo,
        CommandName.HISTORY: history.history,
        CommandName.SETTINGS: settings.settings,
        CommandName.REVIEW: review.review,
        CommandName.EXPORT: archives.export,
        CommandName.IMPORT: archives.import_,
        CommandName.STATS: about.stats,
        CommandName.HELP: about.help_,
        CommandName.PRIVACY: privacy.privacy,
    }
)
_QUESTIONS: Mapping[str, QuestionHandler] = MappingProxyType(
    {
        "enroll-name": enroll.named,
        "enroll-face": enroll.face_chosen,
        "enroll-likeness": enroll.likeness_answered,
        "forget": curation.forget_confirmed,
        "undo": history.undo_many,
        "contributions": privacy.contributions,
        "contributions-forget": privacy.forget_confirmed,
        "characters-page": characters.characters_page,
        "character-page": characters.character_page,
    }
)
_ASKED_AGAIN = frozenset({"characters-page", "character-page", "contributions"})
"""Questions that may be answered any number of times."""


class Conversation:
    """One for all adapters of a process; made by `open_conversation()`.

    Nothing expected is ever raised: what cannot be done is said in the reply, in the asker's language. A
    reply without anything in it (`Reply()`) says nothing: it is given for what has arrived before.
    """

    def __init__(self, services: Services) -> None:
        chats = services.chats
        self._services = services
        self._cooldowns = Cooldowns(chats)
        self._queue = FairQueue(
            workers=chats.workers,
            max_waiting=chats.max_waiting,
            max_waiting_per_space=chats.max_waiting_per_space,
        )
        self._closed = False

    @property
    def services(self) -> Services:
        """What the conversation works with."""
        return self._services

    def attach(self, platform: Platform, access: PlatformAccess) -> None:
        """From now on that platform is asked through `access`; before its first post."""
        self._services.platforms.attach(platform, access)

    def wants(self, chat: ChatRef, *, mentions_bot: bool) -> bool:
        """Whether a post with pictures is answered there; cheap, before anything is fetched.

        Whoever mentions the bot is answered, unless somebody has switched it off there.
        """
        store = self._services.store
        set_to = store.settings(chat)
        if set_to.wants(chat, mentions_bot=mentions_bot):
            return True
        return mentions_bot and not (set_to.answering is Answering.OFF and store.is_set_up(chat))

    def opens_form(self, event: Command | Press) -> bool:
        """Whether the reply to it may be a form: the platform must not be told to wait for another reply.

        Such replies come at once, without a model or the network.
        """
        if isinstance(event, Command):
            return event.name is CommandName.ENROLL and not event.arguments.get("name", "").strip()
        return event.chosen == _TYPE or event.token.endswith(f":{_TYPE}")

    def language(self, chat: ChatRef, language: str = "") -> str:
        """In which language somebody who speaks `language` (an IETF tag) is answered there."""
        chosen = self._services.store.settings(chat).language
        return choose_language(chosen, language, self._services.chats.language)

    async def post(self, post: ImagePost) -> Reply | None:
        """The answer to a post; None where nothing is to be said."""
        if not post.images or not self.wants(post.chat, mentions_bot=post.mentions_bot):
            return None
        asker = self._services.asker(post.chat, post.author)

        async def work() -> Reply | None:
            try:
                self._cooldowns.spend(post.chat, post.author, len(post.images))
            except CooldownError as error:
                if error.repeated:
                    return None
                raise
            async with self._queue.turn(post.chat):
                return await answer_post(self._services, asker, post)

        return await self._once(asker, EventKind.POST, post.id, work, None)

    async def command(self, command: Command) -> Reply:
        """What the command did, or why it did not."""
        asker = self._services.asker(command.chat, command.actor)

        async def work() -> Reply:
            self._cooldowns.spend(command.chat, command.actor, max(1, len(command.images)))
            run = _COMMANDS[command.name]
            if self.opens_form(command):
                return await run(self._services, asker, command)
            async with self._queue.turn(command.chat):
                return await run(self._services, asker, command)

        return await self._once(asker, EventKind.COMMAND, command.id, work, Reply(), private=True)

    async def press(self, press: Press) -> Reply:
        """What the button or menu line did. What is left open can be pressed again."""
        asker = self._services.asker(press.chat, press.actor)

        async def work() -> Reply:
            self._cooldowns.spend(press.chat, press.actor)
            if self.opens_form(press):
                return await self._pressed(asker, press)
            async with self._queue.turn(press.chat):
                return await self._pressed(asker, press)

        return await self._once(asker, EventKind.PRESS, press.id, work, Reply(), private=True)

    async def submit(self, submission: Submission) -> Reply:
        """What the filled-in form did."""
        asker = self._services.asker(submission.chat, submission.actor)

        async def work() -> Reply:
            self._cooldowns.spend(submission.chat, submission.actor)
            async with self._queue.turn(submission.chat):
                return await self._submitted(asker, submission)

        return await self._once(asker, EventKind.SUBMISSION, submission.id, work, Reply(), private=True)

    async def suggest(self, chat: ChatRef, text: str, *, limit: int = 25) -> tuple[str, ...]:
        """Names of characters that may be meant by a text that is not finished, likeliest first.

        None of them when they cannot be looked up right now.
        """
        asker = self._services.asker(chat, Actor("", ""))
        try:
            return await self._services.names.suggest(asker.scopes, text, limit=limit)
        except AppError as error:
            log.warning("suggest_failed platform=%s error=%s", chat.platform, error)
            return ()

    async def answered(self, chat: ChatRef, answer: str, message: str) -> None:
        """The reply with that `answer` was sent as that message."""
        try:
            await self._services.store.sent(chat, answer, message)
        except AppError as error:
            log.warning("answer_not_noted platform=%s error=%s", chat.platform, error)

    async def joined(self, chat: ChatRef, language: str) -> Reply | None:
        """The first words in a new space; None when they were said before."""
        asker = self._services.asker(chat, Actor("", "", language=language))
        try:
            if not await self._services.store.introduce(chat):
                return None
        except AppError as error:
            log.warning("introduction_failed platform=%s error=%s", chat.platform, error)
            return None
        return about.introduce(asker)

    async def moved(self, old: ChatRef, new: ChatRef) -> None:
        """The space `old` is `new` from now on: settings, answers and gallery go along."""
        try:
            await self._services.store.move_space(old, new)
        except AppError as error:
            log.error("move_failed platform=%s error=%s", old.platform, error)

    async def close(self, deadline_s: float) -> None:
        """Refuse what is new, finish what is under way, refuse what is left when time is up."""
        self._closed = True
        await self._queue.close(deadline_s)
        await self._services.platforms.close()

    # ── inside ──────────────────────────────────────────────────────────────────────────────────

    async def _pressed(self, asker: Asker, press: Press) -> Reply:
        kind, *parts = press.token.split(":")
        match kind:
            case "a":
                return await press_answer(self._services, asker, parts, press.chosen)
            case "u":
                return await history.press_undo(self._services, asker, parts)
            case "r":
                return await review.press_review(self._services, asker, parts)
            case settings.PANEL | settings.INTRODUCTION:
                in_place = kind == settings.PANEL
                return await settings.press_settings(
                    self._services, asker, parts, press.chosen, in_place=in_place
                )
            case "q" if parts:
                choice = press.chosen or ":".join(parts[1:])
                return await self._answered(asker, parts[0], Given(choice))
        raise TokenUnknownError

    async def _submitted(self, asker: Asker, submission: Submission) -> Reply:
        kind, *parts = submission.token.split(":")
        match kind:
            case "a":
                return await submit_name(self._services, asker, parts, submission.fields)
            case settings.PANEL:
                return await settings.submit_setting(self._services, asker, parts, submission.fields)
            case "q" if parts:
                return await self._answered(asker, parts[0], Given(fields=submission.fields))
        raise TokenUnknownError

    async def _answered(self, asker: Asker, token: str, given: Given) -> Reply:
        """A question was answered: whoever asked it goes on. What fails in passing can be tried again."""
        store = self._services.store
        question = await store.question(asker.chat, token, user=asker.actor.id)
        go_on = _QUESTIONS.get(question.kind)
        if go_on is None:
            raise TokenUnknownError
        if question.kind in _ASKED_AGAIN:
            return await go_on(self._services, asker, question, given)
        question = await store.take_question(asker.chat, token, user=asker.actor.id)
        try:
            return await go_on(self._services, asker, question, given)
        except TransientError:
            await store.ask(question)
            raise

    async def _once(
        self,
        asker: Asker,
        kind: EventKind,
        event_id: str,
        work: Callable[[], Awaitable[R]],
        nothing: R,
        *,
        private: bool = False,
    ) -> R | Reply:
        """What came of the work, or what went wrong with it; nothing for what arrives again."""
        request_id = secrets.token_hex(4)
        with bind(request_id=request_id, platform=asker.chat.platform):
            claimed = False
            try:
                if self._closed:
                    raise StoppedError
                claimed = await self._services.store.claim(asker.chat, kind, event_id)
                if not claimed:
                    return nothing
                reply: R | Reply = await work()
            except asyncio.CancelledError:
                if claimed:
                    await asyncio.shield(self._services.store.release(asker.chat, kind, event_id))
                raise
            except AppError as error:
                log.info("%s_refused code=%s", kind, error.code)
                reply = Reply(asker.texts.error(error), private=private)
            except Exception:
                log.exception("%s_failed", kind)
                reply = Reply(asker.texts.say("unexpected", id=request_id), private=private)
            if claimed:
                await self._finish(asker, kind, event_id)
            return reply

    async def _finish(self, asker: Asker, kind: EventKind, event_id: str) -> None:
        try:
            await self._services.store.finish(asker.chat, kind, event_id)
        except AppError as error:
            log.warning("%s_not_noted error=%s", kind, error)


@asynccontextmanager
async def open_conversation(
    options: Options, faces: FaceService | None = None
) -> AsyncIterator[Conversation]:
    """The conversation of a process, with the inference core (or that one) and what is remembered of chats.

    Closed within `chats.close_s`, unless it was closed before. Raises SetupError.
    """
    if faces is None:
        async with open_face_service(options) as own, open_conversation(options, own) as conversation:
            yield conversation
        return
    async with open_chat_store(options.chats_file, options.chats) as store:
        conversation = Conversation(Services(faces, store, options, Platforms(), NameSearch(faces.gallery)))
        loading = asyncio.create_task(asyncio.to_thread(load_dictionaries), name="load-dictionaries")
        try:
            yield conversation
        finally:
            await conversation.close(options.chats.close_s)
            await loading
