"""Messages that the bot sends or edits (Message resource, "Create Message"; Reference, "Uploading Files")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.discord_server.checks.components import check_components
from tests.discord_server.checks.embeds import check_embeds
from tests.discord_server.checks.form import Form, FormErrors
from tests.discord_server.errors import BODY_TOO_LARGE, ApiError
from tests.discord_server.state import Json, MessageFlag

LONGEST_CONTENT = 2000
MOST_ATTACHMENTS = 10
LARGEST_FILE_BYTES = 10 * 1024 * 1024
"""For bots in servers without boosts (Reference, "Uploading Files")."""

_ROUGH_NAME = re.compile(r'[\x00-\x1f\x7f/\\"]')
_SETTABLE_FLAGS = int(MessageFlag.SUPPRESS_EMBEDS | MessageFlag.SUPPRESS_NOTIFICATIONS)


@dataclass(frozen=True, slots=True)
class Upload:
    """One part `files[n]` of a multipart request."""

    filename: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """A checked message. Absent fields are None, so that an edit can leave them as they are."""

    content: str | None = None
    embeds: list[Json] | None = None
    components: list[Json] | None = None
    uploads: list[tuple[Upload, str | None]] = field(default_factory=list)
    """New files with their descriptions."""
    kept: list[int] | None = None
    """Ids of the attachments that an edit keeps; None keeps all."""
    allowed_mentions: Json | None = None
    flags: int = 0
    nonce: str | None = None
    enforce_nonce: bool = False
    reference: Json | None = None

    @property
    def empty(self) -> bool:
        return not (self.content or self.embeds or self.components or self.uploads)


def check_new_message(body: Any, files: Mapping[int, Upload], *, ephemeral: bool = False) -> MessageDraft:
    """A message for a channel, or with `ephemeral` an answer to an interaction, which may have that flag."""

    def check(form: Form) -> None:
        if not ephemeral:
            form.text("nonce", 25)  # "can be up to 25 characters"
            form.boolean("enforce_nonce")
            form.form("message_reference", _check_reference)
            form.snowflakes("sticker_ids", 3)
        _check_flags(form, _SETTABLE_FLAGS | (int(MessageFlag.EPHEMERAL) if ephemeral else 0))

    return _check(body, files, check, editing=False)


def check_edited_message(body: Any, files: Mapping[int, Upload]) -> MessageDraft:
    """An edit (Message resource, "Edit Message")."""
    return _check(body, files, lambda form: _check_flags(form, _SETTABLE_FLAGS), editing=True)


def _check(body: Any, files: Mapping[int, Upload], check: Any, *, editing: bool) -> MessageDraft:
    errors = FormErrors()
    form = Form(body, errors)
    check(form)
    # discord.py sends it also with edits, where Discord overlooks it.
    form.boolean("tts")
    form.text("content", LONGEST_CONTENT, nullable=True)
    check_embeds(form)
    check_components(form)
    form.form("allowed_mentions", _check_allowed_mentions)
    kept, uploads = _check_attachments(form, files, editing)
    form.finish()
    errors.check()
    if any(len(upload.data) > LARGEST_FILE_BYTES for upload in files.values()):
        raise ApiError(BODY_TOO_LARGE)
    return MessageDraft(
        content=(body["content"] or "") if "content" in body else None,
        embeds=(body["embeds"] or []) if "embeds" in body else None,
        components=(body["components"] or []) if "components" in body else None,
        uploads=uploads,
        kept=kept,
        allowed_mentions=body.get("allowed_mentions"),
        flags=body.get("flags") or 0,
        nonce=body.get("nonce"),
        enforce_nonce=bool(body.get("enforce_nonce")),
        reference=body.get("message_reference"),
    )


def _check_attachments(
    form: Form, files: Mapping[int, Upload], editing: bool
) -> tuple[list[int] | None, list[tuple[Upload, str | None]]]:
    """The ids that an edit keeps and the new files; every file is listed and everything listed is there."""
    for number, upload in files.items():
        if not upload.filename or len(upload.filename) > 260 or _ROUGH_NAME.search(upload.filename):
            form.fail(
                f"files[{number}]", "INVALID_FILENAME", f"No name for a file: {upload.filename[:300]!r}"
            )
    listed = form.raw("attachments")
    if listed is None:
        _check_count(form, len(files))
        return None, [(upload, None) for upload in files.values()]
    kept: list[int] = []
    described: dict[int, str | None] = {}

    def check_one(attachment: Form) -> None:
        number = attachment.snowflake("id", required=True)
        filename = attachment.text("filename", 1024)
        description = attachment.text("description", 1024, nullable=True)
        if editing:  # kept ones may come back as they were sent
            for name in ("size", "url", "proxy_url", "content_type", "height", "width", "spoiler", "flags"):
                attachment.raw(name)
        if number is None:
            return
        if number in files:
            described[number] = description
            if filename is not None and filename != files[number].filename:
                attachment.fail("filename", "MISMATCH", f"The file is called {files[number].filename!r}")
        elif editing and number > MOST_ATTACHMENTS:
            kept.append(number)
        else:
            attachment.fail("id", "ATTACHMENT_NOT_FOUND", "Attachment data not found")

    form.forms("attachments", MOST_ATTACHMENTS, check_one)
    if unlisted := set(files) - set(described):
        form.fail("attachments", "ATTACHMENT_NOT_LISTED", f"files{sorted(unlisted)} are not listed")
    _check_count(form, len(kept) + len(files))
    return kept, [(files[number], description) for number, description in described.items()]


def _check_count(form: Form, count: int) -> None:
    if count > MOST_ATTACHMENTS:
        form.fail("attachments", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_ATTACHMENTS} or fewer in length.")


def _check_flags(form: Form, allowed: int) -> None:
    flags = form.integer("flags", 0, 2**31 - 1)
    if flags and flags & ~allowed:
        form.fail("flags", "MESSAGE_FLAGS_INVALID", f"Only {allowed} may be set here, not {flags}.")


def _check_reference(form: Form) -> None:
    form.one_of("type", (0,))
    form.snowflake("message_id", required=True)
    form.snowflake("channel_id")
    form.snowflake("guild_id")
    form.boolean("fail_if_not_exists")


def _check_allowed_mentions(form: Form) -> None:
    """(Message resource, "Allowed Mentions Object"): at most 100 each, and never both ways at once."""
    parse = form.items("parse", 3)
    if not all(kind in ("roles", "users", "everyone") for kind in parse):
        form.fail("parse", "BASE_TYPE_CHOICES", "Value must be one of ('everyone', 'roles', 'users').")
    for kind in ("users", "roles"):
        if form.snowflakes(kind, 100) and kind in parse:
            form.fail(
                "parse", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", f"parse:[{kind!r}] and {kind}: [ids]"
            )
    form.boolean("replied_user")
