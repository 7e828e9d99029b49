"""Makes messages of what the bot sent, and changes them as it asks."""

from __future__ import annotations

import itertools
import mimetypes
import struct

from tests.discord_server.checks.embeds import attached_names, with_urls
from tests.discord_server.checks.messages import MessageDraft
from tests.discord_server.errors import EMPTY_MESSAGE, INVALID_FORM, ApiError
from tests.discord_server.state import (
    Channel,
    Delivery,
    Json,
    Message,
    MessageFlag,
    StoredFile,
    User,
    mentioned_users,
    pings_of,
)
from tests.discord_server.world import World

_PNG = b"\x89PNG\r\n\x1a\n"


def compose(
    world: World, channel: Channel, draft: MessageDraft, *, reply_to: Message | None = None
) -> Message:
    """A new message of the bot's, not yet sent.

    Raises:
        ApiError: 50006 when there is nothing in it, 50035 for an embed that shows a file which is not there.
    """
    if draft.empty:
        raise ApiError(EMPTY_MESSAGE)
    message = Message(
        world.snowflakes.next(),
        channel,
        world.bot,
        world.clock.now(),
        flags=MessageFlag(draft.flags),
        nonce=draft.nonce,
        reply_to=reply_to,
        reply_to_id=reply_to.id if reply_to else None,
    )
    return fill(world, message, draft)


def fill(world: World, message: Message, draft: MessageDraft) -> Message:
    """Puts into the message what the draft has, and leaves the rest.

    Raises:
        ApiError: 50035 for an embed that shows a file which is not there, or for keeping one that it has not.
    """
    files = _kept(message, draft.kept)
    folder = "ephemeral-attachments" if message.ephemeral else "attachments"
    for upload, description in draft.uploads:
        files.append(store(world, message.channel, upload.filename, upload.data, folder, description))
    names = {file.filename: world.file_urls(file)[0] for file in files}
    if draft.embeds is not None:
        if missing := attached_names(draft.embeds) - set(names):
            raise _faulty("embeds", f"attachment://{missing} is not attached")
        message.embeds = with_urls(draft.embeds, names)
    message.files = files
    if draft.content is not None:
        message.content = draft.content
        message.mentions = mentioned_users(draft.content, world.users)
    if draft.components is not None:
        message.components = _with_ids(draft.components)
    if draft.content is not None or draft.allowed_mentions is not None:
        message.allowed_mentions = draft.allowed_mentions
        replied: User | None = message.reply_to.author if message.reply_to else None
        message.pings = pings_of(message.content, draft.allowed_mentions, replied)
    message.flags |= MessageFlag(draft.flags)
    return message


def store(
    world: World,
    channel: Channel,
    filename: str,
    data: bytes,
    folder: str = "attachments",
    description: str | None = None,
    *,
    delivery: Delivery | None = None,
    content_type: str | None = None,
    declared_size: int | None = None,
) -> StoredFile:
    """A new file, with what Discord finds out about it by its name and its first bytes."""
    return StoredFile(
        world.snowflakes.next(),
        filename,
        data,
        content_type or mimetypes.guess_type(filename)[0],
        len(data) if declared_size is None else declared_size,
        folder,
        channel.id,
        description,
        delivery or Delivery(),
        _png_size(data),
    )


def has_content(message: Message) -> bool:
    """Whether anything is left of an edited message."""
    return bool(message.content or message.embeds or message.files or message.components)


def _kept(message: Message, kept: list[int] | None) -> list[StoredFile]:
    if kept is None:
        return list(message.files)
    by_id = {file.id: file for file in message.files}
    if missing := set(kept) - set(by_id):
        raise _faulty("attachments", f"attachments {missing} are not of this message")
    return [by_id[file_id] for file_id in kept]


def _with_ids(rows: list[Json]) -> list[Json]:
    """Components without an id get the next free one (Component Reference, "Anatomy of a Component")."""
    everything = [part for row in rows for part in (row, *row["components"])]
    taken = {part.get("id") for part in everything}
    free = (number for number in itertools.count(1) if number not in taken)
    numbered = {id(part): part.get("id") or next(free) for part in everything}
    return [
        row
        | {"id": numbered[id(row)], "components": [p | {"id": numbered[id(p)]} for p in row["components"]]}
        for row in rows
    ]


def _png_size(data: bytes) -> tuple[int, int] | None:
    # Of other formats tests get no size: bots must not rely on it, it is optional in the documentation too.
    if not data.startswith(_PNG) or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _faulty(name: str, message: str) -> ApiError:
    details: Json = {name: {"_errors": [{"code": "ATTACHMENT_NOT_FOUND", "message": message}]}}
    return ApiError(INVALID_FORM, details)
