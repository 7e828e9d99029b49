"""Three servers that form a cluster, of which one is lost."""

from __future__ import annotations

import asyncio
import time

import pytest

from inference.domain import Scope
from inference.errors import GalleryUnavailableError, SampleExistsError
from inference.gallery.elasticsearch.mappings import IndexNames
from tests.elasticsearch_server.distribution import NotAvailableError
from tests.elasticsearch_server.server import Node, start_cluster
from tests.elasticsearch_server.shared import (
    connect,
    new_prefix,
    open_test_gallery,
    server_version,
    skip_without_server,
)
from tests.inference.gallery.samples import make_contract, make_embedding, make_sample, probes

pytestmark = [pytest.mark.elasticsearch, pytest.mark.slow, pytest.mark.timeout(900)]
HERE = Scope("here")


async def test_a_cluster_that_loses_a_node_goes_on_and_red_shards_are_said_to_be_red() -> None:
    try:
        nodes = start_cluster(server_version(), 3)
    except NotAvailableError as error:
        skip_without_server(error)
    try:
        await lose_nodes(list(nodes))
    finally:
        for one in nodes:
            one.remove()


async def lose_nodes(nodes: list[Node]) -> None:
    prefix = new_prefix()
    cluster = connect([node.url for node in nodes], timeout_s=8.0)
    gallery = await open_test_gallery(prefix, make_contract(), cluster=cluster)
    client = cluster._client
    await client.cluster.health(wait_for_status="green", timeout="60s")
    acknowledged: set[int] = set()
    failed: list[str] = []
    stop = asyncio.Event()

    async def enroll_all_the_time() -> None:
        number = 0
        while not stop.is_set():
            try:
                await gallery.enroll(HERE, f"c{number % 10}", [make_sample(number)])
                acknowledged.add(number)
            except GalleryUnavailableError as error:
                failed.append(str(error))
            except SampleExistsError:
                pass
            number += 1

    async def search_all_the_time() -> None:
        while not stop.is_set():
            started = time.monotonic()
            try:
                await gallery.search(probes(make_embedding(0)), [HERE], top=3)
            except GalleryUnavailableError as error:
                failed.append(str(error))
            assert time.monotonic() - started < 10
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as working:
        working.create_task(enroll_all_the_time())
        working.create_task(search_all_the_time())
        async with asyncio.timeout(60):
            while len(acknowledged) < 5:
                await asyncio.sleep(0.05)
        shards = await client.cat.shards(index=IndexNames(prefix).faces(make_contract().id), format="json")
        primary = next(one["node"] for one in shards if one["prirep"] == "p")
        lost = next(node for node in nodes if node._settings["node.name"] == primary)
        await asyncio.to_thread(lost.kill)
        known = len(acknowledged)
        async with asyncio.timeout(120):
            while len(acknowledged) < known + 20:
                await asyncio.sleep(0.1)
        stop.set()
    for number in acknowledged:
        assert await gallery.find_duplicate(HERE, make_sample(number)) is not None
    assert not [f for f in await gallery.verify(repair=False) if f.kind != "empty_character"]
    print(f"{len(acknowledged)} acknowledged, {len(failed)} calls refused while a node was lost")

    # Without copies, the next node takes the only one along.
    faces = IndexNames(prefix).faces(make_contract().id)
    # It must stay where it is: the node that comes back would be given some shards.
    alone = {"auto_expand_replicas": False, "number_of_replicas": 0, "routing.rebalance.enable": "none"}
    await client.indices.put_settings(index=faces, settings=alone)
    await asyncio.to_thread(lost.start)
    await client.cluster.health(wait_for_nodes="3", wait_for_no_relocating_shards=True, timeout="60s")
    shards = await client.cat.shards(index=faces, format="json")
    holder = next(node for node in nodes if node._settings["node.name"] == shards[0]["node"])
    await asyncio.to_thread(holder.kill)
    started = time.monotonic()
    with pytest.raises(GalleryUnavailableError):
        await gallery.search(probes(make_embedding(0)), [HERE], top=3)
    assert time.monotonic() - started < 10
    await asyncio.to_thread(holder.start)
    async with asyncio.timeout(90):
        while True:
            try:
                [[match, *_]] = await gallery.search(probes(make_embedding(0)), [HERE], top=3)
                break
            except GalleryUnavailableError:
                await asyncio.sleep(0.2)
    assert match.character.name == "c0"
    await gallery.close()
