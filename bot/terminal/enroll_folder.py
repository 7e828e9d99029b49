"""`enroll --from DIR`: teach the gallery thousands of characters, from one folder of pictures each."""

from __future__ import annotations

import asyncio
import hashlib
import json
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict

from bot.core import require_own_core
from bot.terminal.enroll import ACTOR, hint_at_merging
from bot.terminal.enroll_tally import Tally
from bot.terminal.finished_folders import (
    CharacterFolder,
    FinishedFolders,
    PictureFile,
    list_character_folders,
)
from bot.terminal.output import problem, progress, remark, say
from bot.terminal.pictures import in_order, patient, read_picture
from config.options import Options
from config.settings import Settings
from inference.domain import Character, SampleId, Scope
from inference.enroll import ChosenAnswer, EnrollRequest, Fate, PreparedFace
from inference.errors import (
    AppError,
    ClosedSetError,
    FileUnreadableError,
    SampleExistsError,
    TransientError,
    UserError,
)
from inference.service import LocalFaceService, open_face_service

_AHEAD = 64  # pictures worked on at once, so that batches fill


async def enroll_folder(arguments: Namespace, settings: Settings) -> int:
    """Enroll the best pictures of every character in the folder; say what came of all. Returns the exit code.

    Interrupted, it goes on where it stopped when it is started again.
    """
    options = patient(settings.options, ahead=_AHEAD)
    folders = await asyncio.to_thread(list_character_folders, arguments.folder)
    if not folders:
        remark("There is no picture in there.")
        return 1
    require_own_core(options)
    limit = options.enroll.samples_per_character if arguments.at_most is None else arguments.at_most
    async with open_face_service(options, credentials=settings.secrets) as service:
        rules = _rules(options, limit, service.gallery.contract.id)
        memory = options.gallery_file.with_name(options.gallery_file.name + ".folders")
        with closing(FinishedFolders(memory, rules)) as finished:
            enrollment = _Enrollment(
                service,
                finished,
                options,
                Scope(arguments.gallery),
                series=arguments.series,
                at_most=limit or None,
            )
            await enrollment.run(folders)
    for line in enrollment.tally.lines(limit):
        say(line)
    return 1 if enrollment.tally.unusable else 0


class _Enrollment:
    """One run over the folders."""

    def __init__(
        self,
        service: LocalFaceService,
        finished: FinishedFolders,
        options: Options,
        scope: Scope,
        *,
        series: str,
        at_most: int | None,
    ) -> None:
        self.tally = Tally()
        self._service = service
        self._finished = finished
        self._options = options
        self._scope = scope
        self._series = series
        self._at_most = at_most

    async def run(self, folders: Sequence[CharacterFolder]) -> None:
        """What a single picture or character lacks is reported; raises TransientError and SetupError."""
        waiting = [folder for folder in folders if not await self._is_finished(folder)]
        if len(waiting) < len(folders):
            remark(f"{len(folders) - len(waiting)} of {len(folders)} folders are finished already.")
        pictures = [(folder, picture) for folder in waiting for picture in folder.pictures]
        looked_at: list[PreparedFace | AppError] = []
        done = 0
        with progress("Learning", len(pictures)) as advance:
            async for (folder, picture), seen in in_order(pictures, self._look_at, ahead=_AHEAD):
                looked_at.append(seen)
                if isinstance(seen, AppError):
                    problem(seen, subject=str(picture.path))
                if len(looked_at) == len(folder.pictures):
                    await self._finish(folder, looked_at)
                    looked_at = []
                advance(done := done + 1)

    async def _is_finished(self, folder: CharacterFolder) -> bool:
        """Whether there is nothing to do about it; then what came of it counts for this run, too."""
        before = self._finished.find(self._scope, folder)
        if before is None:
            return False
        # With no face to add, this only tells who she is, and gives her the series if she has none.
        character = (await self._enroll(folder, [])).character
        if not before.samples <= await self._samples(character):
            return False
        self.tally.add(Fate.ENROLLED if one == Fate.ADDED else one for one in before.outcomes)
        self.tally.characters += character is not None
        return True

    async def _look_at(self, job: tuple[CharacterFolder, PictureFile]) -> PreparedFace | AppError:
        folder, picture = job
        try:
            data = await asyncio.to_thread(read_picture, picture.path, self._options.images)
            return await self._service.prepare(data, self._request(folder, picture.path.name))
        except (TransientError, ClosedSetError):  # the next picture would fare no better
            raise
        except AppError as error:
            return error

    async def _finish(self, folder: CharacterFolder, looked_at: Sequence[PreparedFace | AppError]) -> None:
        try:
            answer = await self._enroll(folder, [one for one in looked_at if isinstance(one, PreparedFace)])
        except UserError as error:  # the folder's name cannot be one
            problem(error, subject=str(folder.path))
            self.tally.add([error.code] * len(looked_at))
            return
        fates = iter(answer.fates)
        results = [one if isinstance(one, AppError) else next(fates) for one in looked_at]
        outcomes = [result.code if isinstance(result, AppError) else result for result in results]
        _report(folder, answer, results)
        self.tally.add(outcomes)
        self.tally.characters += answer.character is not None
        self.tally.created += answer.created
        # Those two may change while the picture's file stays as it is.
        if not any(isinstance(result, SampleExistsError | FileUnreadableError) for result in results):
            self._finished.add(self._scope, folder, outcomes, await self._samples(answer.character))

    async def _enroll(self, folder: CharacterFolder, faces: Sequence[PreparedFace]) -> ChosenAnswer:
        request = self._request(folder)
        return await self._service.enroll_chosen(faces, self._scope, request, at_most=self._at_most)

    def _request(self, folder: CharacterFolder, source: str = "") -> EnrollRequest:
        return EnrollRequest(folder.name, self._series, actor=ACTOR, source=source)

    async def _samples(self, character: Character | None) -> frozenset[SampleId]:
        if character is None:
            return frozenset()
        samples = await self._service.gallery.samples([self._scope], character.id)
        return frozenset(sample.id for sample in samples)


def _report(folder: CharacterFolder, answer: ChosenAnswer, results: Sequence[Fate | AppError]) -> None:
    for picture, result in zip(folder.pictures, results, strict=True):
        if isinstance(result, SampleExistsError):
            problem(result, subject=str(picture.path))
        elif result is Fate.OUTLIER:
            remark(f"{picture.path}: left out, since the face is unlike the others of {folder.name}.")
    added = results.count(Fate.ADDED)
    if added and answer.character:
        say(f"{answer.character.display_name}: {added} added, {answer.character.sample_count} samples in all")
        hint_at_merging(answer.character, answer.looks_like)


def _rules(options: Options, limit: int, contract: str) -> str:
    """All that decides about a picture, besides its file and the gallery."""
    parts = [asdict(part) for part in (options.enroll, options.detection, options.images)]
    text = json.dumps([contract, options.models.pack, limit, parts])
    return hashlib.sha256(text.encode()).hexdigest()
