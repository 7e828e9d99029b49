"""The error tree: what can go wrong, as classes that carry data, not prose."""

from __future__ import annotations

from typing import ClassVar


class AppError(Exception):
    """An expected failure. `code` names it for programs; `data` holds the fields of its sentence."""

    code: ClassVar[str] = "error"
    sentence: ClassVar[str] = "Something went wrong."

    def __init__(self, **data: object) -> None:
        self.data = data
        super().__init__(self.sentence.format(**data))


class UserError(AppError):
    """The request cannot be done as asked; said to the user."""


class TransientError(AppError):
    """The same request may succeed later."""


class SetupError(AppError):
    """Start is refused until the operator changes something."""


# ── pictures ────────────────────────────────────────────────────────────────────────────────────


class ImageTooLargeError(UserError):
    """`what` is one of bytes, pixels, side (the longer one, in pixels), frames."""

    code = "image_too_large"
    sentence = "The picture is too large: {actual:,} {what}, the limit is {limit:,}."

    def __init__(self, *, what: str, actual: int, limit: int) -> None:
        super().__init__(what=what, actual=actual, limit=limit)

    def __str__(self) -> str:
        return super().__str__().replace(" side,", " pixels on its longer side,")


class ImageUnsupportedError(UserError):
    code = "image_unsupported"
    sentence = "This is not a supported picture format ({found}); send {allowed}."

    def __init__(self, *, found: str, allowed: str) -> None:
        super().__init__(found=found, allowed=allowed)


class ImageUnreadableError(UserError):
    code = "image_unreadable"
    sentence = "The picture cannot be read: {reason}."

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)


# ── faces ───────────────────────────────────────────────────────────────────────────────────────


class NoFaceError(UserError):
    code = "no_face"
    sentence = "No drawn face was found in the picture."


class AmbiguousFacesError(UserError):
    code = "ambiguous_faces"
    sentence = "The picture has {count} faces; say which one, or crop it to one face."

    def __init__(self, *, count: int) -> None:
        super().__init__(count=count)


class FaceNumberError(UserError):
    code = "face_number"
    sentence = "There is no face number {number}; the picture has {count}."

    def __init__(self, *, number: int, count: int) -> None:
        super().__init__(number=number, count=count)


class FaceTooPoorError(UserError):
    """`what` names the measure (size, score, sharpness)."""

    code = "face_too_poor"
    sentence = (
        "The face is not clear enough to learn from: "
        "its {what} is {actual:.3g}, at least {limit:.3g} is needed."
    )

    def __init__(self, *, what: str, actual: float, limit: float) -> None:
        super().__init__(what=what, actual=actual, limit=limit)


# ── gallery ─────────────────────────────────────────────────────────────────────────────────────


class CharacterNotFoundError(UserError):
    """`suggestions` are the closest known names, best first."""

    code = "character_not_found"
    sentence = "There is no character called “{name}”.{hint}"

    def __init__(self, *, name: str, suggestions: tuple[str, ...] = ()) -> None:
        hint = f" Did you mean {' or '.join(f'“{s}”' for s in suggestions)}?" if suggestions else ""
        super().__init__(name=name, suggestions=suggestions, hint=hint)


class CharacterExistsError(UserError):
    code = "character_exists"
    sentence = "“{name}” is already a name or alias of “{existing}”."

    def __init__(self, *, name: str, existing: str) -> None:
        super().__init__(name=name, existing=existing)


class MergeSelfError(UserError):
    code = "merge_self"
    sentence = "“{source}” and “{target}” are the same character already."

    def __init__(self, *, source: str, target: str) -> None:
        super().__init__(source=source, target=target)


class NameInvalidError(UserError):
    code = "name_invalid"
    sentence = "“{name}” cannot be a name: {reason}."

    def __init__(self, *, name: str, reason: str) -> None:
        super().__init__(name=name, reason=reason)


class SampleExistsError(UserError):
    """`how` is identical (same pixels) or alike (same picture, encoded or resized differently)."""

    code = "sample_exists"
    sentence = "This picture is already enrolled as “{character}” ({how})."

    def __init__(self, *, character: str, sample_id: str, how: str) -> None:
        super().__init__(character=character, sample_id=sample_id, how=how)


class SampleNotFoundError(UserError):
    code = "sample_not_found"
    sentence = "There is no sample {sample_id}."

    def __init__(self, *, sample_id: str) -> None:
        super().__init__(sample_id=sample_id)


class CannotUndoError(UserError):
    """`reason` is a key of `REASONS`; `name` is the character it is about, where it is about one."""

    code = "cannot_undo"
    sentence = "This cannot be taken back: {why}."
    REASONS: ClassVar[dict[str, str]] = {
        "nothing": "there is nothing left to take back",
        "unknown": "there is no such change in this gallery",
        "kind": "only what was done to single characters can be",
        "done": "it has been taken back already",
        "for_good": "it was done for good",
        "final": "it is final by now",
        "changed": "“{name}” has been changed since",
        "name_taken": "“{name}” is the name of somebody else now",
        "enrolled_again": "one of its pictures is enrolled as “{name}” again",
    }

    def __init__(self, *, reason: str, name: str = "") -> None:
        super().__init__(reason=reason, name=name, why=self.REASONS[reason].format(name=name))


class ArchiveInvalidError(UserError):
    code = "archive_invalid"
    sentence = "The gallery archive {path} cannot be imported: {reason}."

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class FileUnreadableError(UserError):
    code = "file_unreadable"
    sentence = "{path} cannot be read: {reason}."

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class FileUnwritableError(UserError):
    code = "file_unwritable"
    sentence = "{path} cannot be written: {reason}."

    def __init__(self, *, path: str, reason: str) -> None:
        super().__init__(path=path, reason=reason)


