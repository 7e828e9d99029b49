"""Running a command as a user does, and small pictures to run it on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inference.domain import ImageRGB
from inference.images import encode

Command = Callable[..., str]
PictureMaker = Callable[..., Path]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command's `main` with these arguments; gives what it printed."""

    def run_main(main: Callable[[], None], *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
        main()
        return capsys.readouterr().out

    return run_main


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command that must end with exit code 1; gives the sentence that it ended with."""

    def run_main(main: Callable[[], None], *arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 1
        return capsys.readouterr().err

    return run_main


@pytest.fixture
def picture(tmp_path: Path) -> PictureMaker:
    """Writes a small picture below the test's folder, each of them different."""
    made = iter(range(1000))

    def write(name: str, width: int = 40, height: int = 30) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = {".jpg": "jpeg", ".webp": "webp"}.get(path.suffix, "png")
        path.write_bytes(encode(speckled(width, height, seed=next(made)), format=kind))  # type: ignore[arg-type]
        return path

    return write


def speckled(width: int, height: int, *, seed: int) -> ImageRGB:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
