"""Pictures for a person to look at: review.csv, and index.html that shows them with their boxes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from inference.domain import ImageRGB
from inference.images import encode
from inference.scaling import resized
from training.dataset.manifest import LabelledPicture
from training.dataset.pseudo_labels import doubt

_SIDE = 480  # pixels of a thumbnail's longer side
_QUALITY = 80
_THUMBNAILS = "thumbnails"
_STYLE = """
:root { color-scheme: light dark } body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)) }
figure { margin: 0; border: 1px solid #8886; border-radius: .5rem; overflow: hidden }
svg { width: 100%; height: auto; display: block }
figcaption { padding: .5rem .75rem; overflow-wrap: anywhere }
rect { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke }
.pseudo { stroke: #19c37d } .unsure { stroke: #ff8c1a; stroke-dasharray: 5 3 }
text { font: 600 14px system-ui, sans-serif; fill: #fff; stroke: #000; stroke-width: 3;
  paint-order: stroke }
"""


@dataclass(frozen=True, slots=True)
class _Doubtful:
    picture: LabelledPicture
    reason: str
    thumbnail: str
    """Relative to the folder of the review."""

    @property
    def highest_unsure(self) -> float:
        scores = (face.score or 0.0 for face in self.picture.faces if face.state == "unsure")
        return max(scores, default=0.0)


class Review:
    """Collects the doubtful ones of the pictures that a detector labelled."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._doubtful: list[_Doubtful] = []

    def consider(self, picture: LabelledPicture, image: ImageRGB) -> None:
        """Note the picture if there is a doubt; `image` is its pixels."""
        reason = doubt(picture)
        if reason is None:
            return
        name = f"{_THUMBNAILS}/{len(self._doubtful):05}.jpg"
        width, height = _shown_wh(picture)
        (self._folder / _THUMBNAILS).mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_bytes(
            encode(resized(image, width, height), format="jpeg", quality=_QUALITY)
        )
        self._doubtful.append(_Doubtful(picture, reason, name))

    def write(self) -> Path:
        """Both files, pictures with the likeliest of the unsure boxes first. Returns the page's path."""
        self._folder.mkdir(parents=True, exist_ok=True)
        entries = sorted(self._doubtful, key=lambda entry: -entry.highest_unsure)
        with (self._folder / "review.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["image", "reason", "scores", "thumbnail"])
            for entry in entries:
                scores = " ".join(f"{face.score or 0:.3f}" for face in entry.picture.faces)
                table.writerow([entry.picture.path.as_posix(), entry.reason, scores, entry.thumbnail])
        page = self._folder / "index.html"
        page.write_text(_page(entries), encoding="utf-8")
        return page


def _shown_wh(picture: LabelledPicture) -> tuple[int, int]:
    scale = min(1.0, _SIDE / max(picture.width, picture.height))
    return max(1, round(picture.width * scale)), max(1, round(picture.height * scale))


def _page(entries: Sequence[_Doubtful]) -> str:
    title = f"{len(entries):,} pictures to look at"
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>"
        "<p>Solid green boxes are taken for faces; dashed orange ones, with their score, are unsure.</p>"
        f"<main>{''.join(map(_figure, entries))}</main></html>\n"
    )


def _figure(entry: _Doubtful) -> str:
    width, height = _shown_wh(entry.picture)
    marks = []
    for face in entry.picture.faces:
        box = face.box.scaled(width / entry.picture.width)
        marks.append(
            f'<rect class="{face.state}" x="{box.x1:.1f}" y="{box.y1:.1f}" '
            f'width="{box.width:.1f}" height="{box.height:.1f}"/>'
        )
        if face.state == "unsure":
            top = max(14.0, box.y1 - 4)
            marks.append(f'<text x="{box.x1:.1f}" y="{top:.1f}">{face.score or 0:.2f}</text>')
    return (
        f'<figure><svg viewBox="0 0 {width} {height}">'
        f'<image href="{entry.thumbnail}" width="{width}" height="{height}"/>{"".join(marks)}</svg>'
        f"<figcaption>{escape(entry.picture.path.name)}<br>{escape(entry.reason)}</figcaption></figure>"
    )
