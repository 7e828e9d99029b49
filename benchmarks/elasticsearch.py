"""How well and how fast the gallery in Elasticsearch answers, next to the embedded one, on the same faces.

    ES_URL=http://127.0.0.1:9200 python -m benchmarks.elasticsearch [--samples 100000] [--index flat,bbq_hnsw]

The faces are made: characters in styles, ten samples each, as far from each other as those of a good embedder
are. Probes are new faces of enrolled characters and of strangers. For each kind of index it prints what share
of the probes gets the same nearest character as exact search gives (of those that are known at all), what
share gets the same decision, how long a picture of eight faces takes, and how large the index is. The
embedded gallery is asked in turn with the other one, so that the ratio holds on a busy machine too. The
galleries are filled in bulk, past the duplicate checks.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import numpy as np
from elasticsearch import AsyncElasticsearch
from numpy.typing import NDArray

from benchmarks.faces import CONTRACT, DIMENSION, SCOPE, Faces, make_faces
from benchmarks.faces import fill as fill_embedded
from config.options import GalleryOptions
from inference.domain import (
    CharacterId,
    Embeddings,
    FaceBox,
    FaceCrop,
    Match,
    SampleId,
)
from inference.gallery.base import Gallery
from inference.gallery.elasticsearch.access import ClusterAccess
from inference.gallery.elasticsearch.client import Cluster
from inference.gallery.elasticsearch.commits import HEAD
from inference.gallery.elasticsearch.documents import CharacterDocument, FaceDocument
from inference.gallery.elasticsearch.gallery import Behaviour, open_elasticsearch_gallery
from inference.gallery.elasticsearch.mappings import SCHEMA_VERSION, IndexNames, IndexSettings
from inference.gallery.embedded import open_embedded_gallery

FACES_IN_PICTURE = 8
FALSE_NAME_RATE = 0.01
BARS = {"recall_at_1": 0.99, "same_decision": 0.995}
_AT_ONCE = 500


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--probes", type=int, default=2_000)
    parser.add_argument("--narrow", action="store_true", help="faces that differ in few directions only")
    parser.add_argument("--index", default="int8_hnsw,flat,bbq_hnsw", help="kinds, separated by commas")
    parser.add_argument("--candidates", default="256", help="vectors looked at; several: one line each")
    parser.add_argument("--crop-bytes", type=int, default=4_000)
    parser.add_argument("--no-embedded", action="store_true")
    parser.add_argument("--merge", action="store_true", help="also measure after merging into one segment")
    parser.add_argument(
        "--convert", action="store_true", help="fill only the first kind, and make the others out of it"
    )
    arguments = parser.parse_args()
    if not os.environ.get("ES_URL"):
        sys.exit("name a server in ES_URL")
    return asyncio.run(measure(arguments))


async def measure(arguments: argparse.Namespace) -> int:
    faces = make_faces(arguments.samples, arguments.probes, narrow=arguments.narrow)
    exact = exact_search(faces)
    known = faces.truth >= 0
    named = (exact.similarity >= exact.threshold) & (exact.nearest == faces.truth)
    print(
        f"{arguments.samples:,} samples of {int(faces.owners.max()) + 1:,} characters; exact search: "
        f"threshold {exact.threshold:.3f}, {np.mean(named[known]):.1%} of the enrolled named rightly; "
        f"load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    missed = 0
    async with AsyncExitStack() as opened:
        embedded: Gallery | None = None
        if not arguments.no_embedded:
            path = Path(opened.enter_context(tempfile.TemporaryDirectory())) / "gallery.sqlite"
            started = time.perf_counter()
            fill_embedded(path, faces, arguments.crop_bytes)
            filled_s, size = time.perf_counter() - started, path.stat().st_size
            started = time.perf_counter()
            exact_up_to = GalleryOptions().exact_up_to
            embedded = await open_embedded_gallery(path, CONTRACT, exact_up_to=exact_up_to)
            opened.push_async_callback(embedded.close)
            opened_s = time.perf_counter() - started
            missed += await report("embedded", embedded, faces, exact)
            print(f"    filled in {filled_s:.0f} s, opened in {opened_s:.1f} s, {size / 1e6:,.0f} MB on disk")
        missed += await measure_cluster(arguments, faces, exact, embedded)
    return 1 if missed else 0


async def measure_cluster(
    arguments: argparse.Namespace, faces: Faces, exact: Exact, embedded: Gallery | None
) -> int:
    """Prints the figures of each kind of index; returns how many bars they missed."""
    missed = 0
    kinds = arguments.index.split(",")
    for place, kind in enumerate(kinds):
        names = IndexNames(f"benchmark-{arguments.samples}-{kinds[0 if arguments.convert else place]}")
        cluster = connect()
        if place and arguments.convert:
            await convert(cluster, names, kind)
        else:
            await fill(cluster, names, IndexSettings(kind), faces, arguments.crop_bytes)
        states = [None, merge] if arguments.merge and not arguments.convert else [None]
        for change in states:
            if change:
                await change(cluster, names)
            missed += await measure_index(
                cluster,
                names,
                kind,
                faces=faces,
                exact=exact,
                candidates=arguments.candidates,
                embedded=embedded,
            )
        if not arguments.convert or kind == kinds[-1]:
            for name in (names.characters, names.audit, names.meta, names.faces(CONTRACT.id)):
                await cluster.delete_index(name)
                await cluster.delete_template(name)
        await cluster.close()
    return missed


async def fill(
    cluster: Cluster, names: IndexNames, index: IndexSettings, faces: Faces, crop_bytes: int
) -> None:
    gallery = await open_elasticsearch_gallery(connect(), CONTRACT, Behaviour(names.prefix, index))
    await gallery.close()
    started = time.perf_counter()
    await fill_cluster(cluster, names, faces, crop_bytes)
    await cluster.refresh(names.everything)
    print(f"    filled in {time.perf_counter() - started:.0f} s", flush=True)


async def convert(cluster: Cluster, names: IndexNames, kind: str) -> None:
    """The same faces in another kind of index: segments that are merged become that kind."""
    properties = {
        "embedding": {
            "type": "dense_vector",
            "dims": DIMENSION,
            "index": True,
            "similarity": "cosine",
            "index_options": {"type": kind},
        }
    }
    index = names.faces(CONTRACT.id)
    await cluster._client.indices.put_mapping(index=index, properties=properties)
    # One segment alone would not be merged again.
    await cluster._client.index(index=index, id="another segment", document={"seq": 0}, refresh=True)
    await merge(cluster, names)
    await cluster._client.delete(index=index, id="another segment", refresh=True)


async def merge(cluster: Cluster, names: IndexNames) -> None:
    """Into one segment."""
    # What merges may leave out is only known some time after a flush.
    await cluster._client.indices.flush(index=names.everything)
    await asyncio.sleep(40)
    started = time.perf_counter()
    await patient(cluster).indices.forcemerge(index=names.faces(CONTRACT.id), max_num_segments=1)
    print(f"    merged in {time.perf_counter() - started:.0f} s", flush=True)


async def measure_index(
    cluster: Cluster,
    names: IndexNames,
    kind: str,
    *,
    faces: Faces,
    exact: Exact,
    candidates: str,
    embedded: Gallery | None,
) -> int:
    missed = 0
    await settle(cluster, names)
    for count in map(int, candidates.split(",")):
        behaviour = Behaviour(names.prefix, IndexSettings(kind), count)
        gallery = await open_elasticsearch_gallery(connect(), CONTRACT, behaviour, read_only=True)
        missed += await report(f"{kind}, {count} candidates", gallery, faces, exact, beside=embedded)
        await gallery.close()
    stats = await cluster._client.indices.stats(index=names.faces(CONTRACT.id), metric="segments,store")
    totals = stats["_all"]["primaries"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a preview, it says
        usage = await patient(cluster).indices.disk_usage(
            index=names.faces(CONTRACT.id), run_expensive_tasks=True
        )
    vectors = usage[names.faces(CONTRACT.id)]["fields"]["embedding"]["knn_vectors_in_bytes"]
    print(
        f"    {totals['store']['size_in_bytes'] / 1e6:,.0f} MB on disk, {vectors / 1e6:,.0f} MB of it "
        f"vectors, {totals['segments']['count']} segments",
        flush=True,
    )
    return missed


async def settle(cluster: Cluster, names: IndexNames) -> None:
    """Waits until no segments are being merged any more."""
    while True:
        answer = await cluster._client.indices.stats(index=names.everything, metric="merge")
        if not answer["_all"]["total"]["merges"]["current"]:
            return
        await asyncio.sleep(2)


def patient(cluster: Cluster) -> AsyncElasticsearch:
    """Its client, for requests that read or write whole indices."""
    return cluster._client.options(request_timeout=7_200)


def connect() -> Cluster:
    return Cluster(ClusterAccess((os.environ["ES_URL"],), timeout_s=120))


@dataclass(frozen=True)
class Exact:
    """What comparing with every sample gives."""

    nearest: NDArray[np.intp]
    """The nearest character of each probe."""
    similarity: NDArray[np.float32]
    threshold: float
    """Which as many strangers pass as may be named."""


def exact_search(faces: Faces) -> Exact:
    nearest, similarity = [], []
    for start in range(0, len(faces.probes), 64):
        scores = faces.probes[start : start + 64] @ faces.vectors.T
        best = scores.argmax(axis=1)
        nearest.append(faces.owners[best])
        similarity.append(scores[np.arange(len(best)), best])
    similarities = np.concatenate(similarity)
    threshold = float(np.quantile(similarities[faces.truth < 0], 1 - FALSE_NAME_RATE))
    return Exact(np.concatenate(nearest), similarities, threshold)


async def report(
    label: str, gallery: Gallery, faces: Faces, exact: Exact, *, beside: Gallery | None = None
) -> int:
    """Prints one gallery's figures, with the times of another in turn; returns how many bars it missed."""
    found: list[tuple[Match, ...]] = []
    times: dict[str, list[float]] = {"": [], "; embedded, in turn:": []}
    asked = dict(zip(times, filter(None, [gallery, beside]), strict=False))
    pictures = [
        Embeddings(faces.probes[start : start + FACES_IN_PICTURE])
        for start in range(0, len(faces.probes), FACES_IN_PICTURE)
    ]
    for picture in pictures[:10]:
        await gallery.search(picture, [SCOPE], top=5)
    for picture in pictures:
        for who, one in asked.items():
            started = time.perf_counter()
            answer = await one.search(picture, [SCOPE], top=5)
            times[who].append(1000 * (time.perf_counter() - started))
            found += answer if one is gallery else []
    theirs = np.array([int(one[0].character.id) if one else -1 for one in found])
    scores = np.array([one[0].similarity if one else -1.0 for one in found])
    known = faces.truth >= 0
    figures = {
        "recall_at_1": float(np.mean((theirs == exact.nearest)[known])),
        "same_decision": float(np.mean((scores >= exact.threshold) == (exact.similarity >= exact.threshold))),
    }
    verdicts = ", ".join(
        f"{name} {value:.4f} ({'met' if value >= BARS[name] else 'MISSED'})"
        for name, value in figures.items()
    )
    took = "".join(
        f"{who} p50 {statistics.median(times[who]):.1f} ms, p95 {np.quantile(times[who], 0.95):.1f} ms"
        for who in asked
    )
    print(f"{label}: {verdicts}; picture{took}", flush=True)
    return sum(figures[name] < bar for name, bar in BARS.items())


