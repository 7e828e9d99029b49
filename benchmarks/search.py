"""Ways to search the embedded gallery, next to each other, and what a gallery of that size costs as a whole.

    python -m benchmarks.search [--samples 1000,10000,100000,1000000] [--methods …] [--gallery] [--narrow]

Made faces (benchmarks/faces.py). Each method answers the same pictures of eight faces with the nearest row
of each face, in turn with the exact method, so that the ratio of the two means something on a busy machine.
Recall is the share of the known probes whose nearest character is the exact one. With `--gallery` the
gallery itself is filled, opened, searched and changed at each size, in a process of its own; `again_ms` is
for pictures that it was asked before, whose vectors the system has in its memory. A table is printed, and
everything as JSON in the last line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.faces import CONTRACT, DIMENSION, SCOPE, Faces, fill, make_faces
from config.options import GalleryOptions
from inference.decide import CANDIDATES
from inference.domain import Embedding, Embeddings, FaceBox, FaceCrop, Match
from inference.gallery.base import NewSample
from inference.gallery.centres import CentredRows, centres_for
from inference.gallery.embedded import EmbeddedGallery, open_embedded_gallery
from inference.linear_algebra import use_one_thread

FACES_IN_PICTURE = 8
FALSE_NAME_RATE = 0.01
BARS = {"recall": 0.99, "picture_ms": 10.0, "memory_mb": 1200.0}
_AT_ONCE = 50_000
_GRAPH_UP_TO = 100_000

Rows = NDArray[np.int64]
Search = Callable[[NDArray[np.float32]], Rows]
"""Probes to their nearest rows, (n, k), any order."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", default="1000,10000,100000,1000000")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--probes", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5, help="pictures that are timed")
    parser.add_argument("--narrow", action="store_true", help="faces that differ in few directions only")
    parser.add_argument("--gallery", action="store_true", help="the whole gallery too")
    parser.add_argument("--crop-bytes", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where the gallery is written for a while")
    parser.add_argument("--top", type=int, default=CANDIDATES, help="characters a face, of the gallery")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open:
        print(json.dumps(asyncio.run(_measure_gallery(arguments.open, arguments.top))))
        return 0
    found, missed = [], 0
    for samples in map(int, arguments.samples.split(",")):
        faces = make_faces(samples, arguments.probes, narrow=arguments.narrow)
        exact = _exact_rows(faces)
        for figures in _measure_methods(faces, exact, arguments):
            found.append({"samples": samples, **figures})
            print(_line(found[-1]), flush=True)
        if arguments.gallery:
            found.append(
                {"samples": samples, "method": "gallery", **_gallery_figures(faces, exact, arguments)}
            )
            print(_line(found[-1]), flush=True)
            missed += sum(found[-1][name] > BARS[name] for name in ("picture_ms", "memory_mb"))
            missed += found[-1]["recall"] < BARS["recall"]
    print(json.dumps(found))
    return 1 if missed else 0


def _line(figures: dict[str, Any]) -> str:
    parts = [f"{figures['samples']:>9,} {figures['method']:9}"]
    parts += [
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in figures.items()
        if name not in ("samples", "method")
    ]
    return "  ".join(parts)


def _exact_rows(faces: Faces) -> Rows:
    """The nearest row of each probe."""
    nearest = np.empty(len(faces.probes), np.int64)
    for start in range(0, len(faces.probes), FACES_IN_PICTURE):
        some = faces.probes[start : start + FACES_IN_PICTURE]
        nearest[start : start + len(some)] = (some @ faces.vectors.T).argmax(axis=1)
    return nearest


# ── the methods ─────────────────────────────────────────────────────────────────────────────────


def _float32(vectors: NDArray[np.float32]) -> Search:
    """A matrix product."""
    return lambda probes: (probes @ vectors.T).argmax(axis=1)[:, np.newaxis]


def _flat(kind: str) -> Callable[[NDArray[np.float32]], Search]:
    def build(vectors: NDArray[np.float32]) -> Search:
        quantizer = getattr(faiss.ScalarQuantizer, kind)
        index = faiss.IndexScalarQuantizer(DIMENSION, quantizer, faiss.METRIC_INNER_PRODUCT)
        scale = 127 / float(np.abs(vectors[:_AT_ONCE]).max()) if "direct" in kind else 1.0
        for part in _parts(vectors):
            index.add(np.rint(part * scale).clip(-127, 127) if scale != 1.0 else part)
        return lambda probes: index.search(np.rint(probes * scale) if scale != 1.0 else probes, 16)[1]

    return build


def _one_bit(vectors: NDArray[np.float32]) -> Search:
    """Signs of the elements by Hamming distance; enough candidates for the recall, compared exactly."""
    index = faiss.IndexBinaryFlat(DIMENSION)
    for part in _parts(vectors):
        index.add(np.packbits(part > 0, axis=1))
    candidates = min(2_560, len(vectors))

    def search(probes: NDArray[np.float32]) -> Rows:
        _, rows = index.search(np.packbits(probes > 0, axis=1), candidates)
        return np.array(
            [one[(vectors[one] @ probe).argmax()] for one, probe in zip(rows, probes, strict=True)]
        )[:, np.newaxis]

    return search


def _rabitq(vectors: NDArray[np.float32]) -> Search:
    """One bit an element under centres, with the probe in full; candidates are compared exactly."""
    centres = centres_for(len(vectors))
    index = faiss.IndexIVFRaBitQFastScan(
        faiss.IndexFlatIP(DIMENSION), DIMENSION, centres, faiss.METRIC_INNER_PRODUCT
    )
    index.train(_examples(vectors, centres))
    for part in _parts(vectors):
        index.add(part)
    index.nprobe, candidates = 64, min(512, len(vectors))

    def search(probes: NDArray[np.float32]) -> Rows:
        _, rows = index.search(probes, candidates)
        return np.array(
            [one[(vectors[one] @ probe).argmax()] for one, probe in zip(rows, probes, strict=True)]
        )[:, np.newaxis]

    return search


def _centres(vectors: NDArray[np.float32]) -> Search:
    """Dareda's own: one bit an element under centres, then eight bits of the candidates."""
    centres = centres_for(len(vectors))
    index = CentredRows(_examples(vectors, centres), centres, len(vectors))
    for part in _parts(vectors):
        index.add(part)
    return lambda probes: index.nearest(probes, 64)[0]


def _graph(vectors: NDArray[np.float32]) -> Search:
    """A navigable graph (HNSW) over half-precision vectors."""
    index = faiss.IndexHNSWSQ(DIMENSION, faiss.ScalarQuantizer.QT_fp16, 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction, index.hnsw.efSearch = 80, 128
    index.train(vectors[:1_000])
    for part in _parts(vectors):
        index.add(part)
    return lambda probes: index.search(probes, 16)[1]


METHODS: dict[str, Callable[[NDArray[np.float32]], Search]] = {
    "float32": _float32,
    "float16": _flat("QT_fp16"),
    "int8": _flat("QT_8bit_direct_signed"),
    "one_bit": _one_bit,
    "rabitq": _rabitq,
    "centres": _centres,
    "graph": _graph,
}


def _parts(vectors: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    return (vectors[start : start + _AT_ONCE] for start in range(0, len(vectors), _AT_ONCE))


def _examples(vectors: NDArray[np.float32], centres: int) -> NDArray[np.float32]:
    return np.ascontiguousarray(vectors[:: max(len(vectors) // (40 * centres), 1)])


def _measure_methods(faces: Faces, exact: Rows, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    faiss.omp_set_num_threads(1)
    reference, known = _float32(faces.vectors), faces.truth >= 0
    for name in filter(None, arguments.methods.split(",")):
        if name == "graph" and len(faces.vectors) > _GRAPH_UP_TO:
            yield {"method": name, "skipped": "its building takes about an hour"}
            continue
        before, started = _memory_mb(), time.perf_counter()
        search = METHODS[name](faces.vectors)
        built_s, memory = time.perf_counter() - started, _memory_mb() - before
        ours, theirs, rows = [], [], []
        for number, start in enumerate(range(0, len(faces.probes), FACES_IN_PICTURE)):
            picture = faces.probes[start : start + FACES_IN_PICTURE]
            if 0 < number <= arguments.repeats:
                theirs.append(_timed_ms(lambda: reference(picture)))  # noqa: B023
                ours.append(_timed_ms(lambda: rows.append(search(picture))))  # noqa: B023
            else:
                rows.append(search(picture))
        nearest = [
            one[np.argmax(np.where(one >= 0, faces.vectors[one] @ probe, -2))]
            for one, probe in zip(np.concatenate(rows), faces.probes, strict=True)
        ]
        picture_ms = statistics.median(ours)
        yield {
            "method": name,
            "picture_ms": picture_ms,
            "ratio_to_exact": picture_ms / statistics.median(theirs),
            "recall": float(np.mean((faces.owners[nearest] == faces.owners[exact])[known])),
            "recall_strangers": float(np.mean((faces.owners[nearest] == faces.owners[exact])[~known])),
            "memory_mb": memory,
            "built_s": built_s,
        }


def _timed_ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def _memory_mb() -> float:
    """Of this process, without what it has mapped from files."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("the kernel does not tell")


# ── the gallery ─────────────────────────────────────────────────────────────────────────────────


def _gallery_figures(faces: Faces, exact: Rows, arguments: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "gallery.sqlite"
        started = time.perf_counter()
        fill(path, faces, arguments.crop_bytes)
        filled_s = time.perf_counter() - started
        np.save(path.with_suffix(".npy"), faces.probes)
        command = [
            sys.executable,
            "-m",
            "benchmarks.search",
            "--open",
            str(path),
            "--top",
            str(arguments.top),
        ]
        figures = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        figures["file_mb"] = path.stat().st_size / 1e6
    similarities = np.einsum("ij,ij->i", faces.probes, faces.vectors[exact])
    known = faces.truth >= 0
    threshold = np.quantile(similarities[~known], 1 - FALSE_NAME_RATE)
    names, scores = np.array(figures.pop("names"), int), np.array(figures.pop("similarities"))
    figures["recall"] = float(np.mean((names == faces.owners[exact])[known]))
    figures["same_decision"] = float(np.mean((scores >= threshold) == (similarities >= threshold)))
    figures["wrong_cosine"] = float(np.abs(scores - similarities)[names == faces.owners[exact]].max())
    return {"filled_s": filled_s, **figures}


async def _measure_gallery(path: Path, top: int) -> dict[str, Any]:
    use_one_thread()  # as the service does
    probes = np.load(path.with_suffix(".npy"))
    started = time.perf_counter()
    gallery = await open_embedded_gallery(
        path, CONTRACT, undo_days=7, exact_up_to=GalleryOptions().exact_up_to
    )
    figures: dict[str, Any] = {"open_s": time.perf_counter() - started, "memory_open_mb": _memory_mb()}
    found, times = await _ask(gallery, probes, top)
    figures["first_ms"] = times[0]
    half = len(times) // 2
    figures["picture_ms"] = statistics.median(times[half:])
    figures["picture_p95_ms"] = float(np.quantile(times[half:], 0.95))
    _, times = await _ask(gallery, probes, top)
    figures["again_ms"] = statistics.median(times[half:])
    figures |= await _measure_changes(gallery)
    figures["memory_mb"] = max(_memory_mb(), figures["memory_open_mb"])
    figures["peak_mb"] = _peak_mb()
    figures["cores"] = len(os.sched_getaffinity(0))
    figures["names"] = [one[0].character.id if one else "-1" for one in found]
    figures["similarities"] = [one[0].similarity if one else -1.0 for one in found]
    await gallery.close()
    return figures


async def _ask(
    gallery: EmbeddedGallery, probes: NDArray[np.float32], top: int
) -> tuple[list[tuple[Match, ...]], list[float]]:
    """What each probe finds, and the milliseconds that each picture took."""
    found, times = [], []
    for start in range(0, len(probes), FACES_IN_PICTURE):
        picture = Embeddings(probes[start : start + FACES_IN_PICTURE])
        started = time.perf_counter()
        found += await gallery.search(picture, [SCOPE], top=top)
        times.append(1000 * (time.perf_counter() - started))
    return found, times


def _peak_mb() -> float:
    """The most that this process ever had, with what it has mapped from files."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError("the kernel does not tell")


async def _measure_changes(gallery: EmbeddedGallery) -> dict[str, float]:
    rng = np.random.default_rng(5)
    times: dict[str, list[float]] = {"enroll_ms": [], "undo_ms": [], "forget_ms": []}
    for number in range(8):
        vector = rng.standard_normal(DIMENSION).astype(np.float32)
        sample = NewSample(
            FaceCrop(rng.bytes(4_000), FaceBox(0, 0, 1, 1)),
            Embedding(vector / np.linalg.norm(vector)),
            f"new {number}",
            int(rng.integers(0, 1 << 63)),
        )
        for name, change in (
            ("enroll_ms", lambda: gallery.enroll(SCOPE, f"new {number}", [sample])),  # noqa: B023
            ("undo_ms", lambda: gallery.undo(SCOPE)),
            ("enroll_ms", lambda: gallery.enroll(SCOPE, f"new {number}", [sample])),  # noqa: B023
            ("forget_ms", lambda: gallery.forget(SCOPE, f"new {number}")),  # noqa: B023
        ):
            started = time.perf_counter()
            await change()
            times[name].append(1000 * (time.perf_counter() - started))
    return {name: statistics.median(values) for name, values in times.items()}


if __name__ == "__main__":
    raise SystemExit(main())
