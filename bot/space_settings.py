"""What a server, group or private chat has set for itself, and how `/settings` reads it from text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from bot.chat import ChatRef
from bot.errors import SettingInvalidError, SettingUnknownError
from config.options import ChatOptions
from inference.domain import Scope

LOWEST_FALSE_NAME_RATE, HIGHEST_FALSE_NAME_RATE = 0.000_1, 0.2
_LONGEST_LIST = 100
_LONGEST_SHOWN = 60
# An id as people copy it: bare, or as the platform writes a mention of a channel, a role or a user.
_ID = re.compile(r"<?[@#&!]{0,2}(-?[0-9]{1,25})>?")
_NOTHING = frozenset({"", "none", "nothing", "default", "-", "なし", "无", "無"})
_YES = frozenset({"on", "yes", "true", "1", "はい", "是", "开", "開"})
_NO = frozenset({"off", "no", "false", "0", "いいえ", "否", "关", "關"})


class Answering(StrEnum):
    """Which posted pictures are answered. Commands always are."""

    OFF = "off"
    ALL = "all"
    LISTED = "listed"
    MENTIONED = "mentioned"


class SettingName(StrEnum):
    """What `/settings` can change; the fields of `SpaceSettings`."""

    ANSWERING = "answering"
    CHANNELS = "channels"
    LANGUAGE = "language"
    SAY_NO_FACE = "say_no_face"
    SAY_SURENESS = "say_sureness"
    TEACHERS = "teachers"
    LOG_CHANNEL = "log_channel"
    GALLERIES = "galleries"
    FALSE_NAME_RATE = "false_name_rate"


@dataclass(frozen=True, slots=True)
class SpaceSettings:
    """The settings of one space."""

    answering: Answering = Answering.OFF
    channels: tuple[str, ...] = ()
    """Ids of channels, threads or topics; they count while `answering` is LISTED."""
    language: str = ""
    """A language of `bot.texts`; empty: everybody in their own."""
    say_no_face: bool = False
    """Whether a posted picture without faces is answered at all."""
    say_sureness: bool = True
    """Whether answers say in words how sure they are."""
    teachers: tuple[str, ...] = ()
    """Ids of roles and users who may teach, besides those who manage the space."""
    log_channel: str = ""
    """Where changes are told; empty: nowhere."""
    galleries: tuple[str, ...] = ()
    """Shared galleries seen here, of those that the operator offers."""
    false_name_rate: float | None = None
    """How often a stranger may be named; None: as the operator has it."""

    def wants(self, chat: ChatRef, *, mentions_bot: bool) -> bool:
        """Whether a post with pictures is answered there. A private chat is always answered."""
        if chat.private or self.answering is Answering.ALL:
            return True
        if self.answering is Answering.LISTED:
            return chat.channel in self.channels or bool(chat.topic and chat.topic in self.channels)
        return self.answering is Answering.MENTIONED and mentions_bot

    def scopes(self, own: Scope, shared: Iterable[str], options: ChatOptions) -> tuple[Scope, ...]:
        """The galleries seen here: the own, those that every space sees, those chosen and still offered."""
        chosen = [name for name in self.galleries if name in options.offered_galleries]
        return tuple(dict.fromkeys((own, *map(Scope, shared), *map(Scope, chosen))))

    def moved(self, old: ChatRef, new: ChatRef) -> SpaceSettings:
        """The same for a space that has another id now, as a Telegram group does that became a supergroup."""
        names = {old.channel: new.channel}
        return replace(
            self,
            channels=tuple(names.get(channel, channel) for channel in self.channels),
            log_channel=names.get(self.log_channel, self.log_channel),
        )

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SpaceSettings:
        """Those values; what is missing takes its default, what this version does not know is left out."""
        known = {field.name for field in fields(cls)}
        kept: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
            if name in known
        }
        if "answering" in kept:
            kept["answering"] = Answering(kept["answering"])
        return cls(**kept)


def initial_settings(options: ChatOptions) -> SpaceSettings:
    """What counts in a space where nobody has set anything."""
    return SpaceSettings(answering=Answering(options.answering))


def with_setting(
    settings: SpaceSettings, name: str, text: str, *, options: ChatOptions, languages: Iterable[str]
) -> SpaceSettings:
    """The settings with one of them as somebody typed or chose it; an empty text or "none" clears it.

    Lists are separated by commas or spaces; ids may be written as the platform writes mentions. Naming
    channels turns `answering` to LISTED. Raises SettingUnknownError, SettingInvalidError.
    """
    try:
        setting = SettingName(name.strip().casefold())
    except ValueError:
        raise SettingUnknownError(setting=name[:_LONGEST_SHOWN]) from None
    accepted = _accepted(setting, options, tuple(languages))
    try:
        value = _READERS[setting](text.strip(), accepted)
    except ValueError:
        raise SettingInvalidError(
            setting=setting.value, value=text[:_LONGEST_SHOWN], accepted=accepted
        ) from None
    changes: dict[str, Any] = {setting.value: value}
    if setting is SettingName.CHANNELS and value:
        changes["answering"] = Answering.LISTED
    return replace(settings, **changes)


def _accepted(setting: SettingName, options: ChatOptions, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The choices, where there are only so many."""
    match setting:
        case SettingName.ANSWERING:
            return tuple(Answering)
        case SettingName.LANGUAGE:
            return languages
        case SettingName.GALLERIES:
            return options.offered_galleries
        case SettingName.SAY_NO_FACE | SettingName.SAY_SURENESS:
            return "on", "off"
        case _:
            return ()


