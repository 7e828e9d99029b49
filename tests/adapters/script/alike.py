"""What two platforms must show alike, without what belongs to one gallery or one account."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import replace
from typing import Any

from tests.adapters.script.side import Seen

_CHANGE = re.compile(
    r"^\d+ · .+? · (\w+) \((?:discord|telegram):\d+\) · (.+?)(?: number \d+)?$", re.MULTILINE
)
"""A line of the history. Both galleries count their changes together, and people have ids of their own."""


def comparable(seen: Seen | None) -> tuple[Seen, list[bytes | list[Any]]] | None:
    """To be compared with what the other platform's people saw; None for silence."""
    if seen is None:
        return None
    files = [_archived(data) if data.startswith(b"PK") else data for data in seen.files]
    return replace(seen, text=_CHANGE.sub(r"\1 · \2", seen.text), files=()), files


def _archived(data: bytes) -> list[Any]:
    """Who is in an archive and by which faces; ids are random."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        characters, faces = (
            [json.loads(line) for line in archive.read(name).splitlines()]
            for name in ("characters.jsonl", "samples.jsonl")
        )
    named = {one["id"]: [one["name"], one["series"], one["aliases"]] for one in characters}
    return sorted(
        [*named[one["character"]], one["negative"], one["content_hash"], one["box"]] for one in faces
    )
