"""Dareda beside what else a user would pick, on the same pictures and from the same weights.

    uv venv /elsewhere/peers --python 3.11
    uv pip install --python /elsewhere/peers/bin/python dghs-imgutils insightface onnxruntime
    python -m benchmarks.peers FOLDER --python /elsewhere/peers/bin/python [--rounds 3] [--json FILE]

The libraries want versions of their own, so they run in processes of another environment. In each round every
one of them and Dareda (16 callers, and one) goes over the pictures of the folder, one after the other, from
the file's bytes to the best of 1,000 samples for each face. The ratio is their time / Dareda's (16 callers)
in the same round.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.core import answer_all
from benchmarks.faces import fill, make_faces
from bot.terminal.pictures import picture_files
from config.options import BatchingOptions, Options
from inference.models import contract_of, find_pack
from inference.service import open_face_service

_RECIPES = Path(__file__).with_name("peer_recipes.py")
_SKIPPED = {
    "deepface.find": "takes no ONNX weights: its networks are a fixed list of files that it downloads",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--python", required=True, help="the interpreter of the libraries' environment")
    parser.add_argument("--every", type=int, default=1, help="take every so many-th picture only")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write the figures there too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(_compare(arguments, Path(folder)))
    print(f"{figures['pictures']} pictures")
    for name, row in figures["recipes"].items():
        print(f"{name:22s} {row['ms']:8.1f} ms a picture   {row['ratio']:6.2f} ×   {row['faces']} faces")
    for name, reason in figures["skipped"].items():
        print(f"{name:22s} skipped: {reason}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


async def _compare(arguments: argparse.Namespace, data_dir: Path) -> dict:
    options = Options(data_dir=data_dir, batching=replace(BatchingOptions(), max_queue=4_096, deadline_s=600))
    pack = find_pack(options.models.pack, options.packs_dir)
    contract = contract_of(pack, flip_average=options.models.flip_average)
    fill(data_dir / options.gallery.file, make_faces(1_000, 2), 6_000, contract=contract)
    paths = picture_files([arguments.folder])[:: arguments.every]
    files = [path.read_bytes() for path in paths]
    table = pack.manifest.embedder
    given = {
        "detector": str(pack.checked_file(pack.manifest.detector.onnx or "")),
        "embedder": str(pack.checked_file(table.onnx)),
        "score": pack.manifest.detector.score_threshold,
        "iou": options.detection.iou_threshold,
        **{key: getattr(table, key) for key in ("side", "margin", "mean", "std")},
        "pictures": [str(path.resolve()) for path in paths],
    }
    given_file = data_dir / "given.json"
    given_file.write_text(json.dumps(given), encoding="utf-8")
    seconds: dict[str, list[float]] = {}
    faces: dict[str, int] = {}
    skipped = dict(_SKIPPED)
    with ExitStack() as stack:
        peers = {}
        for name in ("dghs-imgutils", "insightface"):
            peer = stack.enter_context(_Peer(arguments.python, name, given_file))
            if peer.reason:
                skipped[name] = peer.reason
            else:
                peers[name] = peer
        async with open_face_service(options) as service:
            await answer_all(service, files[:20], 16)
            for _ in range(arguments.rounds):
                for callers in (16, 1):
                    started = time.perf_counter()
                    name = f"Dareda, {callers} caller{'s' * (callers > 1)}"
                    faces[name] = await answer_all(service, files, callers)
                    seconds.setdefault(name, []).append(time.perf_counter() - started)
                for name, peer in peers.items():
                    answer = await asyncio.to_thread(peer.run)
                    faces[name] = answer["faces"]
                    seconds.setdefault(name, []).append(answer["seconds"][0])
    ours = seconds["Dareda, 16 callers"]
    return {
        "pictures": len(files),
        "recipes": {
            name: {
                "ms": statistics.median(own) / len(files) * 1000,
                "ratio": statistics.median(theirs / our for theirs, our in zip(own, ours, strict=True)),
                "faces": faces[name],
            }
            for name, own in seconds.items()
        },
        "skipped": skipped,
    }


class _Peer:
    """A library in a process of its own, loaded and waiting; or the reason why it does not run."""

    def __init__(self, python: str, name: str, given: Path) -> None:
        self._process = subprocess.Popen(
            [python, str(_RECIPES), name, str(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            text=True,
        )
        line = self._answer()
        self.reason = None if line else "it did not start: see above"

    def __enter__(self) -> _Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self) -> Mapping:
        """Over all pictures once."""
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        answer = self._answer()
        if answer is None:
            raise SystemExit("a library's process ended: see above")
        return answer

    def _answer(self) -> Mapping | None:
        """Libraries print on their own account, so what is no object is passed over."""
        assert self._process.stdout
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        return None


if __name__ == "__main__":
    main()
