"""The report folder: report.json, and index.html that needs nothing beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #fff; --ink: #23222a; --faint: #6c6a78;
  --grid: #dedce4; --series-1: #3866c4; --series-2: #d2562b; --series-3: #2f8f5b; --series-4: #9a4fb3;
  --series-5: #b8860b; --series-6: #4a8fa3; }
@media (prefers-color-scheme: dark) { :root { --ground: #17171c; --card: #202028; --ink: #e9e7ef;
  --faint: #a2a0af; --grid: #3a3945; --series-1: #82a8ff; --series-2: #ff9468; --series-3: #6fd19c;
  --series-4: #d59aee; --series-5: #e6bd55; --series-6: #86cbe0; } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; background: var(--ground);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.7rem; margin: 0 0 .25rem } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem }
p { margin: .25rem 0 .75rem; max-width: 48rem } .faint { color: var(--faint); font-size: .875rem }
.tiles, .plots, .pairs { display: grid; gap: 1rem }
.tiles { grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)) }
.scroll + .plots { margin-top: 1rem }
.plots { grid-template-columns: repeat(auto-fill, minmax(min(26rem, 100%), 1fr)) }
.wide { grid-column: 1 / -1 }
.pairs { grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)) }
.tile, figure, .pair, .scroll { background: var(--card); border: 1px solid var(--grid); border-radius: .6rem }
.tile, figure, .pair { padding: .9rem 1rem; margin: 0 }
.tile b { display: block; font-size: 1.7rem; font-variant-numeric: tabular-nums }
figure svg { width: 100%; height: auto; display: block } figcaption { font-weight: 600; margin-bottom: .5rem }
.pair img { width: 47%; aspect-ratio: 1; border-radius: .35rem } .pair div { display: flex; gap: 6% }
.pair p { margin: .5rem 0 0; font-size: .875rem; overflow-wrap: anywhere }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { padding: .4rem .8rem; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left } thead th { color: var(--faint); font-weight: 600;
  white-space: normal; vertical-align: bottom }
tbody tr { border-top: 1px solid var(--grid) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .9rem }
dt { color: var(--faint) } dd { margin: 0; overflow-wrap: anywhere }
"""


@dataclass(frozen=True, slots=True)
class Tile:
    """A headline figure."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Plot:
    caption: str
    svg: str
    wide: bool = False
    """As wide as the page."""


@dataclass(frozen=True, slots=True)
class PicturePair:
    """Two pictures as `data:` addresses, and what is to be said of them."""

    left: str
    right: str
    caption: str


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    note: str = ""
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    pairs: Sequence[PicturePair] = ()


@dataclass(frozen=True, slots=True)
class Page:
    title: str
    protocol: str
    """How everything on the page was measured, in a sentence or two."""
    facts: Mapping[str, str]
    tiles: Sequence[Tile]
    sections: Sequence[Section]


def write_report(folder: Path, page: Page, figures: Mapping[str, Any]) -> None:
    """Write both files, the figures as JSON with null for what could not be measured."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {"title": page.title, "protocol": page.protocol, **page.facts, **figures}
    text = json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(f"{text}\n", encoding="utf-8")
    (folder / "index.html").write_text(_html(page), encoding="utf-8")


def percent(value: float, digits: int = 1) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.{digits}f} %"


def with_interval(value: float, low: float, high: float, digits: int = 1) -> str:
    return f"{percent(value, digits)} ({100 * low:.{digits}f}–{100 * high:.{digits}f})"


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _html(page: Page) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in page.facts.items())
    tiles = "".join(
        f'<div class="tile">{escape(tile.name)}<b>{escape(tile.value)}</b>'
        f'<span class="faint">{escape(tile.note)}</span></div>'
        for tile in page.tiles
    )
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(page.title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(page.title)}</h1><p>{escape(page.protocol)}</p><dl>{facts}</dl>"
        f'<div class="tiles">{tiles}</div>{"".join(map(_section, page.sections))}</html>\n'
    )


def _section(section: Section) -> str:
    parts = [f"<section><h2>{escape(section.title)}</h2>"]
    if section.note:
        parts.append(f'<p class="faint">{escape(section.note)}</p>')
    parts += map(_table, section.tables)
    if section.plots:
        parts.append(f'<div class="plots">{"".join(map(_plot, section.plots))}</div>')
    if section.pairs:
        pairs = (
            f'<div class="pair"><div><img src="{pair.left}" alt=""><img src="{pair.right}" alt=""></div>'
            f"<p>{escape(pair.caption)}</p></div>"
            for pair in section.pairs
        )
        parts.append(f'<div class="pairs">{"".join(pairs)}</div>')
    return "".join([*parts, "</section>"])


def _plot(plot: Plot) -> str:
    caption = f"<figcaption>{escape(plot.caption)}</figcaption>" if plot.caption else ""
    opened = '<figure class="wide">' if plot.wide else "<figure>"
    return f"{opened}{caption}{plot.svg}</figure>"


def _table(table: Table) -> str:
    header = "".join(f"<th>{escape(name)}</th>" for name in table.header)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    return f'<div class="scroll"><table><thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table></div>'
