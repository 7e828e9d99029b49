"""`identify PATH...`: who is in these pictures?"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.core import open_face_service
from bot.terminal.output import problem, progress, remark, say, say_json
from bot.terminal.pictures import in_order, patient, picture_files, read_picture, write_file
from config.options import Options
from config.settings import Settings
from inference.domain import Decision, FaceResult, Identification, Scope
from inference.errors import AppError
from inference.service import Answer, FaceService

_AHEAD = 32  # pictures worked on at once, so that batches fill


async def identify(arguments: Namespace, settings: Settings) -> int:
    """Print who is in each picture, in order; keep going past bad files. Returns the exit code."""
    options = settings.options
    files = picture_files(arguments.paths)
    if not files:
        remark("There is no picture in there.")
        return 1
    if len(files) > 1 and not options.service.url:  # a service keeps deadlines of its own
        options = patient(options, ahead=_AHEAD)
    scopes = (Scope(arguments.gallery), *map(Scope, options.gallery.shared))
    failed = 0
    async with open_face_service(
        options, credentials=settings.secrets, read_only=True, warm=False
    ) as service:

        async def one(path: Path) -> Answer | AppError:
            return await _identify_file(
                service, path, options, scopes, top=arguments.top, draw=arguments.out is not None
            )

        names = _OutputNames()
        with progress("Looking", len(files)) as advance:
            done = 0
            async for path, answer in in_order(files, one, ahead=_AHEAD):
                failed += isinstance(answer, AppError)
                _print(path, answer, as_json=arguments.json, top=arguments.top)
                if arguments.out is not None and isinstance(answer, Answer):
                    await asyncio.to_thread(_save, answer, arguments.out, names.name(path))
                done += 1
                advance(done)
    return 1 if failed else 0


async def _identify_file(
    service: FaceService,
    path: Path,
    options: Options,
    scopes: Sequence[Scope],
    *,
    top: int | None,
    draw: bool,
) -> Answer | AppError:
    try:
        data = await asyncio.to_thread(read_picture, path, options.images)
        return await service.identify(data, scopes, top=top, draw=draw)
    except AppError as error:
        return error


class _OutputNames:
    """Names of annotated pictures; pictures of one name from several folders do not overwrite each other."""

    def __init__(self) -> None:
        self._used: dict[str, int] = {}

    def name(self, path: Path) -> str:
        count = self._used.get(path.stem, 0)
        self._used[path.stem] = count + 1
        return path.stem if count == 0 else f"{path.stem}-{count + 1}"


def _save(answer: Answer, folder: Path, name: str) -> None:
    if answer.picture is None:
        return
    target = folder / f"{name}.{answer.picture.suffix}"
    write_file(target, answer.picture.data)
    remark(f"Wrote {target}")


def _print(path: Path, answer: Answer | AppError, *, as_json: bool, top: int | None) -> None:
    if as_json:
        say_json(as_record(path, answer))
    elif isinstance(answer, AppError):
        problem(answer, subject=str(path))
    else:
        for line in _lines(path, answer.identification, top=top):
            say(line)


def as_record(path: Path, answer: Answer | AppError) -> Mapping[str, object]:
    """The JSON object of one picture, as the command line's contract lays down."""
    if isinstance(answer, AppError):
        return {
            "image": str(path),
            "width": None,
            "height": None,
            "faces": [],
            "timings_ms": {},
            "error": {"code": answer.code, "message": str(answer)},
        }
    seen = answer.identification
    return {
        "image": str(path),
        "width": seen.width,
        "height": seen.height,
        "faces": [
            {
                "box": [round(value, 1) for value in face.detection.box.xyxy],
                "score": round(face.detection.score, 4),
                "decision": face.decision.value,
                "name": face.character.name if face.decision is Decision.KNOWN and face.character else None,
                "matches": [
                    # What the threshold is compared with, and what they are ordered by.
                    {"name": match.character.name, "similarity": round(match.likeness, 4)}
                    for match in face.matches
                ],
            }
            for face in seen.faces
        ],
        "timings_ms": {stage: round(value, 1) for stage, value in seen.timings_ms.items()},
        "error": None,
    }


def _lines(path: Path, seen: Identification, *, top: int | None) -> list[str]:
    count = len(seen.faces)
    lines = [f"{path}: {'no face' if count == 0 else '1 face' if count == 1 else f'{count} faces'}"]
    for number, face in enumerate(seen.faces, start=1):
        lines.append(f"  {number}. {_in_words(face)}")
        if top is not None:
            lines.extend(
                f"       {match.likeness:+.3f}  {match.character.display_name}" for match in face.matches
            )
    return lines


def _in_words(face: FaceResult) -> str:
    match face.decision:
        case Decision.KNOWN if face.character:
            return face.character.display_name
        case Decision.UNSURE if face.character:
            return f"perhaps {face.character.display_name}"
        case _:
            return "unknown"
