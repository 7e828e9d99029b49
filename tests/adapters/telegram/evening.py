"""A chat with people in it, and what they see of the bot; every action is a counted step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.chat import OutgoingFile, Reply
from bot.conversation import Conversation
from config.options import ImageLimits
from inference.domain import Identification, ImageRGB, Scope
from inference.images import decode
from tests.adapters.script.evening import Portraits
from tests.bot.conversing import is_marked
from tests.conftest import CastPictures
from tests.telegram_server.server import TelegramServer
from tests.telegram_server.state import Chat, Media, MediaKind, Message, Topic, User

SILENCE_S = 0.5


@dataclass
class Evening(Portraits):
    server: TelegramServer
    conversation: Conversation
    cast: CastPictures
    steps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        server = self.server
        self.manager, self.member, self.hidden = (
            server.add_user(name) for name in ("Manager", "Member", "Hidden")
        )
        self.group = server.add_group("club", self.member, self.hidden, owner=self.manager, forum=True)
        self.topic = server.add_topic(self.group, "pictures", self.manager)
        self.private = server.add_private_chat(self.member)

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """One thing that somebody does, and what comes of it."""
        self.steps.append(what)
        try:
            yield
        except BaseException as error:
            error.add_note(f"in step {len(self.steps)}: {what}")
            raise

    # ── pictures ────────────────────────────────────────────────────────────────────────────────

    def photo(self, data: bytes) -> Media:
        return self.server.files.photo(data)

    async def seen(self, media: Media, chat: Chat | None = None) -> Identification:
        scope = Scope(f"telegram:{(chat or self.group).id}")
        answer = await self.conversation.services.faces.identify(media.file.data, [scope])
        return answer.identification

    async def marks(self, answer: Message, media: Media, chat: Chat | None = None) -> bool:
        """Whether every face that was posted has a frame around it in the answer's picture."""
        assert answer.media is not None
        reply = Reply(files=(OutgoingFile("a.jpg", answer.media.file.data),))
        faces = (await self.seen(media, chat)).faces
        return bool(faces) and all(is_marked(reply, media.file.data, face.detection.box) for face in faces)

    # ── what people do ──────────────────────────────────────────────────────────────────────────

    async def say(
        self,
        who: User | Chat,
        text: str = "",
        *,
        chat: Chat | None = None,
        media: Media | None = None,
        reply_to: Message | None = None,
        topic: Topic | None = None,
        spoiler: bool = False,
        forward: Message | None = None,
    ) -> Message:
        """What somebody says, and the bot's reply to it."""
        posted = self.server.post(
            chat or self.group,
            who,
            text,
            media=media,
            reply_to=reply_to,
            topic=topic,
            spoiler=spoiler,
            forward=forward,
        )
        return self.shown(await self.server.reply_to(posted, timeout_s=30))

    async def ignored(
        self, who: User | Chat, text: str = "", *, chat: Chat | None = None, media: Media | None = None
    ) -> None:
        """The bot says nothing to it."""
        place = chat or self.group
        self.server.post(place, who, text, media=media)
        await self.server.no_reply_in(place, within_s=SILENCE_S)

    async def album(
        self, who: User, media: Sequence[Media], text: str = "", gap_s: float = 0.1
    ) -> list[Message]:
        """An album posted in pieces, and the album that answers."""
        posted = await self.server.post_album(self.group, who, media, text, gap_s=gap_s)
        first = await self.server.reply_to(posted, timeout_s=60)
        return [self.shown(message) for message in self.server.album(first)]

    async def note(self, who: User, message: Message, label: str) -> str:
        """What a button puts on the screen of who presses it."""
        answer = await self.server.answered(self.server.press(message, who, label=label))
        return str(answer.get("text", ""))

    async def under(self, who: User, message: Message, label: str) -> Message:
        """What a button adds under its message."""
        before = len(self.server.replies(message))
        self.server.press(message, who, label=label)
        replies = await self.server.replies_to(message, before + 1, timeout_s=30)
        return self.shown(replies[-1])

    async def instead(self, who: User, message: Message, label: str) -> Message:
        """What a button makes of its message."""
        before = message.body, message.markup, message.media
        self.server.press(message, who, label=label)
        await self.server.until(
            lambda: (message.body, message.markup, message.media) != before,
            f"a change by {label}",
            timeout_s=30,
        )
        return self.shown(message)

    def shown(self, message: Message) -> Message:
        """The message; its pictures can be decoded and it pings nobody."""
        for kind in ("mention", "url", "email", "hashtag"):
            assert message.body.marked(kind) == [], message.text
        if message.media is not None and message.media.kind is MediaKind.PHOTO:
            assert _decoded(message.media.file.data).size
        return message


def _decoded(data: bytes) -> ImageRGB:
    frame: ImageRGB = decode(data, ImageLimits()).frames[0]
    return frame


def labels(message: Message) -> list[str]:
    return [button["text"] for button in message.buttons]
