from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.options import ImageLimits
from inference.domain import ImageRGB
from inference.drawing import draw_cast, draw_group
from inference.images import decode
from tests.training.dataset.conftest import Command
from training.dataset.manifest import read_manifest
from training.dataset.shots import Look, Shot, ShotFinder, choose_frames
from training.dataset.video_frames import read_video, video_facts
from training.errors import DatasetError
from training.import_video import main, seconds

RATE, WIDTH, HEIGHT = 24, 320, 180
CUT = 0.25


def write_video(path: Path, frames: Iterable[ImageRGB], fourcc: str = "mp4v") -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*fourcc), RATE, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


@pytest.fixture(scope="module")
def scenes() -> list[ImageRGB]:
    """Wider than the video, so that a camera can move over them."""
    cast = draw_cast(6, seed=3)
    return [draw_group([cast[n], cast[(n + 1) % 6]], seed=n, size_wh=(480, HEIGHT)).image for n in range(5)]


def panned(scene: ImageRGB, count: int, reach: float = 0.2) -> list[ImageRGB]:
    starts = [int((scene.shape[1] - WIDTH) * reach * number / count) for number in range(count)]
    return [np.ascontiguousarray(scene[:, start : start + WIDTH]) for start in starts]


def still(scene: ImageRGB, count: int) -> list[ImageRGB]:
    return panned(scene, count, 0)


def dissolved(a: ImageRGB, b: ImageRGB, count: int) -> list[ImageRGB]:
    shares = np.arange(1, count + 1) / (count + 1)
    return [(a[:, :WIDTH] * (1 - share) + b[:, :WIDTH] * share).astype(np.uint8) for share in shares]


def shots_of(frames: Iterable[ImageRGB], least: int = 8) -> list[tuple[int, int]]:
    return [(shot.first, shot.end) for shot in seen(frames).shots(least_frames=least)]


def seen(frames: Iterable[ImageRGB]) -> ShotFinder:
    finder = ShotFinder(cut=CUT)
    for frame in frames:
        finder.see(frame)
    return finder


def test_cuts_are_found_and_pans_are_none(scenes: list[ImageRGB]) -> None:
    frames = [*panned(scenes[0], 30), *panned(scenes[1], 25, 1.0), *panned(scenes[2], 20)]
    assert shots_of(frames) == [(0, 30), (30, 55), (55, 75)]


def test_a_dissolve_parts_two_shots_and_belongs_to_neither(scenes: list[ImageRGB]) -> None:
    frames = [*still(scenes[0], 24), *dissolved(scenes[0], scenes[1], 12), *still(scenes[1], 24)]
    (first, second) = shots_of(frames)
    assert first[0] == 0
    assert 24 <= first[1] <= 27  # a flat background may jump from one colour of the histogram to the next
    assert 35 <= second[0] <= 38
    assert second[1] == 60


def test_a_slow_pan_is_one_shot(scenes: list[ImageRGB]) -> None:
    assert shots_of(panned(scenes[0], 80, 1.0)) == [(0, 80)]


def test_shots_that_are_too_short_are_passed_over(scenes: list[ImageRGB]) -> None:
    frames = [*still(scenes[0], 20), *still(scenes[1], 3), *still(scenes[2], 20)]
    assert shots_of(frames) == [(0, 20), (23, 43)]
    assert shots_of(frames, least=1) == [(0, 20), (20, 23), (23, 43)]


def test_no_frames_and_one_frame(scenes: list[ImageRGB]) -> None:
    assert shots_of([]) == []
    assert shots_of(still(scenes[0], 1), least=1) == [(0, 1)]


def test_the_sharpest_frame_of_each_part_is_chosen(scenes: list[ImageRGB]) -> None:
    blurred = cv2.GaussianBlur(scenes[0], (9, 9), 0)
    frames = [scenes[0] if number in {7, 13} else blurred for number in range(20)]
    looks = seen(np.ascontiguousarray(frame[:, :WIDTH]) for frame in frames).looks
    assert choose_frames(Shot(0, 20), looks, 2) == [7, 13]
    assert choose_frames(Shot(0, 10), looks, 1) == [7]
    assert len(choose_frames(Shot(0, 2), looks, 5)) == 2


def test_blank_frames_are_never_chosen(scenes: list[ImageRGB]) -> None:
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    looks: Sequence[Look] = seen([*[black] * 10, *still(scenes[0], 10)]).looks
    assert choose_frames(Shot(0, 10), looks, 2) == []
    assert all(number >= 10 for number in choose_frames(Shot(0, 20), looks, 2))


