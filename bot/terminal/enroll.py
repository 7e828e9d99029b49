"""`enroll`: teach the gallery characters from picture files."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from pathlib import Path

from bot.core import open_face_service
from bot.terminal.output import problem, progress, remark, say
from bot.terminal.pictures import in_order, picture_files, read_picture, write_file
from config.options import Options
from config.settings import Settings
from inference.domain import Character, Match, Scope
from inference.enroll import EnrollAnswer, EnrollRequest
from inference.errors import (
    AmbiguousFacesError,
    AppError,
    ClosedSetError,
    SampleExistsError,
    TransientError,
)
from inference.service import FaceService

_AHEAD = 16
ACTOR = "command line"


async def enroll(arguments: Namespace, settings: Settings) -> int:
    """Enroll every picture that can be, say why for the others. Returns the exit code."""
    options = settings.options
    paths = picture_files(arguments.paths)
    if not paths:
        remark("There is no picture in there.")
        return 1
    failed = added = known = 0
    async with open_face_service(options, credentials=settings.secrets, warm=False) as service:

        async def one(path: Path) -> EnrollAnswer | AppError:
            return await _enroll_file(service, path, arguments, options)

        with progress("Learning", len(paths)) as advance:
            async for path, answer in in_order(paths, one, ahead=_AHEAD):
                if isinstance(answer, EnrollAnswer):
                    added += 1
                    _report(answer)
                elif isinstance(answer, SampleExistsError) and answer.data["character"] == arguments.name:
                    known += 1
                else:
                    failed += 1
                    problem(answer, subject=str(path))
                    if isinstance(answer, AmbiguousFacesError):
                        await _help_choosing(service, path, options)
                advance(added + known + failed)
    if len(paths) > 1 or known:
        say(f"{added} added, {known} enrolled already, {failed} not usable.")
    return 1 if failed else 0


async def _enroll_file(
    service: FaceService, path: Path, arguments: Namespace, options: Options
) -> EnrollAnswer | AppError:
    try:
        data = await asyncio.to_thread(read_picture, path, options.images)
        request = EnrollRequest(
            arguments.name,
            arguments.series,
            tuple(arguments.alias),
            face=arguments.face,
            actor=ACTOR,
            source=path.name,
        )
        return await service.enroll(data, Scope(arguments.gallery), request)
    except (TransientError, ClosedSetError):  # the next picture would fare no better
        raise
    except AppError as error:
        return error


def hint_at_merging(character: Character, looks_like: Match | None) -> None:
    """Say it when a new sample would have been named as another character."""
    if looks_like is not None:
        other = looks_like.character
        remark(
            f"  It also looks like {other.display_name}. If they are one, "
            f"`merge {other.name!r} {character.name!r}` joins them."
        )


def _report(answer: EnrollAnswer) -> None:
    character = answer.enrolled.character
    say(f"Added sample {character.sample_count} of {character.display_name}")
    hint_at_merging(character, answer.looks_like)


async def _help_choosing(service: FaceService, path: Path, options: Options) -> None:
    preview = await service.preview_faces(await asyncio.to_thread(read_picture, path, options.images))
    target = options.data_dir / "previews" / f"{path.stem}.{preview.picture.suffix}"
    await asyncio.to_thread(write_file, target, preview.picture.data)
    remark(f"  {target} numbers its faces; choose one with --face NUMBER.")
