"""A chat in memory for tests of conversations: it keeps posted pictures, and checks every reply strictly."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bot.chat import (
    Actor,
    Button,
    ChatRef,
    Command,
    CommandName,
    Form,
    ImagePost,
    IncomingFile,
    IncomingImage,
    Menu,
    Notice,
    Press,
    Reply,
    Submission,
    Text,
)
from bot.commands.catalogue import BY_NAME, MESSAGE
from bot.conversation import Conversation
from bot.errors import PictureGoneError
from config.options import ImageLimits
from inference.domain import FaceBox, ImageRGB
from inference.errors import ImageTooLargeError
from inference.images import decode
from inference.scaling import resized

_numbers = itertools.count(1)
_INVISIBLE = re.compile(
    "[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufdd0\ufdd1]"
)


class MemoryPlatform:
    """The `PlatformAccess` of a chat in memory: what was posted there can be opened again until deleted."""

    def __init__(self) -> None:
        self.pictures: dict[tuple[str, str], tuple[bytes, bool]] = {}
        """By space and reference: bytes, spoiler."""
        self.said: list[Notice] = []
        self.opened = 0
        self.names: dict[str, str] = {}
        """Of spaces."""

    def keep(self, chat: ChatRef, data: bytes, *, spoiler: bool = False, size: bool = True) -> IncomingImage:
        reference = f"file-{next(_numbers)}"
        self.pictures[chat.space, reference] = data, spoiler
        return self._image(reference, data, spoiler, size=size)

    def delete(self, chat: ChatRef, reference: str) -> None:
        del self.pictures[chat.space, reference]

    async def open(self, chat: ChatRef, reference: str) -> IncomingImage:
        self.opened += 1
        if (chat.space, reference) not in self.pictures:
            raise PictureGoneError
        return self._image(reference, *self.pictures[chat.space, reference])

    async def say(self, notice: Notice) -> None:
        check_reply(notice.reply)
        self.said.append(notice)

    def name_of(self, space: str) -> str:
        return self.names.get(space, "")

    @staticmethod
    def _image(reference: str, data: bytes, spoiler: bool, *, size: bool = True) -> IncomingImage:
        async def read(limit: int) -> bytes:
            if len(data) > limit:
                raise ImageTooLargeError(what="bytes", actual=len(data), limit=limit)
            return data

        return IncomingImage(reference, "picture.png", len(data) if size else None, read, spoiler)


@dataclass
class Room:
    """One channel of a space of its own, with somebody in it."""

    conversation: Conversation
    platform: MemoryPlatform
    chat: ChatRef
    actor: Actor
    messages: dict[str, Reply] = field(default_factory=dict)
    """What the bot said, by message id."""

    def by(
        self, user: str, *, manages: bool = False, roles: Sequence[str] = (), language: str = "en"
    ) -> Room:
        """The same room with somebody else speaking."""
        return replace(self, actor=Actor(user, f"User {user}", manages, frozenset(roles), language))

    def elsewhere(self, channel: str) -> Room:
        return replace(self, chat=replace(self.chat, channel=channel))

    async def post(
        self, *pictures: bytes, mention: bool = True, spoiler: bool = False, event: str = ""
    ) -> Reply | None:
        images = tuple(self.platform.keep(self.chat, data, spoiler=spoiler) for data in pictures)
        post = ImagePost(event or f"post-{next(_numbers)}", self.chat, self.actor, images, mention)
        reply = await self.conversation.post(post)
        return reply and await self._sent(reply)

    async def answer(self, *pictures: bytes, spoiler: bool = False) -> Reply:
        reply = await self.post(*pictures, spoiler=spoiler)
        assert reply is not None
        return reply

    async def command(
        self,
        name: CommandName,
        /,
        *pictures: bytes,
        file: bytes | None = None,
        reply_to: str = "",
        event: str = "",
        **arguments: str,
    ) -> Reply:
        known = {parameter.name for parameter in BY_NAME[name].parameters}
        assert set(arguments) <= known, f"{name} takes {known}"
        images = tuple(self.platform.keep(self.chat, data) for data in pictures)
        given = {**arguments, **({MESSAGE: reply_to} if reply_to else {})}
        incoming = None if file is None else _file(file)
        command = Command(
            name, self.chat, self.actor, event or f"command-{next(_numbers)}", given, images, incoming
        )
        reply = await self.conversation.command(command)
        assert not reply.form or self.conversation.opens_form(command), "a form came without warning"
        return await self._sent(reply)

    async def press(self, button: Button | Menu | str, chosen: str = "", *, event: str = "") -> Reply:
        token = button if isinstance(button, str) else button.token
        press = Press(token, self.chat, self.actor, event or f"press-{next(_numbers)}", chosen)
        reply = await self.conversation.press(press)
        assert not reply.form or self.conversation.opens_form(press), "a form came without warning"
        return await self._sent(reply)

    async def submit(self, form: Form, **fields: str) -> Reply:
        assert {one.key for one in form.fields if one.required} <= set(fields)
        assert set(fields) <= {one.key for one in form.fields}
        submission = Submission(form.token, self.chat, self.actor, fields, f"form-{next(_numbers)}")
        return await self._sent(await self.conversation.submit(submission))

    async def _sent(self, reply: Reply) -> Reply:
        check_reply(reply)
        message = f"message-{next(_numbers)}"
        self.messages[message] = reply
        if reply.answer:
            await self.conversation.answered(self.chat, reply.answer, message)
        return reply

    def message_of(self, reply: Reply) -> str:
        return next(message for message, said in self.messages.items() if said is reply)


def words(reply: Reply | Text | None) -> str:
    """What is said, without emphasis."""
    assert reply is not None
    return "".join(span.text for span in (reply.text if isinstance(reply, Reply) else reply))


def strong(reply: Reply) -> list[str]:
    """What stands out in it."""
    return [span.text for span in reply.text if span.strong]


def button(reply: Reply, label: str) -> Button:
    """The one of that label."""
    found = [one for row in reply.buttons for one in row if one.label == label]
    assert len(found) == 1, [one.label for row in reply.buttons for one in row]
    return found[0]


def labels(reply: Reply) -> list[str]:
    return [one.label for row in reply.buttons for one in row]


def line_value(reply: Reply, label: str) -> str:
    """The value of the menu line of that label."""
    assert reply.menu is not None
    found = [line.value for line in reply.menu.lines if line.label == label]
    assert len(found) == 1, [line.label for line in reply.menu.lines]
    return found[0]


def picture(reply: Reply, number: int = 0) -> ImageRGB:
    """One of its pictures, decoded."""
    frame: ImageRGB = decode(reply.files[number].data, ImageLimits()).frames[0]
    return frame


def is_marked(reply: Reply, original: bytes, box: FaceBox) -> bool:
    """Whether its first picture shows something around that box that the original does not: a frame."""
    shown, before = picture(reply), decode(original, ImageLimits()).frames[0]
    scaled = box.scaled(shown.shape[1] / before.shape[1])
    before = resized(before, shown.shape[1], shown.shape[0])
    rows = slice(round(scaled.y1 + 0.25 * scaled.height), round(scaled.y2 - 0.25 * scaled.height))
    left = slice(max(0, round(scaled.x1) - 14), max(1, round(scaled.x1)))
    inside = slice(round(scaled.x1 + 0.3 * scaled.width), round(scaled.x2 - 0.3 * scaled.width))
    changes = [
        float(np.abs(shown[rows, columns].astype(int) - before[rows, columns].astype(int)).mean())
        for columns in (left, inside)
    ]
    return changes[0] > 15 and changes[1] < 5


def check_reply(reply: Reply) -> None:
    """What every platform can show."""
    said = "".join(span.text for span in reply.text)
    assert not _INVISIBLE.search(said), repr(said)
    if reply.form is not None:
        assert not (reply.text or reply.files or reply.buttons or reply.menu), "a form comes alone"
        _check_token(reply.form.token)
        assert 1 <= len(reply.form.fields) <= 5
        assert len(reply.form.title) <= 45
        assert all(len(one.label) <= 45 and len(one.value) <= one.longest for one in reply.form.fields)
        return
    assert len(reply.buttons) + (reply.menu is not None) <= 5
    assert len(reply.files) <= 10
    for row in reply.buttons:
        assert 1 <= len(row) <= 5
        for one in row:
            _check_token(one.token)
            assert 1 <= len(one.label) <= 80
    tokens = [one.token for row in reply.buttons for one in row]
    assert len(set(tokens)) == len(tokens)
    if reply.menu is not None:
        _check_token(reply.menu.token)
        assert 1 <= len(reply.menu.lines) <= 25
        assert len(reply.menu.placeholder) <= 150
        values = [line.value for line in reply.menu.lines]
        assert len(set(values)) == len(values)
        for line in reply.menu.lines:
            assert 1 <= len(line.label) <= 100
            assert line.value.isascii() and 1 <= len(line.value) <= 40
            assert len(f"{reply.menu.token}:{line.value}") <= 64
    for file in reply.files:
        assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", file.name), file.name
        if file.is_picture:
            decode(file.data, ImageLimits())


def _check_token(token: str) -> None:
    assert token.isascii() and 1 <= len(token) <= 60, token


def _file(data: bytes) -> IncomingFile:
    async def read(limit: int) -> bytes:
        assert len(data) <= limit
        return data

    return IncomingFile("export.zip", len(data), read)
