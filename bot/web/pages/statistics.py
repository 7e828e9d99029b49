"""What is enrolled and how it goes, in figures and plots."""

from __future__ import annotations

import bisect
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from aiohttp import web

from bot.web import charts
from bot.web.visits import Visit, page
from inference.domain import Character

_BINS = (0, 1, 2, 3, 4, 5, 6, 11, 21, 51, 101)
"""Characters are counted from one of these numbers of samples to just below the next."""
_SERIES = 12
_DAYS, _WEEKS = 31, 26
"""What fits side by side: up to so many days, then so many weeks, then months."""


async def show(visit: Visit) -> web.Response:
    """Raises GalleryUnavailableError, ChatStoreUnavailableError."""
    chat = visit.desk.chat_of(visit.scope)
    characters = await visit.desk.gallery.characters([visit.scope])
    progress = await visit.desk.survey(visit.scope)
    days = await visit.desk.services.store.daily(chat)
    tally = await visit.desk.services.store.tally(chat)
    today = visit.desk.services.now().date()
    say = visit.texts.line
    counts = [one.sample_count for one in characters]
    labels, numbers = samples_per_character(characters)
    named = series_by_samples(characters)
    additions = dict(progress.result.additions) if progress.result else {}
    added = periods({day: (count,) for day, count in additions.items()}, today)
    answers = periods(
        {
            day: (
                day_counts.get("known", 0),
                day_counts.get("unsure", 0),
                day_counts.get("faces", 0) - day_counts.get("known", 0) - day_counts.get("unsure", 0),
            )
            for day, day_counts in days.items()
            if day_counts.get("faces", 0)
        },
        today,
    )
    return visit.render(
        "statistics.html",
        characters=len(characters),
        samples=sum(counts),
        median=statistics.median(counts) if counts else 0,
        series_count=len({one.series for one in characters if one.series}),
        tally=tally,
        whole=chat is None,
        progress=progress,
        address=visit.back,
        per_character=charts.columns(
            labels, {say("web-stats-characters"): numbers}, head=say("web-stats-samples-each")
        ),
        per_series=charts.rows(
            [name or say("web-stats-no-series") for name, _ in named],
            [count for _, count in named],
            head=say("web-stats-series"),
            name=say("web-stats-samples"),
        ),
        added=charts.columns(
            [name for name, _ in added],
            {say("web-stats-samples"): [one[0] for _, one in added]},
            head=say("web-stats-when"),
        ),
        answers=charts.columns(
            [name for name, _ in answers],
            {
                say("web-stats-known"): [one[0] for _, one in answers],
                say("web-stats-unsure"): [one[1] for _, one in answers],
                say("web-stats-unknown"): [one[2] for _, one in answers],
            },
            head=say("web-stats-when"),
        ),
        **await visit.gallery_choice("/statistics"),
    )


def samples_per_character(characters: Sequence[Character]) -> tuple[list[str], list[int]]:
    """How many characters have how many samples; numbers beyond the largest there is are left out."""
    bins = Counter(bisect.bisect_right(_BINS, one.sample_count) - 1 for one in characters)
    shown = range(0 if bins[0] else 1, max(bins, default=1) + 1)
    return [_range(place) for place in shown], [bins[place] for place in shown]


def _range(place: int) -> str:
    first = _BINS[place]
    if place + 1 == len(_BINS):
        return f"{first}+"
    last = _BINS[place + 1] - 1
    return str(first) if first == last else f"{first}–{last}"


def series_by_samples(characters: Sequence[Character]) -> list[tuple[str, int]]:
    """The series with most samples, most first; characters without a series count as the series ""."""
    samples: Counter[str] = Counter()
    for one in characters:
        samples[one.series] += one.sample_count
    return sorted(samples.items(), key=lambda one: (-one[1], one[0]))[:_SERIES]


def periods(days: Mapping[date, tuple[int, ...]], today: date) -> list[tuple[str, tuple[int, ...]]]:
    """From the first day to today without a gap, by day, week (its Monday) or month: what leaves few enough.

    Without any day there are no periods.
    """
    if not days:
        return []
    width = len(next(iter(days.values())))
    first, last = min(days), max(today, *days)
    span = (last - first).days + 1
    if span <= _DAYS:
        starts = [first + timedelta(days=number) for number in range(span)]
        names = [start.isoformat() for start in starts]
    elif span <= _WEEKS * 7:
        monday = first - timedelta(days=first.weekday())
        starts = [monday + timedelta(days=7 * number) for number in range((last - monday).days // 7 + 1)]
        names = [start.isoformat() for start in starts]
    else:
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        starts = [date(month // 12, month % 12 + 1, 1) for month in months]
        names = [f"{start:%Y-%m}" for start in starts]
    sums = [[0] * width for _ in starts]
    for day, counts in days.items():
        one = sums[bisect.bisect_right(starts, day) - 1]
        for place, count in enumerate(counts):
            one[place] += count
    return [(name, tuple(one)) for name, one in zip(names, sums, strict=True)]


ROUTES = (page("/g/{scope}/statistics", show),)