@pytest.mark.parametrize(("name", "fourcc"), [("a.mp4", "mp4v"), ("a.avi", "MJPG")])
def test_frames_have_their_number_time_and_colours(tmp_path: Path, name: str, fourcc: str) -> None:
    colours = [(220, 30, 40), (40, 200, 60), (30, 50, 210), (200, 200, 40)]
    frames = [np.full((HEIGHT, WIDTH, 3), colour, np.uint8) for colour in colours for _ in range(6)]
    path = write_video(tmp_path / name, frames, fourcc)
    assert video_facts(path).frames == 24
    assert video_facts(path).rate == pytest.approx(RATE)
    read = list(read_video(path))
    assert [frame.number for frame in read] == list(range(24))
    assert [frame.time_s for frame in read] == pytest.approx([number / RATE for number in range(24)])
    for frame in read:
        assert np.abs(frame.image[90, 160].astype(int) - colours[frame.number // 6]).max() < 16
    part = list(read_video(path, start_s=6 / RATE - 0.001, end_s=12 / RATE - 0.001))
    assert [frame.number for frame in part] == list(range(6, 12))
    chosen = list(read_video(path, only={3, 17}))
    assert [frame.number for frame in chosen] == [3, 17]
    assert np.array_equal(chosen[1].image, read[17].image)
    assert list(read_video(path, only=set())) == []


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video", encoding="utf-8")
    with pytest.raises(DatasetError, match="no video"):
        list(read_video(tmp_path / "a.mp4"))
    with pytest.raises(DatasetError, match="is no file"):
        video_facts(tmp_path / "b.mp4")


@pytest.fixture(scope="module")
def episode(tmp_path_factory: pytest.TempPathFactory, scenes: list[ImageRGB]) -> Path:
    """Four shots, a black pause, and the first shot again."""
    black = [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 12
    parts = [*(panned(scene, 20) for scene in scenes[:4]), black, panned(scenes[0], 20)]
    return write_video(
        tmp_path_factory.mktemp("video") / "episode 1.mp4", [frame for part in parts for frame in part]
    )


def test_a_video_becomes_pictures_of_its_shots(tmp_path: Path, run: Command, episode: Path) -> None:
    text = run(main, episode, "--frames", tmp_path / "frames", "--per-shot", 1, "--out", tmp_path / "m.jsonl")
    assert "Looked through 112 frames with 6 shots." in text
    assert "1  frame looks like an earlier one" in text
    assert "1  shot shows nothing (frame 80)" in text
    assert "4 not looked at yet" in text
    assert read_manifest(tmp_path / "m.jsonl") == []
    pictures = read_manifest(tmp_path / "m.jsonl", unlabelled=True)
    frames = [int(picture.path.stem.rpartition("-")[2]) for picture in pictures]
    assert [frame // 20 for frame in frames] == [0, 1, 2, 3]
    for number, picture in enumerate(pictures):
        assert picture.path.name.startswith(f"episode 1__{number:05}-")
        image = decode(picture.path.read_bytes(), ImageLimits())
        assert (image.width, image.height) == (picture.width, picture.height) == (WIDTH, HEIGHT)
        assert picture.source == "episode 1"


def test_a_part_of_a_video_as_png_without_dropping_repeats(
    tmp_path: Path, run: Command, episode: Path
) -> None:
    run(
        main, episode, "--frames", tmp_path / "frames", "--start", 20 / RATE - 0.001, "--end", "0:01.6",
        "--per-shot", 3, "--alike", -1, "--format", "png", "--source", "e1", "--out", tmp_path / "m.jsonl",
    )  # fmt: skip
    pictures = read_manifest(tmp_path / "m.jsonl", unlabelled=True)
    frames = [int(picture.path.stem.rpartition("-")[2]) for picture in pictures]
    assert len(frames) == 3
    assert 20 <= min(frames) <= max(frames) < 39
    assert {picture.path.suffix for picture in pictures} == {".png"}
    assert {picture.path.parent for picture in pictures} == {tmp_path / "frames" / "e1"}


def test_a_video_is_labelled_by_the_detector(tmp_path: Path, run: Command, episode: Path) -> None:
    text = run(
        main, episode, "--frames", tmp_path / "frames", "--end", 1.6, "--per-shot", 1, "--detect",
        "--sure", 0.5, "--review", tmp_path / "review", "--threads", 1, "--out", tmp_path / "m.jsonl",
    )  # fmt: skip
    faces = [face for picture in read_manifest(tmp_path / "m.jsonl") for face in picture.faces]
    assert faces
    assert all((face.state == "pseudo") == ((face.score or 0) >= 0.5) for face in faces)
    assert ("pictures for a person to look at" in text) == any(face.state == "unsure" for face in faces)


def test_pictures_of_another_run_are_not_mixed_in(
    tmp_path: Path, run: Command, refused: Command, episode: Path
) -> None:
    arguments = (episode, "--frames", tmp_path / "frames", "--end", 0.5, "--out", tmp_path / "m.jsonl")
    run(main, *arguments)
    assert "is not empty" in refused(main, *arguments)
    assert "can name a folder" in refused(main, *arguments, "--source", "a/b")
    assert "between --start and --end" in refused(main, *arguments, "--source", "b", "--start", 99)


@pytest.mark.parametrize(
    ("text", "value"), [("90", 90), ("1.5", 1.5), ("1:30", 90), ("1:02:03.5", 3723.5), ("0:05", 5)]
)
def test_times(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "1:", "-3", "1:2:3:4", "a"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        seconds(text)
