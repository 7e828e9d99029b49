"""What people do in channels: post, edit, delete, forward, react."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.discord_server.composing import store
from tests.discord_server.permissions import Permission, channel_permissions
from tests.discord_server.state import (
    Channel,
    Delivery,
    Json,
    Member,
    Message,
    MessageFlag,
    Sticker,
    StoredFile,
    User,
    mentioned_users,
    pings_of,
)
from tests.discord_server.world import World


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that somebody posts. Its name reaches the bot as it is, which Discord would have cleaned."""

    filename: str
    data: bytes = field(repr=False)
    spoiler: bool = False
    delivery: Delivery | None = None
    content_type: str | None = None
    declared_size: int | None = None
    """What the attachment says instead of the true size."""

    def stored(self, world: World, channel: Channel, folder: str = "attachments") -> StoredFile:
        return store(
            world,
            channel,
            f"SPOILER_{self.filename}" if self.spoiler else self.filename,
            self.data,
            folder,
            delivery=self.delivery,
            content_type=self.content_type,
            declared_size=self.declared_size,
        )


class People:
    """Everything that people do without the bot's commands."""

    world: World

    def post_message(
        self,
        channel: Channel,
        author: Member | User,
        content: str = "",
        *,
        attachments: Sequence[Picture] = (),
        embeds: Sequence[Json] = (),
        stickers: Sequence[Sticker] = (),
        forward: Message | None = None,
        reply_to: Message | None = None,
        ping_replied: bool = True,
    ) -> Message:
        """A message as people send it; `forward` makes it a forward of that one."""
        user = check_may(channel, author, Permission.SEND_MESSAGES)
        assert content or attachments or embeds or stickers or forward, "Discord sends no empty messages"
        mentions = mentioned_users(content, self.world.users)
        if reply_to is not None and ping_replied and reply_to.author not in mentions:
            mentions.append(reply_to.author)
        message = Message(
            self.world.snowflakes.next(),
            channel,
            user,
            self.world.clock.now(),
            content,
            embeds=list(embeds),
            files=[picture.stored(self.world, channel) for picture in attachments],
            stickers=list(stickers),
            flags=MessageFlag.HAS_SNAPSHOT if forward else MessageFlag.NONE,
            reply_to=reply_to,
            reply_to_id=reply_to.id if reply_to else None,
            forwarded=forward,
            mentions=mentions,
            pings=pings_of(content, None, reply_to.author if reply_to and ping_replied else None),
        )
        self.world.send(message)
        return message

    def edit_message(self, message: Message, content: str) -> None:
        """Its author changes the text."""
        message.content = content
        message.mentions = mentioned_users(content, self.world.users)
        message.edited_at = self.world.clock.now()
        self.world.changed(message)

    def unfurl(self, message: Message, *embeds: Json) -> None:
        """Discord has looked at the links and shows previews: an update that is no edit of the author's."""
        message.embeds = [*message.embeds, *embeds]
        self.world.changed(message)

    def delete_message(self, message: Message) -> None:
        self.world.delete(message)

    def react(self, message: Message, member: Member, emoji: str) -> None:
        message.reactions.setdefault(emoji, set()).add(member.user.id)
        self.world.reaction_changed(message, member.user, emoji, added=True)


def check_may(channel: Channel, author: Member | User, *needs: Permission) -> User:
    """The user, if Discord's own client would let them do this here; in guilds a member is needed."""
    if isinstance(author, User):
        assert channel.recipient is author, f"{author.name} is no member of {channel.name}"
        return author
    allowed = channel_permissions(channel, author) if channel.guild else author.guild.everyone.permissions
    for need in (Permission.VIEW_CHANNEL, *needs):
        assert need in allowed, f"{author.user.name} lacks {need!r} in {channel.name}"
    return author.user
