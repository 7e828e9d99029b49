"""Which sample stands for a character on the console's cards; where none was chosen, her oldest one.

A choice of how things look, so it is kept beside the gallery and not in it: a small JSON file, written anew
with every choice. One that cannot be read is begun again.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from inference.domain import CharacterId, Sample, SampleId
from inference.errors import FileUnwritableError

log = logging.getLogger(__name__)


class Covers:
    """The chosen ones."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chosen = _read(path)
        self._writing = asyncio.Lock()

    def of(self, character: CharacterId, samples: Sequence[Sample]) -> SampleId | None:
        """The cover among the character's samples; None when she has none."""
        chosen = self._chosen.get(character)
        if any(sample.id == chosen for sample in samples):
            return chosen
        return samples[0].id if samples else None

    async def choose(self, character: CharacterId, sample: SampleId) -> None:
        """Raises FileUnwritableError."""
        async with self._writing:
            self._chosen[character] = sample
            try:
                await asyncio.to_thread(self._write, json.dumps({"covers": self._chosen}))
            except OSError as error:
                raise FileUnwritableError(path=str(self._path), reason=str(error)) from error

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_name(self._path.name + ".new")
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(self._path)


def _read(path: Path) -> dict[CharacterId, SampleId]:
    try:
        covers = json.loads(path.read_text(encoding="utf-8"))["covers"]
        return {CharacterId(str(one)): SampleId(str(sample)) for one, sample in covers.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        log.warning("covers_unreadable path=%s error=%s", path, error)
        return {}