def _read_answering(text: str, accepted: tuple[str, ...]) -> Answering:
    del accepted
    return Answering(text.casefold())


def _read_choice(text: str, accepted: tuple[str, ...]) -> str:
    word = text.casefold()
    if word in _NOTHING:
        return ""
    if word not in accepted:
        raise ValueError(text)
    return word


def _read_switch(text: str, accepted: tuple[str, ...]) -> bool:
    del accepted
    word = text.casefold()
    if word not in _YES | _NO:
        raise ValueError(text)
    return word in _YES


def _read_names(text: str, accepted: tuple[str, ...]) -> tuple[str, ...]:
    names = _listed(text)
    if any(name not in accepted for name in names):
        raise ValueError(text)
    return names


def _read_id(text: str, accepted: tuple[str, ...]) -> str:
    ids = _read_ids(text, accepted)
    if len(ids) > 1:
        raise ValueError(text)
    return ids[0] if ids else ""


def _read_ids(text: str, accepted: tuple[str, ...]) -> tuple[str, ...]:
    del accepted
    found = [_ID.fullmatch(part) for part in _listed(text)]
    if not all(found):
        raise ValueError(text)
    return tuple(dict.fromkeys(match[1] for match in found if match))


def _listed(text: str) -> tuple[str, ...]:
    if text.casefold() in _NOTHING:
        return ()
    parts = tuple(dict.fromkeys(part for part in re.split(r"[\s,、，;]+", text) if part))
    if len(parts) > _LONGEST_LIST:
        raise ValueError(text)
    return parts


def _read_rate(text: str, accepted: tuple[str, ...]) -> float | None:
    """A share (0.01) or a percentage (1 %)."""
    del accepted
    if text.casefold() in _NOTHING:
        return None
    number = text.removesuffix("%").removesuffix("％").strip()
    rate = float(number.replace(",", ".")) / (1 if number == text else 100)
    if not LOWEST_FALSE_NAME_RATE <= rate <= HIGHEST_FALSE_NAME_RATE:
        raise ValueError(text)
    return rate


_READERS: Mapping[SettingName, Callable[[str, tuple[str, ...]], object]] = {
    SettingName.ANSWERING: _read_answering,
    SettingName.CHANNELS: _read_ids,
    SettingName.LANGUAGE: _read_choice,
    SettingName.SAY_NO_FACE: _read_switch,
    SettingName.SAY_SURENESS: _read_switch,
    SettingName.TEACHERS: _read_ids,
    SettingName.LOG_CHANNEL: _read_id,
    SettingName.GALLERIES: _read_names,
    SettingName.FALSE_NAME_RATE: _read_rate,
}
