"""Another model for a gallery that is searched all the time, by a process that is killed twice on the way.

`ES_TEST_SAMPLES=100000` makes it a large one.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from inference.domain import CharacterId, FaceBox, FaceCrop, SampleId, Scope
from inference.gallery.archive import ArchivedCharacter, ArchivedFace
from inference.gallery.base import NewSample
from inference.gallery.elasticsearch.gallery import ElasticsearchGallery
from inference.gallery.transfer import Page
from tests.elasticsearch_server.shared import (
    connect,
    new_prefix,
    open_test_gallery,
    remove_gallery,
    server_address,
)
from tests.inference.gallery.elasticsearch.reindexing import AFTER
from tests.inference.gallery.samples import HashEmbedder, make_contract, make_embedding, probes

pytestmark = [pytest.mark.elasticsearch, pytest.mark.timeout(7_200)]
HERE = Scope("here")
SAMPLES = int(os.environ.get("ES_TEST_SAMPLES") or 400)
SAMPLES_PER_CHARACTER = 10
BOX = FaceBox(6, 6, 18, 18)


def crop_of(number: int) -> FaceCrop:
    """Never decoded: the embedder of the tests only looks at its bytes."""
    return FaceCrop(number.to_bytes(8, "big"), BOX)


def id_of(number: int) -> SampleId:
    return SampleId(f"{number:016x}")


def pages() -> Iterator[Page]:
    """What an archive of the gallery would hold."""
    at = datetime(2024, 2, 28, tzinfo=UTC)
    for start in range(0, SAMPLES, 1_000):
        characters, faces = {}, []
        for number in range(start, min(start + 1_000, SAMPLES)):
            owner = number // SAMPLES_PER_CHARACTER
            characters[owner] = ArchivedCharacter(CharacterId(f"c{owner}"), HERE, f"c{owner}", "", ())
            crop = crop_of(number)
            sample = NewSample(crop, make_embedding(number), f"content {number}", number, source="made")
            face = ArchivedFace(
                id_of(number),
                CharacterId(f"c{owner}"),
                negative=False,
                content_hash=sample.content_hash,
                perceptual_hash=number,
                added_by="",
                added_at=at,
                source="made",
                box=BOX,
                crop_bytes=len(crop.data),
            )
            faces.append((face, sample))
        yield Page(tuple(characters.values()), tuple(faces))


class Searching:
    """Asks for enrolled faces until it is stopped, and counts the answers that are none or wrong."""

    def __init__(self, gallery: ElasticsearchGallery) -> None:
        self._gallery = gallery
        self._stop = asyncio.Event()
        self.right = 0
        self.failed: list[object] = []

    async def run(self) -> None:
        while not self._stop.is_set():
            number = random.randrange(SAMPLES)
            try:
                [matches] = await self._gallery.search(probes(make_embedding(number)), [HERE], top=1)
            except Exception as error:
                self.failed.append(error)
                continue
            if matches and matches[0].sample_id == id_of(number):
                self.right += 1
            else:
                self.failed.append((number, matches))

    def stop(self) -> None:
        self._stop.set()


async def reindex_until(prefix: str, share: float) -> bool:
    """Kills it once that share is done; True when it came to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.inference.gallery.elasticsearch.reindexing", server_address(), prefix),
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdin and process.stdout
    while (line := (await process.stdout.readline()).split()) and line != [b"over"]:
        process.stdin.write(b"\n")
        await process.stdin.drain()
        if int(line[0]) >= share * int(line[1]):
            await asyncio.sleep(random.uniform(0, 0.05))  # somewhere in the middle of the next batch
            process.kill()
            break
    return await process.wait() == 0


async def test_reindexing_under_load_and_killed_twice_fails_no_search_and_loses_no_sample() -> None:
    prefix = new_prefix()
    old = await open_test_gallery(prefix, make_contract())
    for page in pages():
        await old.add_page(page)
    assert (await old.stats()).samples == SAMPLES
    searching = [Searching(old) for _ in range(2)]
    load = [asyncio.create_task(one.run()) for one in searching]
    started = time.monotonic()
    assert not await reindex_until(prefix, 0.3)
    assert not await reindex_until(prefix, 0.6)
    assert await reindex_until(prefix, 2.0)
    took_s = time.monotonic() - started
    for one in searching:
        one.stop()
    await asyncio.gather(*load)
    failed = [failure for one in searching for failure in one.failed]
    assert not failed, failed[:3]
    right = sum(one.right for one in searching)
    assert right >= 10

    new = await open_test_gallery(prefix, AFTER)
    assert (await new.stats()).samples == SAMPLES
    found, after = set(), 0
    while (page := await new.page_of_faces(after, 1_000)).faces:
        found |= {face.id for face, _ in page.faces}
        after = page.last
    assert found == {id_of(number) for number in range(SAMPLES)}
    embedder = HashEmbedder(AFTER.dimension)
    for number in range(0, SAMPLES, max(SAMPLES // 50, 1)):
        [[match]] = await new.search(probes(embedder.embed(crop_of(number))), [HERE], top=1)
        assert (match.sample_id, match.similarity) == (id_of(number), pytest.approx(1, abs=1e-6))
    print(f"{SAMPLES} samples in {took_s:.0f} s, killed twice: {right} searches, none failed, none lost")
    await old.close()
    await new.close()
    cluster = connect()
    await remove_gallery(prefix, cluster)
    await cluster.close()