# ── filling ─────────────────────────────────────────────────────────────────────────────────────


async def fill_cluster(cluster: Cluster, names: IndexNames, faces: Faces, crop_bytes: int) -> None:
    """Characters, then faces, two requests at a time."""
    slots = asyncio.Semaphore(2)
    index = names.faces(CONTRACT.id)
    await cluster.set_refresh_interval(index, "-1")

    async def write(operations: Sequence[dict[str, object]]) -> None:
        try:
            for _, item in await cluster.bulk(operations):
                assert "error" not in item, item
        finally:
            slots.release()

    async with asyncio.TaskGroup() as writing:
        for operations in chain(
            character_operations(names, faces), face_operations(names, faces, crop_bytes)
        ):
            await slots.acquire()
            writing.create_task(write(operations))
    await cluster.set_refresh_interval(index, f"{IndexSettings().refresh_ms}ms")
    found = await cluster.get(names.meta, HEAD)
    assert found is not None
    state = {**found.source["state"], "commit": 1, "next_face": len(faces.vectors) + 1}
    assert state["schema"] == SCHEMA_VERSION
    await cluster.replace(names.meta, HEAD, {"state": state}, found.place)


def character_operations(names: IndexNames, faces: Faces) -> Iterator[list[dict[str, object]]]:
    owned: dict[int, list[SampleId]] = {}
    for row, owner in enumerate(faces.owners.tolist()):
        owned.setdefault(owner, []).append(SampleId(f"{row:016x}"))
    operations: list[dict[str, object]] = []
    for owner, samples in owned.items():
        character = CharacterDocument(
            CharacterId(str(owner)), SCOPE, (f"character {owner}",), "", tuple(samples)
        )
        operations += [
            {"index": {"_index": names.characters, "_id": character.id}},
            character.to_source(written=1),
        ]
        if len(operations) >= 2 * _AT_ONCE:
            yield operations
            operations = []
    yield operations


def face_operations(names: IndexNames, faces: Faces, crop_bytes: int) -> Iterator[list[dict[str, object]]]:
    rng, at = np.random.default_rng(3), datetime.now(UTC)
    operations: list[dict[str, object]] = []
    for row, owner in enumerate(faces.owners.tolist()):
        face = FaceDocument(
            SampleId(f"{row:016x}"),
            SCOPE,
            CharacterId(str(owner)),
            negative=False,
            content_hash=f"{row:064x}",
            perceptual_hash=int(rng.integers(0, 1 << 63)),
            added_by="",
            added_at=at,
            source="",
            seq=row + 1,
        )
        crop = FaceCrop(rng.bytes(crop_bytes), FaceBox(0, 0, 1, 1))
        operations += [
            {"index": {"_index": names.faces(CONTRACT.id), "_id": face.id}},
            face.to_source(crop, faces.vectors[row], written=1),
        ]
        if len(operations) >= 2 * _AT_ONCE:
            yield operations
            operations = []
    yield operations


if __name__ == "__main__":
    raise SystemExit(main())
