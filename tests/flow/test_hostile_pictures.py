"""Files that mean harm, posted all at once to the whole core: answers or typed errors, within memory."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.conftest import CastPictures
from tests.inference.hostile import write_hostile_files

MAX_PEAK_MB = 700

# In a process of its own, because its memory is what is measured: idle is with the models loaded and used,
# so it is looked at before the first command closes them.
_IDENTIFY = textwrap.dedent("""
    import sys
    from pathlib import Path
    from bot.cli import main
    from inference.memory import release_free_memory
    from inference.pipeline import PicturePipeline

    def status_mb(key):
        return int(Path("/proc/self/status").read_text().split(key + ":")[1].split()[0]) / 1024

    idle_mb = []
    close = PicturePipeline.close

    async def look_and_close(pipeline):
        release_free_memory()
        idle_mb.append(status_mb("VmRSS"))
        await close(pipeline)

    PicturePipeline.close = look_and_close

    data, picture, folder = sys.argv[1:]
    assert main(["identify", picture, "--json", "--data-dir", data]) == 0
    [idle] = idle_mb
    Path("/proc/self/clear_refs").write_text("5")
    code = main(["identify", *sorted(map(str, Path(folder).iterdir())), "--json", "--data-dir", data])
    print(code, status_mb("VmHWM") - idle)
""")


@pytest.mark.slow
def test_a_hostile_folder_is_answered_line_by_line_within_memory(
    cast_pictures: CastPictures, tmp_path: Path
) -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("peak memory can be measured on Linux only")
    folder = tmp_path / "hostile"
    folder.mkdir()
    paths = write_hostile_files(folder)
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            _IDENTIFY,
            str(tmp_path),
            str(cast_pictures.group),
            str(folder),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    _, *lines, last = done.stdout.splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["image"] for record in records] == sorted(map(str, paths))
    for record in records:
        expected = Path(record["image"]).name.split("-")[0]
        assert expected == "either" or (expected == "refused") == (record["error"] is not None), record
    refusals = {record["error"]["code"] for record in records if record["error"]}
    assert refusals == {"image_too_large", "image_unsupported", "image_unreadable"}
    code, peak_mb = last.split()
    assert code == "1"
    assert 100 < float(peak_mb) <= MAX_PEAK_MB, peak_mb
    print(f"peak {float(peak_mb):.0f} MB above idle")
