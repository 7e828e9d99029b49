"""Messages: pictures, commands, answers to forms, and the bot's name under somebody's picture."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from telegram import Bot, ForceReply, Message
from telegram.constants import ChatType

from bot.adapters.in_flight import InFlight
from bot.adapters.order import ChannelOrder, Place
from bot.adapters.telegram.activity import busy_in
from bot.adapters.telegram.administrators import Administrators
from bot.adapters.telegram.albums import Albums
from bot.adapters.telegram.commands import TypedCommand, typed_command
from bot.adapters.telegram.forms import filled_in, form_html
from bot.adapters.telegram.pictures import Pictures
from bot.adapters.telegram.sending import Destination, Sender
from bot.adapters.telegram.translate import author_of, chat_of_message, mentions, replied_to, topic_of
from bot.chat import Actor, ChatRef, Command, CommandName, ImagePost, IncomingImage, Reply, Submission
from bot.commands.catalogue import MESSAGE, ParameterKind, arguments_in
from bot.conversation import Conversation
from bot.errors import CannotSendError
from bot.texts import Texts, texts_of
from config.logs import bind

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Heard:
    """A message, or the messages of an album, and what there is to know of it."""

    messages: Sequence[Message]
    worded: Message
    """The one with words; of several the first. Of an album it may be one that was answered before."""
    chat: ChatRef
    author: Actor
    texts: Texts
    place: Place

    @property
    def id(self) -> str:
        return str(self.messages[0].message_id)

    def destination(self, *, even_if_gone: bool = True) -> Destination:
        """Where the answer goes."""
        first = self.messages[0]
        return Destination(first.chat.id, topic_of(first), first.message_id, even_if_gone)


class Messages:
    """Answers them; those of a chat in the order in which they came."""

    def __init__(
        self,
        bot: Bot,
        *,
        conversation: Conversation,
        sender: Sender,
        pictures: Pictures,
        albums: Albums,
        administrators: Administrators,
        in_flight: InFlight,
    ) -> None:
        self._bot = bot
        self._conversation = conversation
        self._sender = sender
        self._pictures = pictures
        self._albums = albums
        self._administrators = administrators
        self._in_flight = in_flight
        self._order = ChannelOrder()

    def concerns(self, message: Message) -> bool:
        """Whether there may be something to answer: not in what people say to each other."""
        if message.via_bot is not None and message.via_bot.id == self._bot.id:
            return False  # a name that somebody put there by inline mode
        return (
            (message.chat.type == ChatType.PRIVATE and bool(message.text))
            or bool(self._pictures.of(message))
            or typed_command(message, self._bot.bot) is not None
            or filled_in(message, self._bot.bot) is not None
            or mentions(message, self._bot.bot)
        )

    def enter(self, message: Message) -> Place:
        """A place in the line of the chat, to be taken when the message arrives."""
        return self._order.enter((message.chat.id, topic_of(message)))

    async def answer(self, first: Message, place: Place) -> None:
        """Answers the message, and the others of its album; leaves the place."""
        request_id = uuid4().hex[:8]
        with bind(request_id=request_id, platform="telegram"), self._in_flight.one():
            try:
                messages = await self._albums.whole(first) if first.media_group_id else (first,)
                await self._answer(messages, place)
            except CannotSendError as error:
                # Blocked, kicked, restricted or deleted meanwhile: everyday life.
                log.info("cannot_answer reason=%s", error.data["reason"])
            except Exception:
                log.exception("message_failed")
            finally:
                place.leave()

    async def _answer(self, messages: Sequence[Message], place: Place) -> None:
        first = messages[0]
        album = self._albums.with_all(first)
        worded = next((one for one in (*messages, *album) if one.text or one.caption), first)
        typed, form = typed_command(worded, self._bot.bot), filled_in(first, self._bot.bot)
        chat, for_post = chat_of_message(first), typed is None and form is None
        author = await author_of(first, self._administrators, for_post=for_post)
        heard = _Heard(
            messages,
            worded,
            chat,
            author,
            texts_of(self._conversation.language(chat, author.language)),
            place,
        )
        images = self._images(messages)
        if typed is not None:
            await self._answer_command(heard, self._command(heard, typed))
        elif form is not None:
            token, fields = form
            reply = await self._conversation.submit(Submission(token, chat, author, fields, heard.id))
            await place.reached()
            await self.show(reply, heard.destination(), chat, heard.texts)
        elif images:
            await self._answer_post(heard, images)
        elif mentions(heard.worded, self._bot.bot) and self._images_replied_to(heard.worded):
            asked = TypedCommand(CommandName.IDENTIFY, "")
            await self._answer_command(heard, self._command(heard, asked))
        elif chat.private:
            await self._answer_command(heard, Command(CommandName.HELP, chat, author, heard.id))

    async def _answer_post(self, heard: _Heard, images: tuple[IncomingImage, ...]) -> None:
        mentioned = mentions(heard.worded, self._bot.bot)
        if not self._conversation.wants(heard.chat, mentions_bot=mentioned):
            return
        to = heard.destination(even_if_gone=False)
        async with busy_in(self._bot, to.chat_id, to.topic):
            post = ImagePost(heard.id, heard.chat, heard.author, images, mentioned)
            reply = await self._conversation.post(post)
        await heard.place.reached()
        if reply is not None:
            await self.show(reply, to, heard.chat, heard.texts)

    async def _answer_command(self, heard: _Heard, command: Command) -> None:
        to = heard.destination()
        async with busy_in(self._bot, to.chat_id, to.topic):
            reply = await self._conversation.command(command)
        await heard.place.reached()
        await self.show(reply, to, heard.chat, heard.texts)

    async def show(self, reply: Reply, to: Destination, chat: ChatRef, texts: Texts, asked: str = "") -> None:
        """The reply as messages, a form as a message to reply to; `asked` is HTML that names whom.

        Raises CannotSendError.
        """
        if reply.form is not None:
            # Channels know no forced replies.
            hint = ForceReply(selective=True) if chat.private or to.answers or asked else None
            html = form_html(reply.form, texts, self._bot.bot, asked)
            await self._sender.send_html(to, html, hint)
            return
        message = await self._sender.send(to, reply, texts)
        if reply.answer and message:
            await self._conversation.answered(chat, reply.answer, message)

    def _command(self, heard: _Heard, typed: TypedCommand) -> Command:
        arguments = arguments_in(typed.spec, typed.text)
        replied = replied_to(heard.worded)
        if replied is not None:
            arguments[MESSAGE] = str(self._albums.meant_by(replied))
        images: tuple[IncomingImage, ...] = ()
        file = None
        # What is said with an album holds for all of it; what came late with nothing said, for that alone.
        comes_late = heard.worded not in heard.messages
        meant = heard.messages if comes_late else self._albums.with_all(heard.worded)
        if any(one.kind is ParameterKind.FILE for one in typed.spec.parameters):
            file = self._pictures.file_of(heard.messages[0] if comes_late else heard.worded)
            if file is None and replied is not None:
                file = self._pictures.file_of(replied)
        else:
            images = self._images(meant) or self._images_replied_to(heard.worded)
        return Command(typed.name, heard.chat, heard.author, heard.id, arguments, images, file)

    def _images(self, messages: Sequence[Message]) -> tuple[IncomingImage, ...]:
        return tuple(image for message in messages for image in self._pictures.of(message))

    def _images_replied_to(self, message: Message) -> tuple[IncomingImage, ...]:
        replied = replied_to(message)
        return () if replied is None else self._images(self._albums.with_all(replied))
