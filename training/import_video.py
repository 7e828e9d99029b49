"""Make training pictures of a video: the sharpest frames of every shot, without near-duplicates.

    python -m training.import_video episode.mkv --frames frames --out frames.jsonl
    python -m training.import_video episode.mkv --frames frames --out frames.jsonl --detect --review review

The pictures go into the manifest as not looked at, so nothing trains on them until they have labels: from the
detector (--detect here, or `python -m training.pseudo_label` later) or a person. For validation, whole
stretches of two minutes are set aside, since neighbouring shots show the same scene.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from inference.domain import ImageRGB
from inference.gallery.fingerprint import hamming
from inference.images import encode
from training.command import command_parser, run_command
from training.dataset.importing import (
    Collection,
    add_output_arguments,
    add_split_arguments,
    count,
    share,
    splitting_of,
)
from training.dataset.shots import Look, Shot, ShotFinder, choose_frames
from training.dataset.video_frames import VideoFrame, read_video, video_facts
from training.errors import DatasetError
from training.pseudo_label import add_detector_arguments, labelled_by_detector

_STRETCH_S = 120.0
_UNCOUNTED = 0.02  # share of its frames by which an intact file may be wrong about their number
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


def main() -> None:
    parser = command_parser(__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--frames", type=Path, required=True, metavar="DIR", help="gets a folder of pictures")
    parser.add_argument("--source", help="what the data is called; the video's name if not given")
    parser.add_argument("--start", type=seconds, default=0.0, help="seconds, or h:mm:ss")
    parser.add_argument("--end", type=seconds, help="likewise; the end of the video if not given")
    parser.add_argument("--per-shot", type=count, default=2, metavar="N", help="frames of a shot at most")
    parser.add_argument("--min-shot", type=seconds, default=0.4, help="seconds; shorter ones are passed over")
    parser.add_argument(
        "--cut", type=share, default=0.25, help="change from frame to frame that may be a cut"
    )
    parser.add_argument(
        "--alike", type=int, default=6, help="bits of 64 in which hashes of duplicates differ"
    )
    parser.add_argument("--format", choices=("jpeg", "png"), default="jpeg")
    parser.add_argument("--detect", action="store_true", help="let the detector label them")
    add_detector_arguments(parser)
    add_output_arguments(parser)
    add_split_arguments(parser, by_character=False)
    run_command(parser, import_video)


def import_video(arguments: argparse.Namespace) -> None:
    """Import as the command line says."""
    source = arguments.source or arguments.video.stem
    folder: Path = arguments.frames / source
    if folder.name != source:
        raise DatasetError(folder, "is no place for the pictures; give a --source that can name a folder")
    if folder.exists() and any(folder.iterdir()):
        raise DatasetError(folder, "is not empty; give another --frames or --source")
    collection = Collection(decode_all=arguments.decode)
    splitting = splitting_of(arguments)
    survey = _survey(arguments)
    wanted = _wanted(survey, arguments, collection)
    folder.mkdir(parents=True, exist_ok=True)
    hashes = np.zeros(0, np.uint64)
    frames = read_video(arguments.video, only=wanted)
    suffix = "jpg" if arguments.format == "jpeg" else "png"
    for frame in track(frames, "writing", total=len(wanted), console=Console(stderr=True)):
        name = f"{source}__{wanted[frame.number]:05}-{frame.number:07}.{suffix}"
        found = _hash(frame.image)
        if len(hashes) and hamming(hashes, found).min() <= arguments.alike:
            collection.left_out.add("frame looks like an earlier one", name)
            continue
        hashes = np.append(hashes, np.uint64(found))
        (folder / name).write_bytes(encode(frame.image, format=arguments.format, quality=95))
        stretch = f"video/{source}/{int(frame.time_s // _STRETCH_S)}"
        collection.add_unlabelled(folder / name, source=source, split=splitting.side(stretch))
    lines: list[str] = []
    if arguments.detect:
        collection.pictures, lines = labelled_by_detector(collection.pictures, arguments, collection.left_out)
    print("\n".join([*survey.lines(), collection.finish(arguments.out), *lines]))  # noqa: T201


def seconds(text: str) -> float:
    """Seconds, m:ss or h:mm:ss, for argparse."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is neither seconds nor h:mm:ss")
    hours, minutes, rest = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest)


@dataclass(frozen=True, slots=True)
class _Survey:
    """A video looked through once."""

    numbers: Sequence[int]
    """Of the frames in the file."""
    looks: Sequence[Look]
    shots: Sequence[Shot]
    missing: int
    """Frames that the file should have after those."""

    def lines(self) -> list[str]:
        early = [f"The video breaks off some {self.missing:,} frames early."] if self.missing else []
        return [f"Looked through {len(self.looks):,} frames with {len(self.shots):,} shots.", *early]


def _survey(arguments: argparse.Namespace) -> _Survey:
    facts = video_facts(arguments.video)
    numbers: list[int] = []
    times: list[float] = []
    finder = ShotFinder(cut=arguments.cut)
    frames: Iterator[VideoFrame] = read_video(arguments.video, start_s=arguments.start, end_s=arguments.end)
    for frame in track(frames, "looking for shots", total=facts.frames or None, console=Console(stderr=True)):
        numbers.append(frame.number)
        times.append(frame.time_s)
        finder.see(frame.image)
    if not numbers:
        raise DatasetError(arguments.video, "has no frames between --start and --end")
    rate = facts.rate or (len(times) - 1) / max(times[-1] - times[0], 1e-3)
    shots = finder.shots(least_frames=round(arguments.min_shot * rate))
    missing = facts.frames - 1 - numbers[-1] if arguments.end is None else 0
    return _Survey(numbers, finder.looks, shots, missing if missing > _UNCOUNTED * facts.frames else 0)


def _wanted(survey: _Survey, arguments: argparse.Namespace, collection: Collection) -> dict[int, int]:
    """The number of the shot for each chosen frame's number in the file."""
    wanted: dict[int, int] = {}
    for number, shot in enumerate(survey.shots):
        chosen = choose_frames(shot, survey.looks, arguments.per_shot)
        if not chosen:
            collection.left_out.add("shot shows nothing", f"frame {survey.numbers[shot.first]}")
        wanted |= {survey.numbers[index]: number for index in chosen}
    return wanted


def _hash(image: ImageRGB) -> int:
    """The 64-bit pHash of the whole frame."""
    bits = imagehash.phash(Image.fromarray(image)).hash
    return int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big")


if __name__ == "__main__":
    main()
