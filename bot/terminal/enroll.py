"""`enroll`: teach the gallery characters from picture files."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.terminal.output import problem, progress, remark, say
from bot.terminal.pictures import folders_in, in_order, picture_files, read_picture, write_file
from config.options import Options
from config.settings import Settings
from inference.domain import Scope
from inference.enroll import EnrollAnswer, EnrollRequest
from inference.errors import AmbiguousFacesError, AppError, SampleExistsError, TransientError
from inference.service import LocalFaceService, open_face_service

_AHEAD = 16
ACTOR = "command line"


@dataclass(frozen=True, slots=True)
class _Job:
    path: Path
    name: str


async def enroll(arguments: Namespace, settings: Settings) -> int:
    """Enroll every picture that can be, say why for the others. Returns the exit code."""
    options = settings.options
    jobs = list(_jobs(arguments))
    if not jobs:
        remark("There is no picture in there.")
        return 1
    failed = added = known = 0
    async with open_face_service(options) as service:

        async def one(job: _Job) -> EnrollAnswer | AppError:
            return await _enroll_file(service, job, arguments, options)

        with progress("Learning", len(jobs)) as advance:
            async for job, answer in in_order(jobs, one, ahead=_AHEAD):
                if isinstance(answer, EnrollAnswer):
                    added += 1
                    _report(answer)
                elif isinstance(answer, SampleExistsError) and answer.data["character"] == job.name:
                    known += 1
                else:
                    failed += 1
                    problem(answer, subject=str(job.path))
                    if isinstance(answer, AmbiguousFacesError):
                        await _help_choosing(service, job.path, options)
                advance(added + known + failed)
    if len(jobs) > 1 or known:
        say(f"{added} added, {known} enrolled already, {failed} not usable.")
    return 1 if failed else 0


def _jobs(arguments: Namespace) -> Iterator[_Job]:
    if arguments.folder is not None:
        for folder in folders_in(arguments.folder):
            for path in picture_files([folder]):
                yield _Job(path, folder.name)
    else:
        for path in picture_files(arguments.paths):
            yield _Job(path, arguments.name)


async def _enroll_file(
    service: LocalFaceService, job: _Job, arguments: Namespace, options: Options
) -> EnrollAnswer | AppError:
    try:
        data = await asyncio.to_thread(read_picture, job.path, options.images)
        request = EnrollRequest(
            job.name,
            arguments.series,
            tuple(arguments.alias),
            face=arguments.face,
            actor=ACTOR,
            source=job.path.name,
        )
        return await service.enroll(data, Scope(arguments.gallery), request)
    except TransientError:
        raise
    except AppError as error:
        return error


def _report(answer: EnrollAnswer) -> None:
    character = answer.enrolled.character
    say(f"Added sample {character.sample_count} of {character.display_name}")
    if answer.looks_like is not None:
        other = answer.looks_like.character
        remark(
            f"  It also looks like {other.display_name}. If they are one, "
            f"`merge {other.name!r} {character.name!r}` joins them."
        )


async def _help_choosing(service: LocalFaceService, path: Path, options: Options) -> None:
    preview = await service.preview_faces(await asyncio.to_thread(read_picture, path, options.images))
    target = options.data_dir / "previews" / f"{path.stem}.{preview.picture.suffix}"
    await asyncio.to_thread(write_file, target, preview.picture.data)
    remark(f"  {target} numbers its faces; choose one with --face NUMBER.")
