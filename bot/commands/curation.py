"""`/rename`, `/alias`, `/merge`, `/split`, `/forget`: changes to characters, all of which can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.chat import Button, Command, OutgoingFile, Reply, Text
from bot.commands.characters import samples_sheet
from bot.commands.given import argument, list_argument, numbers_in
from bot.context import Asker, Given, Services
from bot.errors import ArgumentMissingError, TokenUnknownError
from bot.feedback import undo_button
from bot.remembered import Question
from bot.texts import Strong, join_texts
from inference.domain import Character, Sample, SampleId
from inference.gallery.base import Changed
from inference.gallery.names import name_key


async def rename(services: Services, asker: Asker, command: Command) -> Reply:
    """The old name stays as an alias."""
    asker.require_teacher()
    character = await services.character(asker, argument(command, "character"))
    changed = await services.gallery.rename(
        asker.scope,
        character.id,
        argument(command, "new_name"),
        series=argument(command, "series") or None,
        actor=asker.signature,
    )
    text = asker.texts.say("renamed", old=Strong(character.name), name=Strong(changed.character.display_name))
    return await _done(services, asker, text, changed)


async def alias(services: Services, asker: Asker, command: Command) -> Reply:
    """Other names are added and removed. Raises ArgumentMissingError when neither is given."""
    asker.require_teacher()
    character = await services.character(asker, argument(command, "character"))
    added, removed = list_argument(command, "add"), list_argument(command, "remove")
    if not added and not removed:
        raise ArgumentMissingError(parameter="add")
    gone = {name_key(name) for name in removed}
    kept = [name for name in character.aliases if name_key(name) not in gone]
    changed = await services.gallery.set_aliases(
        asker.scope, character.id, [*kept, *added], actor=asker.signature
    )
    names = [Strong(name) for name in changed.character.aliases]
    name = Strong(changed.character.display_name)
    text = (
        asker.texts.say("aliases-are", name=name, names=names)
        if names
        else asker.texts.say("aliases-none", name=name)
    )
    return await _done(services, asker, text, changed)


async def merge(services: Services, asker: Asker, command: Command) -> Reply:
    """Two characters that are one."""
    asker.require_teacher()
    gone = await services.character(asker, argument(command, "character"))
    kept = await services.character(asker, argument(command, "into"))
    changed = await services.gallery.merge(asker.scope, gone.id, kept.id, actor=asker.signature)
    text = asker.texts.say(
        "merged",
        gone=Strong(gone.name),
        name=Strong(changed.character.display_name),
        count=changed.character.sample_count,
    )
    return await _done(services, asker, text, changed)


async def split(services: Services, asker: Asker, command: Command) -> Reply:
    """Some samples, by their numbers on the character's sheet, become somebody else's."""
    asker.require_teacher()
    character = await services.character(asker, argument(command, "character"))
    chosen = await _chosen_samples(services, asker, character, argument(command, "samples"))
    changed = await services.gallery.move_samples(
        asker.scope,
        character.id,
        [sample.id for sample in chosen],
        argument(command, "new_name"),
        series=argument(command, "series"),
        actor=asker.signature,
    )
    text = asker.texts.say(
        "split",
        name=Strong(character.name),
        new=Strong(changed.character.display_name),
        count=len(chosen),
    )
    return await _done(services, asker, text, changed)


async def forget(services: Services, asker: Asker, command: Command) -> Reply:
    """Asks whether the character, or samples of her, are really to go."""
    asker.require_teacher()
    character = await services.character(asker, argument(command, "character"))
    numbers = argument(command, "samples")
    chosen = await _chosen_samples(services, asker, character, numbers) if numbers else []
    ids = [str(sample.id) for sample in chosen]
    token = await services.ask(asker, "forget", {"id": character.id, "samples": list(ids)})
    say = asker.texts
    name = Strong(character.display_name)
    files: tuple[OutgoingFile, ...] = ()
    if numbers:
        text = say.say("ask-forget-samples", name=name, count=len(ids))
        shown = numbers_in(numbers, character.sample_count, "samples")
        files = (await samples_sheet(services, asker, character.id, shown),)
    else:
        text = say.say("ask-forget", name=name, count=character.sample_count)
    days = services.options.gallery.undo_days
    buttons = [
        Button(say.line("button-forget-for-good"), f"{token}:for-good", "bad"),
        Button(say.line("button-cancel"), f"{token}:cancel"),
    ]
    if days:
        text = join_texts([text, say.say("forget-undo-days", count=days)], " ")
        buttons.insert(0, Button(say.line("button-forget"), f"{token}:forget", "bad"))
    return Reply(text, files=files, buttons=(tuple(buttons),))


async def forget_confirmed(services: Services, asker: Asker, question: Question, given: Given) -> Reply:
    """What was asked about goes, or nothing does."""
    asker.require_teacher()
    if given.choice == "cancel":
        return Reply(asker.texts.say("forget-cancelled"), replaces=True)
    if given.choice not in ("forget", "for-good"):
        raise TokenUnknownError
    for_good = given.choice == "for-good"
    samples = question.data["samples"]
    ids = [SampleId(str(one)) for one in samples] if isinstance(samples, list) else []
    changes = (
        await _forget_samples(services, asker, ids, for_good=for_good)
        if ids
        else [
            await services.gallery.forget(
                asker.scope, str(question.data["id"]), for_good=for_good, actor=asker.signature
            )
        ]
    )
    name = Strong(changes[-1].character.display_name)
    if ids:
        text = asker.texts.say("forgot-samples", name=name, count=len(ids))
    else:
        text = asker.texts.say("forgot", name=name, count=changes[-1].character.sample_count)
    reply = await _done(services, asker, text, *changes, undo=not for_good)
    return replace(reply, replaces=True)


async def _forget_samples(
    services: Services, asker: Asker, ids: Sequence[SampleId], *, for_good: bool
) -> list[Changed]:
    return [
        await services.gallery.forget_sample(asker.scope, one, for_good=for_good, actor=asker.signature)
        for one in ids
    ]


async def _chosen_samples(
    services: Services, asker: Asker, character: Character, numbers: str
) -> list[Sample]:
    samples = await services.gallery.samples([asker.scope], character.id)
    return [samples[number - 1] for number in numbers_in(numbers, len(samples), "samples")]


async def _done(services: Services, asker: Asker, text: Text, *changes: Changed, undo: bool = True) -> Reply:
    """Says what was done, with a button that takes it back."""
    entry_ids = [change.entry_id for change in changes]
    services.changed(asker, text, entry_ids if undo else ())
    return Reply(text, buttons=await undo_button(services, asker, entry_ids) if undo else ())
