"""The `[calibration]` table of a pack's manifest.toml: written as text, so that the rest stays as it is.

The one table is replaced in the text, which keeps every comment and the order of the file without one more
library; the outcome is parsed again and compared, so that a file that is written in an unexpected way is
refused instead of damaged.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

from inference.decide import CalibrationPoint
from inference.models import load_manifest
from inference.models.manifest import MANIFEST_NAME, CalibrationTable
from inference.models.tables import read_table
from training.errors import TrainingError

_HEADER = re.compile(r"^\[calibration\][ \t]*(#.*)?$", re.MULTILINE)
_NEXT_HEADER = re.compile(r"^\[[^\[\]\n]+\][ \t]*(#.*)?$", re.MULTILINE)


def toml_table(
    points: Sequence[CalibrationPoint],
    *,
    measured_on: str,
    flip_average: bool,
    gallery_characters: int,
    contract: str,
    rivals: float,
) -> str:
    """The `[calibration]` table of a manifest."""
    lines = [
        "[calibration]",
        f'measured_on = "{measured_on}"',
        f"flip_average = {str(flip_average).lower()}",
        f"gallery_characters = {gallery_characters}",
        f'contract = "{contract}"',
        f"rivals = {rivals:.4f}",
        "points = [",
        *(
            f"    {{ samples = {p.samples}, false_name_rate = {p.false_name_rate:g}, "
            f"threshold = {p.threshold:g}, margin = {p.margin:g} }},"
            for p in points
        ),
        "]",
    ]
    return "\n".join(lines) + "\n"


def write_calibration(folder: Path, table: str) -> Path:
    """Put the table in place of the one in the manifest of the pack in that folder, whole or not at all.

    Raises TrainingError when the manifest is not written the way that this can change.
    """
    path = folder / MANIFEST_NAME
    old = path.read_text(encoding="utf-8")
    new = _replaced(old, table, path)
    wanted = tomllib.loads(table)["calibration"]
    read_table(wanted, CalibrationTable)
    if tomllib.loads(new) != tomllib.loads(old) | {"calibration": wanted}:
        raise TrainingError(
            f"{path}: the calibration cannot be replaced; put the printed table there by hand"
        )
    part = path.with_name(f"{path.name}.part")
    part.write_text(new, encoding="utf-8", newline="\n")
    part.replace(path)
    load_manifest(folder)
    return path


def _replaced(text: str, table: str, path: Path) -> str:
    start = _HEADER.search(text)
    if start is None:
        raise TrainingError(f"{path}: it has no [calibration] table of its own to replace")
    after = _NEXT_HEADER.search(text, start.end())
    body = text[start.start() : after.start() if after else len(text)]
    # Comments right above the next table belong to that one.
    own = re.sub(r"(?:[ \t]*(?:#.*)?\n)*\Z", "", body)
    return (
        text[: start.start()]
        + table.rstrip("\n")
        + body[len(own) :]
        + (text[after.start() :] if after else "")
    )
