"""Whatever happens on the way to the server: a typed error in time, nothing half done, and recovery."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from inference.domain import Scope
from inference.errors import (
    GalleryAccessError,
    GalleryReadOnlyError,
    GalleryServerError,
    GalleryTlsError,
    GalleryUnavailableError,
    SampleExistsError,
)
from inference.gallery.elasticsearch.access import ClusterAccess
from inference.gallery.elasticsearch.circuit_breaker import CircuitBreaker
from inference.gallery.elasticsearch.client import Cluster
from inference.gallery.elasticsearch.gallery import ElasticsearchGallery
from inference.gallery.elasticsearch.mappings import IndexNames
from tests.elasticsearch_server.proxy import Fault, FaultProxy, proxied
from tests.elasticsearch_server.server import free_port
from tests.elasticsearch_server.shared import (
    connect,
    give_back,
    lent_prefix,
    new_prefix,
    open_test_gallery,
    remove_gallery,
    server_address,
)
from tests.inference.gallery.samples import make_contract, make_embedding, make_sample, probes

pytestmark = pytest.mark.elasticsearch
HERE = Scope("here")
TIMEOUT_S = 1.5
MARGIN_S = 1.5


@dataclass
class Behind:
    """A gallery that speaks to its server through the proxy, and one that speaks to it directly."""

    gallery: ElasticsearchGallery
    direct: ElasticsearchGallery
    proxy: FaultProxy
    prefix: str


@pytest.fixture
async def behind() -> AsyncIterator[Behind]:
    prefix = lent_prefix()
    async with proxied(server_address()) as proxy:
        direct = await open_test_gallery(prefix, make_contract())
        breaker = CircuitBreaker(failures=3, shortest_s=0.2, longest_s=0.5)
        cluster = Cluster(ClusterAccess((proxy.url,), timeout_s=TIMEOUT_S), breaker=breaker)
        gallery = await open_test_gallery(prefix, make_contract(), cluster=cluster)
        yield Behind(gallery, direct, proxy, prefix)
        await proxy.set(Fault.NONE)
        await gallery.close()
        assert not [f for f in await direct.verify(repair=False) if f.kind != "empty_character"]
        await direct.close()
    await give_back(prefix)


async def refused_in_time(call: Awaitable[object], *, limit_s: float = TIMEOUT_S) -> None:
    started = time.monotonic()
    with pytest.raises(GalleryUnavailableError) as caught:
        await call
    assert time.monotonic() - started < limit_s + MARGIN_S
    assert "try" in str(caught.value) or caught.value.data["reason"]


async def recovered(call: Callable[[], Awaitable[Any]], *, within_s: float = 20) -> Any:
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await call()
        except GalleryUnavailableError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


FAULTS = [fault for fault in Fault if fault is not Fault.NONE]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name.lower() for fault in FAULTS])
async def test_a_broken_connection_is_an_error_in_time_and_then_forgotten(
    behind: Behind, fault: Fault
) -> None:
    enrolled = await behind.direct.enroll(HERE, "Rin", [make_sample(1)])
    asked = probes(make_embedding(1))
    await recovered(lambda: behind.gallery.search(asked, [HERE], top=1))
    await behind.proxy.set(fault)
    for _ in range(3):
        await refused_in_time(behind.gallery.search(asked, [HERE], top=1))
    await refused_in_time(behind.gallery.character([HERE], "Rin"))
    await refused_in_time(behind.gallery.enroll(HERE, "Ran", [make_sample(2)]), limit_s=4 * TIMEOUT_S)

    await behind.proxy.set(Fault.NONE)
    [[match]] = await recovered(lambda: behind.gallery.search(asked, [HERE], top=1))
    assert match.sample_id == enrolled.samples[0].id
    try:
        await recovered(lambda: behind.gallery.enroll(HERE, "Ran", [make_sample(2)]))
    except SampleExistsError as error:  # it had arrived; only its answer had not
        assert error.data["character"] == "Ran"
    assert [(c.name, c.sample_count) for c in await behind.direct.characters([HERE])] == [
        ("Ran", 1),
        ("Rin", 1),
    ]


async def test_after_some_failures_nobody_waits_for_the_dead_server(behind: Behind) -> None:
    await behind.proxy.set(Fault.SILENT)
    asked = probes(make_embedding(1))
    await asyncio.gather(
        *(behind.gallery.search(asked, [HERE], top=1) for _ in range(4)), return_exceptions=True
    )
    started = time.monotonic()
    refused = await asyncio.gather(
        *(behind.gallery.search(asked, [HERE], top=1) for _ in range(200)), return_exceptions=True
    )
    assert all(isinstance(one, GalleryUnavailableError) for one in refused)
    # One of them may have been the one that tries.
    assert time.monotonic() - started < TIMEOUT_S + MARGIN_S


async def test_a_change_whose_answers_are_lost_is_made_once(behind: Behind) -> None:
    """Requests arrive and answers do not, at every point of a change in turn."""
    for number in range(12):

        async def break_after(answers: int) -> None:
            for _ in range(answers):
                await asyncio.sleep(0.004)
            await behind.proxy.set(Fault.DROP_ANSWERS)

        breaking = asyncio.create_task(break_after(number))
        sample = make_sample(100 + number)
        with suppress(GalleryUnavailableError):
            await behind.gallery.enroll(HERE, "Rin", [sample])
        await breaking
        await behind.proxy.set(Fault.NONE)
        with suppress(SampleExistsError):
            await recovered(lambda: behind.gallery.enroll(HERE, "Rin", [sample]))  # noqa: B023
    rin = await behind.direct.character([HERE], "Rin")
    sources = [one.source for one in await behind.direct.samples([HERE], rin.id)]
    assert sorted(sources) == sorted(f"picture {100 + number}" for number in range(12))


async def test_a_slow_server_is_waited_for_within_the_deadline(behind: Behind) -> None:
    await behind.gallery.enroll(HERE, "Rin", [make_sample(1)])
    behind.proxy.delay_s = 0.2
    [[match]] = await behind.gallery.search(probes(make_embedding(1)), [HERE], top=1)
    assert match.character.name == "Rin"
    behind.proxy.delay_s = 2 * TIMEOUT_S
    await refused_in_time(behind.gallery.search(probes(make_embedding(1)), [HERE], top=1))
    behind.proxy.delay_s = 0.0


# ── the start ───────────────────────────────────────────────────────────────────────────────────


async def test_a_server_that_is_not_there_is_a_clear_message() -> None:
    cluster = connect([f"http://127.0.0.1:{free_port()}"], timeout_s=0.5)
    with pytest.raises(GalleryUnavailableError, match="cannot be reached"):
        await open_test_gallery(new_prefix(), make_contract(), cluster=cluster)


async def test_a_server_that_comes_later_is_found_without_a_restart() -> None:
    prefix, asked = new_prefix(), probes(make_embedding(1))
    async with proxied(server_address()) as proxy:
        await proxy.set(Fault.REFUSE)
        gallery = await open_test_gallery(
            prefix, make_contract(), cluster=connect([proxy.url], timeout_s=1.0), wait=True
        )
        await refused_in_time(gallery.search(asked, [HERE], top=1))
        await refused_in_time(gallery.enroll(HERE, "Rin", [make_sample(1)]))
        await proxy.set(Fault.NONE)
        assert await recovered(lambda: gallery.search(asked, [HERE], top=1)) == [()]
        await gallery.enroll(HERE, "Rin", [make_sample(1)])
        await remove_gallery(prefix, gallery._cluster)
        await gallery.close()


# ── what servers say ────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def saying() -> AsyncIterator[Callable[[int, object, dict[str, str]], Awaitable[Cluster]]]:
    """A server that says the same to everything."""
    runners: list[web.AppRunner] = []
    clusters: list[Cluster] = []

    async def start(status: int, body: object, headers: dict[str, str]) -> Cluster:
        async def answer(_: web.Request) -> web.Response:
            return web.json_response(body, status=status, headers=headers)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        port = site._server.sockets[0].getsockname()[1]
        clusters.append(Cluster(ClusterAccess((f"http://127.0.0.1:{port}",), timeout_s=0.5)))
        return clusters[-1]

    yield start
    for cluster in clusters:
        await cluster.close()
    for runner in runners:
        await runner.cleanup()


PRODUCT = {"X-Elastic-Product": "Elasticsearch"}


def error(kind: str, reason: str = "because") -> dict[str, object]:
    return {"error": {"type": kind, "reason": reason, "root_cause": [{"type": kind, "reason": reason}]}}


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected", "said"),
    [
        (401, error("security_exception", "missing credentials"), PRODUCT, GalleryAccessError, "API_KEY"),
        (403, error("security_exception", "is unauthorized"), PRODUCT, GalleryAccessError, "unauthorized"),
        (200, {}, {}, GalleryServerError, "something else than Elasticsearch"),
        (
            200,
            {"nodes": {"a": {"version": "7.17.0"}}, "docs": []},
            PRODUCT,
            GalleryServerError,
            "Elasticsearch 7.17.0",
        ),
        (
            400,
            error("media_type_header_exception", "Invalid media-type value"),
            PRODUCT,
            GalleryServerError,
            "version of the protocol",
        ),
        (429, error("es_rejected_execution_exception"), PRODUCT, GalleryUnavailableError, "because"),
        (
            503,
            error("cluster_block_exception", "state not recovered"),
            PRODUCT,
            GalleryUnavailableError,
            "starting",
        ),
        (503, error("no_shard_available_action_exception"), PRODUCT, GalleryUnavailableError, "because"),
        (
            503,
            error("search_phase_execution_exception", "all shards failed"),
            PRODUCT,
            GalleryUnavailableError,
            "all shards failed",
        ),
        (502, "bad gateway", PRODUCT, GalleryUnavailableError, "bad gateway"),
    ],
)
async def test_what_the_server_says_is_an_error_that_says_what_to_do(
    saying: Callable[[int, object, dict[str, str]], Awaitable[Cluster]],
    status: int,
    body: object,
    headers: dict[str, str],
    expected: type[Exception],
    said: str,
) -> None:
    cluster = await saying(status, body, headers)
    with pytest.raises(expected, match=said) as caught:
        await open_test_gallery(new_prefix(), make_contract(), cluster=cluster)
    assert type(caught.value) in (expected, *expected.__subclasses__())


async def test_an_api_key_is_sent_with_every_request() -> None:
    """The servers of the tests cannot make keys: that needs a module that they lack."""
    sent: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        sent.append(request.headers.get("Authorization"))
        return web.json_response({"count": 3}, headers=PRODUCT)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    cluster = Cluster(ClusterAccess((address,), user="ignored", api_key=SecretStr("a2V5OnNlY3JldA==")))
    assert await cluster.count("anything", {"match_all": {}}) == 3
    await cluster.close()
    await runner.cleanup()
    assert sent == ["ApiKey a2V5OnNlY3JldA=="]


async def test_https_where_there_is_only_http_is_a_matter_of_trust() -> None:
    cluster = connect([server_address().replace("http://", "https://")], timeout_s=2.0)
    with pytest.raises((GalleryTlsError, GalleryUnavailableError)):
        await open_test_gallery(new_prefix(), make_contract(), cluster=cluster)


async def test_a_full_disk_stops_changes_and_not_searches(behind: Behind) -> None:
    await behind.gallery.enroll(HERE, "Rin", [make_sample(1)])
    names = IndexNames(behind.prefix)
    client = behind.direct._cluster._client
    indices = [names.meta, names.characters, names.audit, names.faces(make_contract().id)]
    await client.indices.put_settings(index=indices, settings={"blocks.read_only_allow_delete": True})
    started = time.monotonic()
    with pytest.raises(GalleryReadOnlyError, match="disk is nearly full"):
        await behind.gallery.enroll(HERE, "Ran", [make_sample(2)])
    assert time.monotonic() - started < 3 * TIMEOUT_S
    [[match]] = await behind.gallery.search(probes(make_embedding(1)), [HERE], top=1)
    assert match.character.name == "Rin"
    await client.indices.put_settings(index=indices, settings={"blocks.read_only_allow_delete": None})
    await behind.gallery.enroll(HERE, "Ran", [make_sample(2)])


async def test_a_full_disk_in_the_middle_of_a_change_leaves_it_whole(behind: Behind) -> None:
    """The change counts already when its faces cannot be written: they are, as soon as they can be."""
    names = IndexNames(behind.prefix)
    client = behind.direct._cluster._client
    faces = names.faces(make_contract().id)
    await client.indices.put_settings(index=faces, settings={"blocks.read_only_allow_delete": True})
    with pytest.raises(GalleryReadOnlyError):
        await behind.gallery.enroll(HERE, "Ran", [make_sample(2)])
    await client.indices.put_settings(index=faces, settings={"blocks.read_only_allow_delete": None})
    with pytest.raises(SampleExistsError):
        await behind.gallery.enroll(HERE, "Ran", [make_sample(2)])
    [[match]] = await behind.gallery.search(probes(make_embedding(2)), [HERE], top=1)
    assert match.character.name == "Ran"
