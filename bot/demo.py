"""The demonstration of `run` without a token: a drawn cast is enrolled, then named in a group picture."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

from bot.terminal.output import progress, say
from config.options import Options
from inference.domain import Decision, Scope
from inference.drawing import DrawnCharacter, draw_cast, draw_group, draw_portrait
from inference.enroll import EnrollRequest
from inference.errors import SampleExistsError
from inference.images import encode
from inference.service import LocalFaceService, open_face_service

_CAST = 6  # enrolled characters
_PORTRAITS = 3  # pictures each is enrolled with
_SCOPE = Scope("demo")
_SEED = 5


async def show_demonstration(options: Options) -> int:
    """Draw, enroll, identify, and say where the answer is. Returns the exit code."""
    folder = options.data_dir / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    *cast, stranger = draw_cast(_CAST + 1, seed=_SEED)
    say(f"Dareda draws {_CAST} characters of its own, learns them from {_PORTRAITS} pictures each,")
    say("and names them in a new picture, with a stranger among them.\n")
    async with open_face_service(replace(options, data_dir=folder)) as service:
        await _enroll_cast(service, cast, folder)
        group = await asyncio.to_thread(draw_group, [*cast, stranger], seed=_SEED)
        picture = await asyncio.to_thread(encode, group.image, format="png")
        await asyncio.to_thread(_write, folder / "group.png", picture)
        answer = await service.identify(picture, [_SCOPE])
    for face in answer.identification.faces:
        if face.decision is Decision.KNOWN and face.character:
            say(f"  {face.character.display_name}")
        else:
            say("  unknown")
    if answer.picture is None:
        say(
            "No face was found in the drawn picture: something is wrong; `python bot.py doctor` looks closer."
        )
        return 1
    annotated = folder / f"group-named.{answer.picture.suffix}"
    await asyncio.to_thread(annotated.write_bytes, answer.picture.data)
    say(f"\nThe answer is at {annotated.absolute()}\n")
    say(_HOW_TO_GO_ON)
    return 0


_HOW_TO_GO_ON = """\
Go on with your own pictures (PY is .venv/bin/python):
  PY bot.py enroll --name "Her Name" --series "Her Series" picture.png ...
  PY bot.py enroll --from FOLDER          one folder of pictures per character
  PY bot.py identify picture.png --out answers
  PY bot.py run                           in a terminal: the web console, to do all of that in a browser
  PY bot.py doctor                        what is set up, and what is not"""


async def _enroll_cast(service: LocalFaceService, cast: list[DrawnCharacter], folder: Path) -> None:
    with progress("Drawing and learning", len(cast) * _PORTRAITS) as advance:
        done = 0
        for character in cast:
            learned = 0
            for seed in count(1):
                portrait = await asyncio.to_thread(draw_portrait, character, seed=seed)
                picture = await asyncio.to_thread(encode, portrait.image, format="png")
                with suppress(SampleExistsError):  # too like an earlier drawing: draw another
                    await service.enroll(picture, _SCOPE, EnrollRequest(character.name, character.series))
                    path = folder / "cast" / character.name / f"{learned + 1}.png"
                    await asyncio.to_thread(_write, path, picture)
                    learned += 1
                    advance(done := done + 1)
                if learned == _PORTRAITS:
                    break


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