class ClosedSetError(UserError):
    """The pack's detector names its characters itself, so nothing can be taught."""

    code = "closed_set"
    sentence = (
        "Nobody can be added or changed: the model pack {pack} names the characters that it was trained for "
        "and no others. To teach characters, choose a pack with an embedder (models.pack)."
    )

    def __init__(self, *, pack: str) -> None:
        super().__init__(pack=pack)


class RequestInvalidError(UserError, ValueError):
    """What was asked of the service is not what it understands; of an own core, a ValueError."""

    code = "request_invalid"
    sentence = "The service does not understand the request: {reason}."

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)


# ── try again ───────────────────────────────────────────────────────────────────────────────────


class OverloadedError(TransientError):
    code = "overloaded"
    sentence = "Too much is waiting already ({limit}); try again in a moment."

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)


class DeadlineError(TransientError):
    code = "deadline"
    sentence = "It took longer than {seconds:g} s; try again in a moment."

    def __init__(self, *, seconds: float) -> None:
        super().__init__(seconds=seconds)


class StoppedError(TransientError):
    code = "stopped"
    sentence = "Dareda is shutting down; try again in a moment."


class GalleryUnavailableError(TransientError):
    code = "gallery_unavailable"
    sentence = "The gallery cannot be reached: {reason}."

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason=reason)


class GalleryReadOnlyError(GalleryUnavailableError):
    """It answers questions, but takes no changes."""

    code = "gallery_read_only"
    sentence = "The gallery takes no changes at the moment: {reason}."


class ServiceUnavailableError(TransientError):
    code = "service_unavailable"
    sentence = "The service {name} cannot be reached: {reason}."

    def __init__(self, *, name: str, reason: str) -> None:
        super().__init__(name=name, reason=reason)


# ── start refused ───────────────────────────────────────────────────────────────────────────────


class SettingsError(SetupError):
    code = "settings"
    sentence = "The setting {key} is not usable: {reason}."

    def __init__(self, *, key: str, reason: str) -> None:
        super().__init__(key=key, reason=reason)


class ModelFileError(SetupError):
    """`fix` says what to do about it."""

    code = "model_file"
    sentence = "The model file {path} is not usable: {reason}. {fix}"

    def __init__(self, *, path: str, reason: str, fix: str) -> None:
        super().__init__(path=path, reason=reason, fix=fix)


class NoEmbedderError(SetupError):
    """What was asked for needs embeddings."""

    code = "no_embedder"
    sentence = (
        "The model pack {pack} cannot be used for this: its detector names the characters itself, so it has "
        "no embedder. Choose another pack (models.pack)."
    )

    def __init__(self, *, pack: str) -> None:
        super().__init__(pack=pack)


class ServiceMismatchError(SetupError):
    """The inference service is not one that this process can work with; `fix` says what to do."""

    code = "service_mismatch"
    sentence = "The inference service at {address} cannot be used: {reason}. {fix}"

    def __init__(self, *, address: str, reason: str, fix: str) -> None:
        super().__init__(address=address, reason=reason, fix=fix)


class ContractMismatchError(SetupError):
    """The gallery was embedded by another model than the one that runs."""

    code = "contract_mismatch"
    sentence = (
        "The gallery was made with the model {gallery}, but {running} is running. "
        "Run `python bot.py gallery reindex`, or choose the pack it was made with."
    )

    def __init__(self, *, gallery: str, running: str) -> None:
        super().__init__(gallery=gallery, running=running)


class GalleryAccessError(SetupError):
    """The gallery's server does not let us in, or not do what is needed."""

    code = "gallery_access"
    sentence = (
        "The gallery at {address} refuses us: {reason}. Check ELASTICSEARCH_API_KEY, or elasticsearch.user "
        "and ELASTICSEARCH_PASSWORD, and what they may do (docs/elasticsearch.md, “Security”)."
    )

    def __init__(self, *, address: str, reason: str) -> None:
        super().__init__(address=address, reason=reason)


class GalleryTlsError(SetupError):
    code = "gallery_tls"
    sentence = (
        "There is no trusted connection to the gallery at {address}: {reason}. Name the certificate "
        "authority with elasticsearch.ca_file or the certificate with elasticsearch.fingerprint."
    )

    def __init__(self, *, address: str, reason: str) -> None:
        super().__init__(address=address, reason=reason)


class GalleryServerError(SetupError):
    """What answers is not a server that can keep the gallery; `fix` says what to do."""

    code = "gallery_server"
    sentence = "The server at {address} cannot keep the gallery: {reason}. {fix}"

    def __init__(self, *, address: str, reason: str, fix: str) -> None:
        super().__init__(address=address, reason=reason, fix=fix)


class GalleryLockedError(SetupError):
    code = "gallery_locked"
    sentence = (
        "The gallery {path} is in use by another process{owner}. Stop it first, or give this one "
        "its own folder with --data-dir."
    )

    def __init__(self, *, path: str, owner: str = "") -> None:
        super().__init__(path=path, owner=owner)


class GalleryDamagedError(SetupError):
    code = "gallery_damaged"
    sentence = "The gallery {path} is damaged: {reason}. {fix}"

    def __init__(self, *, path: str, reason: str, fix: str) -> None:
        super().__init__(path=path, reason=reason, fix=fix)
