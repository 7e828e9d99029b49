"""`/settings`: how Dareda behaves in a space, as a panel to press through or with arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.chat import Button, Command, Form, FormField, Menu, MenuLine, Reply, Text
from bot.commands.given import argument
from bot.context import Asker, Services
from bot.errors import TokenUnknownError
from bot.space_settings import Answering, SettingName, with_setting
from bot.texts import LANGUAGES, Strong, join_texts

PANEL, INTRODUCTION = "s", "i"
"""What tokens begin with: the panel changes in place, the first words in a space stay."""
_TYPE, _HERE, _NOTHING = "type", "here", "none"
_RATES = ("0.001", "0.003", "0.01", "0.03", "0.1")
_SWITCH = {"on": True, "off": False}
_LONGEST_TYPED = 400


async def settings(services: Services, asker: Asker, command: Command) -> Reply:
    """The panel; what is given with the command is changed first.

    Raises NotAllowedError, SettingInvalidError.
    """
    asker.require_manager()
    channel, role = argument(command, "channel"), argument(command, "teachers")
    log_channel = argument(command, "log_channel")
    changes: list[tuple[SettingName, str]] = []
    if channel:
        listed = asker.settings.channels if asker.settings.answering is Answering.LISTED else ()
        changes.append((SettingName.CHANNELS, _toggled(listed, channel)))
    if role:
        changes.append((SettingName.TEACHERS, _toggled(asker.settings.teachers, role)))
    if log_channel:
        changes.append((SettingName.LOG_CHANNEL, log_channel))
    for name, value in changes:
        asker = await _set(services, asker, name, value)
    return _panel(services, asker, changed=bool(changes))


async def press_settings(
    services: Services, asker: Asker, parts: Sequence[str], chosen: str, *, in_place: bool
) -> Reply:
    """A button or menu line of the panel: setting, value. Raises NotAllowedError, TokenUnknownError."""
    asker.require_manager()
    name, value = (*parts, "", "")[:2]
    if name in ("", "panel"):
        reply = _panel(services, asker)
    elif name == "menu":
        reply = _page(services, asker, _setting(chosen))
    else:
        setting = _setting(name)
        value = value or chosen
        if value == _TYPE:
            return Reply(form=_form(asker, setting))
        asker = await _set(services, asker, setting, _value(services, asker, setting, value))
        reply = _panel(services, asker, changed=True)
    return replace(reply, replaces=in_place)


async def submit_setting(
    services: Services, asker: Asker, parts: Sequence[str], fields: Mapping[str, str]
) -> Reply:
    """What was typed for a setting. Raises NotAllowedError, SettingInvalidError."""
    asker.require_manager()
    asker = await _set(services, asker, _setting(parts[0] if parts else ""), fields.get("value", ""))
    return _panel(services, asker, changed=True)


def introduction_buttons(asker: Asker) -> tuple[tuple[Button, ...], ...]:
    """Setup in one press."""
    say = asker.texts.line
    return (
        (
            Button(say("button-answer-all"), f"{INTRODUCTION}:answering:all", "good"),
            Button(say("button-answer-here"), f"{INTRODUCTION}:channels:{_HERE}"),
            Button(say("button-answer-mentioned"), f"{INTRODUCTION}:answering:mentioned"),
        ),
        (Button(say("button-settings"), f"{INTRODUCTION}:panel"),),
    )


async def _set(services: Services, asker: Asker, name: SettingName, value: str) -> Asker:
    """The asker as of then."""
    changed = with_setting(asker.settings, name, value, options=services.chats, languages=LANGUAGES)
    untouched = name is not SettingName.ANSWERING and changed.answering is Answering.OFF
    if untouched and not services.store.is_set_up(asker.chat):
        # Until somebody sets anything, mentions are answered; that stays so.
        changed = replace(changed, answering=Answering.MENTIONED)
    await services.store.set_settings(asker.chat, changed)
    services.names.forget(asker.scope)
    told = services.asker(asker.chat, asker.actor)
    line = told.texts.say(
        "log-setting",
        who=asker.actor.name,
        setting=told.texts.setting_label(name),
        value=_shown(services, told, name),
    )
    services.tell_log(told, line)
    return told


def _value(services: Services, asker: Asker, setting: SettingName, value: str) -> str:
    """What a button or menu line stands for, as somebody would type it."""
    here = asker.chat.topic or asker.chat.channel
    match setting:
        case SettingName.CHANNELS if value == _HERE:
            listed = asker.settings.channels if asker.settings.answering is Answering.LISTED else ()
            return _toggled(listed, here)
        case SettingName.LOG_CHANNEL if value == _HERE:
            return here
        case SettingName.GALLERIES if value.isdecimal():
            offered = services.chats.offered_galleries
            if int(value) >= len(offered):
                raise TokenUnknownError
            return _toggled(asker.settings.galleries, offered[int(value)])
    return value


def _toggled(values: Sequence[str], value: str) -> str:
    kept = [one for one in values if one != value]
    return ",".join(kept if len(kept) < len(values) else [*kept, value])


def _setting(name: str) -> SettingName:
    try:
        return SettingName(name)
    except ValueError:
        raise TokenUnknownError from None


# ── what it looks like ──────────────────────────────────────────────────────────────────────────


def _panel(services: Services, asker: Asker, *, changed: bool = False) -> Reply:
    """All settings with their values, and a menu to change one."""
    names = _offered(services, asker)
    lines = [asker.texts.say("settings-changed") if changed else asker.texts.say("settings-title")]
    lines += [
        asker.texts.say(
            "settings-line",
            setting=asker.texts.setting_label(name),
            value=Strong(_shown(services, asker, name)),
        )
        for name in names
    ]
    menu = Menu(
        f"{PANEL}:menu",
        asker.texts.line("settings-menu"),
        tuple(MenuLine(asker.texts.setting_label(name), name.value) for name in names),
    )
    return Reply(join_texts(lines), menu=menu, private=True)


def _page(services: Services, asker: Asker, name: SettingName) -> Reply:
    """One setting with its choices."""
    texts, prefix = asker.texts, f"{PANEL}:{name}"
    back = (Button(texts.line("button-back"), f"{PANEL}:panel"),)
    text: Text = texts.say(
        "settings-line",
        setting=texts.setting_label(name),
        value=Strong(_shown(services, asker, name)),
    )
    typed = Button(texts.line("button-type"), f"{prefix}:{_TYPE}")
    nothing = Button(texts.line("choice-none"), f"{prefix}:{_NOTHING}")
    here = Button(texts.line("button-this-channel"), f"{prefix}:{_HERE}")
    rows: list[tuple[Button, ...]] = []
    match name:
        case SettingName.ANSWERING:
            kinds = [one for one in Answering if one is not Answering.LISTED]
            rows = [tuple(Button(texts.choice_label(name, one), f"{prefix}:{one}") for one in kinds)]
            rows.append((replace(here, token=f"{PANEL}:channels:{_HERE}"),))
        case SettingName.LANGUAGE:
            values = ("none", *LANGUAGES)
            rows = [tuple(Button(texts.choice_label(name, one), f"{prefix}:{one}") for one in values)]
        case SettingName.SAY_NO_FACE | SettingName.SAY_SURENESS:
            rows = [tuple(Button(texts.choice_label("switch", one), f"{prefix}:{one}") for one in _SWITCH)]
        case SettingName.FALSE_NAME_RATE:
            rates = tuple(Button(_percent(asker, float(one)), f"{prefix}:{one}") for one in _RATES)
            rows = [rates, (Button(texts.line("choice-default"), f"{prefix}:{_NOTHING}"),)]
        case SettingName.CHANNELS | SettingName.LOG_CHANNEL:
            rows = [(here, typed, nothing)]
        case SettingName.TEACHERS:
            rows = [(typed, nothing)]
        case SettingName.GALLERIES:
            offered = services.chats.offered_galleries[:25]
            menu = Menu(
                prefix,
                texts.line("settings-galleries"),
                tuple(MenuLine(gallery, str(place)) for place, gallery in enumerate(offered)),
            )
            return Reply(text, buttons=((nothing,), back), menu=menu, private=True)
    return Reply(text, buttons=(*rows, back), private=True)


def _form(asker: Asker, name: SettingName) -> Form:
    label = asker.texts.setting_label(name)
    value = getattr(asker.settings, name.value)
    typed = ", ".join(value) if isinstance(value, tuple) else str(value or "")
    fields = (FormField("value", asker.texts.line("settings-ids"), typed, False, _LONGEST_TYPED),)
    return Form(f"{PANEL}:{name}", label, fields)


def _offered(services: Services, asker: Asker) -> list[SettingName]:
    """Those that make sense there."""
    left_out = set()
    if asker.chat.private:
        left_out |= {
            SettingName.ANSWERING,
            SettingName.CHANNELS,
            SettingName.SAY_NO_FACE,
            SettingName.TEACHERS,
            SettingName.LOG_CHANNEL,
        }
    if not services.chats.offered_galleries:
        left_out.add(SettingName.GALLERIES)
    return [name for name in SettingName if name not in left_out]


def _shown(services: Services, asker: Asker, name: SettingName) -> str:  # noqa: PLR0911 - one a setting
    """The value in words."""
    settings, texts = asker.settings, asker.texts
    none = texts.line("choice-none")
    match name:
        case SettingName.ANSWERING:
            return texts.choice_label(name, settings.answering)
        case SettingName.LANGUAGE:
            return texts.choice_label(name, settings.language or "none")
        case SettingName.SAY_NO_FACE | SettingName.SAY_SURENESS:
            on = bool(getattr(settings, name.value))
            return texts.choice_label("switch", "on" if on else "off")
        case SettingName.FALSE_NAME_RATE:
            rate = settings.false_name_rate
            return texts.line("choice-default") if rate is None else _percent(asker, rate)
        case SettingName.LOG_CHANNEL:
            return _channels(asker, (settings.log_channel,) if settings.log_channel else ())
        case SettingName.CHANNELS:
            return _channels(asker, settings.channels)
        case SettingName.TEACHERS:
            count = len(settings.teachers)
            return texts.line("settings-teachers", count=count) if count else none
        case SettingName.GALLERIES:
            chosen = [one for one in settings.galleries if one in services.chats.offered_galleries]
            return texts.line("settings-list", values=chosen) if chosen else none


def _channels(asker: Asker, channels: Sequence[str]) -> str:
    if not channels:
        return asker.texts.line("choice-none")
    here = asker.chat.channel in channels or bool(asker.chat.topic and asker.chat.topic in channels)
    return asker.texts.line("settings-channels", count=len(channels), here=str(here).lower())


def _percent(asker: Asker, rate: float) -> str:
    return asker.texts.line("settings-rate", rate=rate)
