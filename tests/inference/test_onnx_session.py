"""ONNX Runtime, as it is used here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_OPEN_AND_WAIT = """
import sys, threading
from pathlib import Path
from inference.onnx_session import open_session
open_session(Path(sys.argv[1]), threads=1)
threading.Event().wait(0.5)  # its telemetry has threads of its own
"""


def test_a_session_tells_nobody_that_it_exists(tmp_path: Path) -> None:
    [network, *_] = sorted((ROOT / "inference" / "weights" / "dareda-1").glob("*.onnx"))
    home = tmp_path / "home"
    home.mkdir()
    # With nothing that tells it to be quiet: it is, by itself, where `CI` is set.
    environment = {"PATH": os.defpath, "HOME": str(home)}
    subprocess.run(
        [sys.executable, "-c", _OPEN_AND_WAIT, network],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=60,
    )
    # It would leave the id under which it reports, and what it has not sent yet.
    assert list(home.rglob("*")) == []
