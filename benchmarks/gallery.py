"""How fast the embedded gallery opens and searches, next to a plain NumPy matrix product.

    python -m benchmarks.gallery [--samples 100000] [--characters 5000] [--repeats 40]

Prints the median of each. The search is asked through the gallery, as the service asks it; the product is the
same probes with the same matrix, computed in turn with the searches, so that both meet the same machine.
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
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from inference.domain import EmbeddingContract, Scope, as_embeddings
from inference.gallery import schema
from inference.gallery.embedded import open_embedded_gallery
from inference.gallery.store import Store

DIMENSION = 512
PROBES = 8
CONTRACT = EmbeddingContract("benchmark", "none", DIMENSION, "none")
SCOPE = Scope("benchmark")
BARS = {"search_ms": 25.0, "search_ratio": 1.3, "open_s": 3.0}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--characters", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--crop-bytes", type=int, default=4_000)
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open:
        return asyncio.run(measure_open(arguments.open))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery.sqlite"
        started = time.perf_counter()
        crop = np.random.default_rng(2).bytes(arguments.crop_bytes)
        fill(path, arguments.samples, arguments.characters, crop)
        print(f"{arguments.samples:,} samples of {arguments.characters:,} characters, {DIMENSION} dimensions")
        print(f"filled in {time.perf_counter() - started:.1f} s, {path.stat().st_size / 1e6:,.0f} MB")
        open_s = statistics.median(opened_in_new_process(path) for _ in range(3))
        found = {"open_s": open_s, **asyncio.run(measure_search(path, arguments.repeats))}
    for name, value in found.items():
        bar = BARS.get(name)
        verdict = "" if bar is None else f"   bar {bar:g}: {'met' if value <= bar else 'MISSED'}"
        print(f"{name:22} {value:8.2f}{verdict}")
    return 0 if all(found[name] <= bar for name, bar in BARS.items()) else 1


def fill(
    path: Path,
    samples: int,
    characters: int,
    crop: bytes,
    *,
    scope: Scope = SCOPE,
    contract: EmbeddingContract = CONTRACT,
) -> None:
    """A gallery of random faces that all look like `crop`, written in bulk past the duplicate checks."""
    rng = np.random.default_rng(1)
    connection = schema.open_writer(path)
    store = Store(connection)
    at = datetime.now(UTC).isoformat()
    with schema.transaction(connection):
        store.activate(contract)
        contract_seq = store.contract_seq(contract)
        seqs = [store.add_character(scope, f"character {number}") for number in range(characters)]
        for number, seq in enumerate(seqs):
            store.set_series(seq, f"series {number % 200}")
        owners = rng.choice(seqs, samples)
        for start in range(0, samples, 10_000):
            rows = range(start, min(start + 10_000, samples))
            vectors = as_embeddings(rng.standard_normal((len(rows), contract.dimension)), contract.dimension)
            hashes = rng.integers(-(1 << 63), 1 << 63, len(rows)).tolist()
            connection.executemany(
                "INSERT INTO faces VALUES(?, ?, ?, 0, ?, ?, '', ?, '', NULL)",
                [
                    (row + 1, f"{row:016x}", int(owners[row]), f"{row:064x}", phash, at)
                    for row, phash in zip(rows, hashes, strict=True)
                ],
            )
            connection.executemany(
                "INSERT INTO crops VALUES(?, ?, 0, 0, 1, 1)", [(row + 1, crop) for row in rows]
            )
            connection.executemany(
                "INSERT INTO embeddings(face, contract, vector) VALUES(?, ?, ?)",
                [
                    (row + 1, contract_seq, vector.tobytes())
                    for row, vector in zip(rows, vectors, strict=True)
                ],
            )
    connection.close()


def opened_in_new_process(path: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.gallery", "--open", str(path)]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


async def measure_open(path: Path) -> int:
    started = time.perf_counter()
    gallery = await open_embedded_gallery(path, CONTRACT)
    print(time.perf_counter() - started)
    await gallery.close()
    return 0


async def measure_search(path: Path, repeats: int) -> dict[str, float]:
    gallery = await open_embedded_gallery(path, CONTRACT)
    view = gallery._projection.view(SCOPE)
    matrix = view.vectors[: len(view.owners)]
    rng = np.random.default_rng(2)
    near = matrix[rng.choice(len(matrix), PROBES)] + rng.standard_normal((PROBES, DIMENSION)) * 0.03
    probes = as_embeddings(near, DIMENSION)
    searches, products = [], []
    for _ in range(repeats + 3):
        started = time.perf_counter()
        scores = probes @ matrix.T
        products.append(time.perf_counter() - started)
        started = time.perf_counter()
        matches = await gallery.search(probes, [SCOPE], top=5)
        searches.append(time.perf_counter() - started)
    for row, found in zip(scores, matches, strict=True):
        assert abs(found[0].similarity - row.max()) < 1e-5
    await gallery.close()
    search_ms, product_ms = (1000 * statistics.median(times[3:]) for times in (searches, products))
    return {"search_ms": search_ms, "matrix_product_ms": product_ms, "search_ratio": search_ms / product_ms}


if __name__ == "__main__":
    raise SystemExit(main())
