"""The pictures of a message, wherever Discord puts them, and the references that lead back to them.

A reference is `m/<channel>/<message>/<a|e|s>/<id>` for an attachment, an embed's picture (by its number) or a
sticker of a message, which is fetched anew: attachment addresses expire after a day. What was given to a
command belongs to no message; its reference `u/<address>` works as long as the address does.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from pathlib import PurePosixPath

import discord
import yarl

from bot.chat import IncomingFile, IncomingImage
from bot.errors import PictureGoneError
from inference.errors import ServiceUnavailableError

ReadUrl = Callable[[str, int], Awaitable[bytes]]
"""Reads an address, at most so many bytes; see `Downloads.read()`."""

_PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".apng", ".jfif"})
_PREVIEW_KINDS = frozenset({"image", "gifv", "rich", "article", "link"})
"""Of embeds; those of videos show a frame that nobody posted."""
_SPOILER = re.compile(r"\|\|(.+?)\|\|", re.DOTALL)


def pictures_of(message: discord.Message, read: ReadUrl) -> tuple[IncomingImage, ...]:
    """Attachments, previews and stickers of the message and of what it forwards, in that order."""
    place = f"m/{message.channel.id}/{message.id}"
    parts: tuple[discord.Message | discord.MessageSnapshot, ...] = (message, *message.message_snapshots)
    attached = (file for part in parts for file in part.attachments if _is_picture(file))
    previews = (preview for part in parts for preview in _previews(part))
    stickers = (sticker for part in parts for sticker in part.stickers)
    return (
        *(_attached(f"{place}/a/{file.id}", file, read) for file in attached),
        *(
            _linked(f"{place}/e/{number}", url, read, spoiler=spoiler)
            for number, (url, spoiler) in enumerate(previews)
        ),
        *(
            _linked(f"{place}/s/{sticker.id}", sticker.url, read)
            for sticker in stickers
            if sticker.format is not discord.StickerFormatType.lottie  # a drawing program, no picture
        ),
    )


def given_picture(file: discord.Attachment, read: ReadUrl) -> IncomingImage:
    """A picture given to a command."""
    return _attached(f"u/{file.url}", file, read)


def given_file(file: discord.Attachment, read: ReadUrl) -> IncomingFile:
    """Another file given to a command."""
    return IncomingFile(file.filename, file.size, partial(read, file.url))


async def find_picture(client: discord.Client, reference: str, read: ReadUrl) -> IncomingImage:
    """The picture behind a reference. Raises PictureGoneError, ServiceUnavailableError."""
    kind, _, rest = reference.partition("/")
    if kind == "u":
        return _linked(reference, rest, read)
    channel_id, message_id, *_ = rest.split("/")
    try:
        channel = client.get_partial_messageable(int(channel_id))
        message = await channel.fetch_message(int(message_id))
    except (discord.NotFound, discord.Forbidden) as error:
        raise PictureGoneError from error
    except (discord.HTTPException, discord.RateLimited, OSError) as error:
        raise ServiceUnavailableError(name="Discord", reason=type(error).__name__) from error
    for image in pictures_of(message, read):
        if image.reference == reference:
            return image
    raise PictureGoneError


def _attached(reference: str, file: discord.Attachment, read: ReadUrl) -> IncomingImage:
    return IncomingImage(reference, file.filename, file.size, partial(read, file.url), file.is_spoiler())


def _linked(reference: str, url: str, read: ReadUrl, *, spoiler: bool = False) -> IncomingImage:
    return IncomingImage(reference, PurePosixPath(yarl.URL(url).path).name, None, partial(read, url), spoiler)


def _is_picture(file: discord.Attachment) -> bool:
    kind = (file.content_type or "").partition(";")[0]
    if kind.startswith("image/"):
        return kind != "image/svg+xml"
    return not kind and PurePosixPath(file.filename).suffix.lower() in _PICTURE_ENDINGS


def _previews(part: discord.Message | discord.MessageSnapshot) -> Iterator[tuple[str, bool]]:
    """The address of each embed's picture and whether the link was hidden as a spoiler."""
    hidden = _SPOILER.findall(part.content)
    attached = {file.url for file in part.attachments}
    seen: set[str] = set()
    for embed in part.embeds:
        if embed.type not in _PREVIEW_KINDS:
            continue
        for url in _shown_by(embed):
            if url not in seen | attached:
                seen.add(url)
                yield url, any(embed.url is not None and embed.url in text for text in hidden)
                break


def _shown_by(embed: discord.Embed) -> Iterable[str]:
    """The larger picture first; through Discord's proxy, since nothing is read from elsewhere."""
    for picture in (embed.image, embed.thumbnail):
        if address := picture.proxy_url or picture.url:
            yield address
