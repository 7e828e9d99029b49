"""The one server that all tests of a run share, each in indices of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from inference.domain import EmbeddingContract
from inference.gallery.audit import Clock, utc_now
from inference.gallery.elasticsearch.access import ClusterAccess
from inference.gallery.elasticsearch.client import Cluster
from inference.gallery.elasticsearch.commits import Commits, Write, delete, new_token
from inference.gallery.elasticsearch.gallery import (
    Behaviour,
    ElasticsearchGallery,
    open_elasticsearch_gallery,
)
from inference.gallery.elasticsearch.mappings import IndexNames, IndexSettings
from tests.elasticsearch_server.distribution import VERSION, NotAvailableError
from tests.elasticsearch_server.keeper import kept_server
from tests.inference.gallery.samples import make_contract

_VERSION_VARIABLE = "ES_TEST_VERSION"
_REQUIRE_VARIABLE = "ES_TEST_REQUIRED"


def server_version() -> str:
    return os.environ.get(_VERSION_VARIABLE) or VERSION


@cache
def _address() -> str | NotAvailableError:
    if os.environ.get("ES_URL"):
        return os.environ["ES_URL"]
    try:
        return kept_server(server_version())
    except NotAvailableError as error:
        return error


def server_address() -> str:
    """Of the server named by ES_URL, else of one that is fetched and started; skips without either."""
    found = _address()
    if isinstance(found, NotAvailableError):
        skip_without_server(found)
        raise AssertionError("unreachable")
    return found


def skip_without_server(reason: NotAvailableError) -> None:
    if os.environ.get(_REQUIRE_VARIABLE):
        pytest.fail(f"there is no Elasticsearch: {reason}")
    pytest.skip(f"there is no Elasticsearch: {reason}")


def new_prefix() -> str:
    """For the indices of one gallery that nobody else has."""
    return f"test-{uuid.uuid4().hex[:12]}"


_empty: list[str] = []
"""Of galleries that can be used again: to make the indices of one takes longer than most tests."""


def lent_prefix() -> str:
    """For a gallery that is empty, under the tests' first contract, or not there yet; `give_back()` it."""
    return _empty.pop() if _empty else new_prefix()


async def give_back(prefix: str) -> None:
    """Empties that gallery for the next test, or removes it where that is not enough."""
    names = IndexNames(prefix)
    cluster = connect()
    head = await Commits(cluster, names).head()
    if head and head.contracts == (make_contract(),):
        await empty_gallery(prefix, cluster)
        await cluster.refresh(names.everything)
        if await cluster.count(names.everything, {"match_all": {}}) == 1:  # the head alone
            _empty.append(prefix)
            await cluster.close()
            return
    await remove_gallery(prefix, cluster)
    await cluster.close()


def connect(addresses: Sequence[str] | None = None, **access: object) -> Cluster:
    """As patient as a loaded machine needs, unless told otherwise."""
    return Cluster(ClusterAccess(tuple(addresses or (server_address(),)), **{"timeout_s": 60.0, **access}))


async def open_test_gallery(
    prefix: str,
    contract: EmbeddingContract,
    *,
    cluster: Cluster | None = None,
    undo_days: int = 7,
    clock: Clock = utc_now,
    index: IndexSettings | None = None,
    **options: bool,
) -> ElasticsearchGallery:
    behaviour = Behaviour(prefix, index or IndexSettings(refresh_ms=10), patience_s=120, undo_days=undo_days)
    return await open_elasticsearch_gallery(cluster or connect(), contract, behaviour, clock=clock, **options)


async def empty_gallery(prefix: str, cluster: Cluster) -> None:
    """Removes all that is in it, as one more change: its indices can be used again."""
    names = IndexNames(prefix)
    commits = Commits(cluster, names)
    head = await commits.settled()
    writes: list[Write] = []
    for index in (names.characters, names.audit, *(names.faces(one.id) for one in head.contracts)):
        await cluster.refresh(index)
        hits = await cluster.search(index, query={"match_all": {}}, size=10_000, source=False)
        writes += [delete(index, hit["_id"]) for hit in hits["hits"]["hits"]]
    await commits.commit(head, replace(head, next_face=1, next_entry=1), writes, token=new_token(), parts=0)


async def remove_gallery(prefix: str, cluster: Cluster) -> None:
    """Its indices and templates."""
    names = IndexNames(prefix)
    head = await Commits(cluster, names).head()
    for index in (
        names.characters,
        names.audit,
        names.meta,
        *(names.faces(one.id) for one in (head.contracts if head else ())),
    ):
        await cluster.delete_index(index)
        await cluster.delete_template(index)
