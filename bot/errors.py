"""What can go wrong between people and Dareda: the part of the error tree that only chats have."""

from __future__ import annotations

from typing import Literal

from inference.errors import SetupError, TransientError, UserError

# ── who may do what ─────────────────────────────────────────────────────────────────────────────


class NotAllowedError(UserError):
    """`what` is what the asker would have to be allowed to do."""

    code = "not_allowed"
    sentence = "You may not do this here ({what})."

    def __init__(self, *, what: Literal["teach", "manage"]) -> None:
        super().__init__(what=what)


class CooldownError(UserError):
    """`repeated`: the asker was told already in this wait, so that posts need not say it again."""

    code = "cooldown"
    sentence = "Too many at once; try again in {seconds} s."

    def __init__(self, *, seconds: int, repeated: bool = False) -> None:
        super().__init__(seconds=seconds, repeated=repeated)

    @property
    def repeated(self) -> bool:
        return bool(self.data["repeated"])


# ── what was given ──────────────────────────────────────────────────────────────────────────────


class PictureMissingError(UserError):
    """The command needs a picture, and none came with it."""

    code = "picture_missing"
    sentence = "There is no picture; send one along, or reply to one."


class PictureGoneError(UserError):
    """The picture was deleted, or the bot can no longer read it."""

    code = "picture_gone"
    sentence = "The picture is gone or cannot be read any more."


class PictureSourceError(UserError):
    """The picture lies somewhere that is not read from."""

    code = "picture_source"
    sentence = "Pictures from {host} are not read; upload the picture itself."

    def __init__(self, *, host: str) -> None:
        super().__init__(host=host)


class FaceGoneError(UserError):
    """The face that an answer was about is not found in its picture again."""

    code = "face_gone"
    sentence = "That face is not found in the picture any more."


class FileMissingError(UserError):
    code = "file_missing"
    sentence = "There is no file; send one along."


class FileTooLargeError(UserError):
    """Sizes in bytes; `actual` is 0 where nobody knows it."""

    code = "file_too_large"
    sentence = "The file is too large: the limit is {limit:,} bytes."

    def __init__(self, *, limit: int, actual: int = 0) -> None:
        super().__init__(limit=limit, actual=actual)


class ArgumentMissingError(UserError):
    """`parameter` is a name of `bot.commands.catalogue`."""

    code = "argument_missing"
    sentence = "Something is missing: {parameter}."

    def __init__(self, *, parameter: str) -> None:
        super().__init__(parameter=parameter)


class ArgumentInvalidError(UserError):
    """`parameter` is a name of `bot.commands.catalogue`."""

    code = "argument_invalid"
    sentence = "“{value}” will not do for {parameter}."

    def __init__(self, *, parameter: str, value: str) -> None:
        super().__init__(parameter=parameter, value=value)


class SettingUnknownError(UserError):
    code = "setting_unknown"
    sentence = "There is no setting “{setting}”."

    def __init__(self, *, setting: str) -> None:
        super().__init__(setting=setting)


class SettingInvalidError(UserError):
    """`setting` is a `bot.space_settings.SettingName`; `accepted` lists the choices, where there are some."""

    code = "setting_invalid"
    sentence = "“{value}” will not do for the setting {setting}."

    def __init__(self, *, setting: str, value: str, accepted: tuple[str, ...] = ()) -> None:
        super().__init__(setting=setting, value=value, accepted=accepted)


class SharedCharacterError(UserError):
    """The character is in a shared gallery, which a chat sees but does not change."""

    code = "shared_character"
    sentence = "“{name}” is in a shared gallery, which cannot be changed from here."

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)


# ── buttons, menus and forms ────────────────────────────────────────────────────────────────────


class TokenUnknownError(UserError):
    """What was pressed is too old, was used already, or belongs to another chat."""

    code = "token_unknown"
    sentence = "This button is too old or was used already; ask again."


class NotYoursError(UserError):
    """Somebody else was asked."""

    code = "not_yours"
    sentence = "Only the one who asked can answer this."


class ReviewSettledError(UserError):
    """Another teacher was quicker."""

    code = "review_settled"
    sentence = "Somebody has decided this already."


# ── the web console ─────────────────────────────────────────────────────────────────────────────


class ForeignRequestError(UserError):
    """The request comes from another site's page, or under a name that is not the console's."""

    code = "foreign_request"
    sentence = "This request does not come from the console's own pages."


class PageTooOldError(UserError):
    """The page that sent the form was made before the last start or login."""

    code = "page_too_old"
    sentence = "The page is too old; load it again."


class LoginError(UserError):
    code = "login"
    sentence = "This is not the token."


class PageNotFoundError(UserError):
    code = "page_not_found"
    sentence = "There is no such page."


class FormInvalidError(UserError):
    """What was sent is no form of ours."""

    code = "form_invalid"
    sentence = "What was sent cannot be read."


# ── sending ─────────────────────────────────────────────────────────────────────────────────────


class CannotSendError(TransientError):
    """The platform does not let the bot say something. `reason` names what is in the way."""

    code = "cannot_send"
    sentence = "The answer cannot be sent: {reason}."

    def __init__(
        self, *, reason: Literal["gone", "may_not_write", "may_not_attach", "too_large", "platform"]
    ) -> None:
        super().__init__(reason=reason)


class MessageGoneError(CannotSendError):
    """The message to be answered was deleted."""

    def __init__(self) -> None:
        super().__init__(reason="gone")


# ── start refused ───────────────────────────────────────────────────────────────────────────────


class ChatStoreLockedError(SetupError):
    code = "chat_store_locked"
    sentence = (
        "{path} is in use by another process. Stop it first, or give this one its own folder with --data-dir."
    )

    def __init__(self, *, path: str) -> None:
        super().__init__(path=path)


class ChatStoreDamagedError(SetupError):
    code = "chat_store_damaged"
    sentence = "{path} is not usable: {reason}. Move it away; the gallery does not depend on it."

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class ChatStoreUnavailableError(TransientError):
    code = "chat_store_unavailable"
    sentence = "What is remembered of chats cannot be reached: {reason}."

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)
