"""Fixtures for the tests of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from config.settings import Settings, load_settings

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the settings of a process that starts in a folder with only these files."""

    def load(
        toml: str | bytes | None = None,
        dotenv: str | bytes | None = None,
        environ: Mapping[str, str] | None = None,
        overrides: Sequence[str] = (),
        data_dir: Path | None = None,
        config_file: Path | None = None,
    ) -> Settings:
        for name, text in (("dareda.toml", toml), (".env", dotenv)):
            if text is not None:
                (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_settings(
            environ=environ or {},
            config_file=config_file,
            overrides=overrides,
            data_dir=data_dir,
            cwd=tmp_path,
        )

    return load
