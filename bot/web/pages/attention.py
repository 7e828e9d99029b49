"""What in a gallery needs attention, with fixes that take one press and can be taken back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from aiohttp import web

from bot.errors import FormInvalidError
from bot.web.visits import Visit, change, page
from inference.domain import Character, CharacterId, SampleId
from inference.survey.values import Duplicate, Misplaced, Progress, Survey

_PAGE = 12
Matter = Literal["duplicates", "misplaced", "sparse"]
MATTERS: tuple[Matter, ...] = get_args(Matter)
Finding = Duplicate | Misplaced | Character


@dataclass(frozen=True, slots=True)
class Item:
    """A finding as the page lists it."""

    subject: str
    """What is remembered when it is dismissed."""
    finding: Finding


async def show(visit: Visit) -> web.Response:
    """Raises GalleryUnavailableError, ChatStoreUnavailableError."""
    learns = visit.desk.services.faces.learns
    progress: Progress[Survey] = Progress(None, is_current=True, done=None)
    if learns:
        progress = await visit.desk.survey(visit.scope)
    dismissed = await visit.desk.services.store.dismissed(visit.scope)
    lists = {matter: items_of(progress.result, matter) for matter in MATTERS}
    open_ones = {
        matter: [item for item in items if item.subject not in dismissed] for matter, items in lists.items()
    }
    matter = _matter(visit.given("about"), open_ones)
    pages = max(1, math.ceil(len(open_ones[matter]) / _PAGE))
    number = min(visit.number("page"), pages)
    shown = open_ones[matter][(number - 1) * _PAGE : number * _PAGE]
    return visit.render(
        "attention.html",
        learns=learns,
        progress=progress,
        matter=matter,
        counts={name: len(items) for name, items in open_ones.items()},
        items=await _still_true(visit, progress, shown),
        dismissed=[item for item in lists[matter] if item.subject in dismissed][:_PAGE],
        page=number,
        pages=pages,
        address=visit.back,
        address_at=lambda number: _address(visit, matter, number),
        **await visit.gallery_choice("/attention"),
    )


async def fix(visit: Visit) -> web.Response:
    """Make the change that the pressed button stands for.

    Raises FormInvalidError, CharacterNotFoundError, SampleNotFoundError, MergeSelfError, ClosedSetError.
    """
    form, gallery, scope = visit.form, visit.desk.gallery, visit.scope
    store = visit.desk.services.store
    entry: int | None = None
    match form.text("do"):
        case "merge":
            source, target = form.text("source", required=True), form.text("target", required=True)
            entry = (await gallery.merge(scope, source, target, actor=visit.signature)).entry_id
        case "move":
            source, target = form.text("source", required=True), form.text("target", required=True)
            samples = [SampleId(form.text("sample", required=True))]
            # By id the source is found whatever it is called now; a target of that id must still be there.
            there = await gallery.character([scope], target)
            changed = await gallery.move_samples(scope, source, samples, there.name, actor=visit.signature)
            entry = changed.entry_id
        case "remove":
            sample = SampleId(form.text("sample", required=True))
            entry = (await gallery.forget_sample(scope, sample, actor=visit.signature)).entry_id
        case "forget":
            source = form.text("source", required=True)
            entry = (await gallery.forget(scope, source, actor=visit.signature)).entry_id
        case "dismiss":
            await store.dismiss(scope, form.text("subject", longest=200, required=True))
        case "restore":
            await store.restore(scope, form.text("subject", longest=200, required=True))
        case _:
            raise FormInvalidError
    address = _address(visit, form.text("about"), visit.number("page"))
    return await visit.done(address, [entry])


def items_of(survey: Survey | None, matter: Matter) -> list[Item]:
    """What the survey says about that matter, in its order."""
    if survey is None:
        return []
    match matter:
        case "duplicates":
            pairs = ((one, sorted((one.character.id, one.other.id))) for one in survey.duplicates)
            return [Item(f"duplicate:{first}:{second}", one) for one, (first, second) in pairs]
        case "misplaced":
            return [
                Item(
                    f"misplaced:{one.sample_id}:{one.character.id}:{one.likely.id if one.likely else ''}", one
                )
                for one in survey.misplaced
            ]
        case "sparse":
            return [Item(f"sparse:{one.id}", one) for one in survey.sparse]


async def _still_true(visit: Visit, progress: Progress[Survey], items: Sequence[Item]) -> list[Item]:
    """Without those whose faces are not where they were when the survey was made."""
    if progress.is_current:
        return list(items)
    samples: dict[CharacterId, frozenset[SampleId]] = {}

    async def has(character: Character, *wanted: SampleId) -> bool:
        if character.id not in samples:
            there = await visit.desk.gallery.samples([visit.scope], character.id)
            samples[character.id] = frozenset(sample.id for sample in there)
        return samples[character.id].issuperset(wanted)

    async def is_true(finding: Finding) -> bool:
        match finding:
            case Duplicate():
                return await has(finding.character, finding.sample_id) and await has(
                    finding.other, finding.other_sample_id
                )
            case Misplaced():
                likely, sample = finding.likely, finding.likely_sample_id
                return await has(finding.character, finding.sample_id, finding.nearest_sample_id) and (
                    likely is None or sample is None or await has(likely, sample)
                )
            case Character():
                await has(finding)
                if not samples[finding.id]:  # without samples, or gone?
                    found = await visit.desk.gallery.characters([visit.scope], query=finding.name)
                    return finding.id in {one.id for one in found}
                return len(samples[finding.id]) == 1

    return [item for item in items if await is_true(item.finding)]


def _matter(wanted: str, open_ones: dict[Matter, list[Item]]) -> Matter:
    """The one that the address names; else the first of which there is something."""
    for matter in MATTERS:
        if matter == wanted:
            return matter
    return next((matter for matter in MATTERS if open_ones[matter]), MATTERS[0])


def _address(visit: Visit, matter: str, number: int) -> str:
    known = matter if matter in MATTERS else MATTERS[0]
    return visit.path(f"/attention?about={known}" + (f"&page={number}" if number > 1 else ""))


ROUTES = (
    page("/g/{scope}/attention", show),
    change("/g/{scope}/attention", fix, shows=show),
)
