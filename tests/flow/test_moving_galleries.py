"""A gallery moved to a real Elasticsearch and back on the command line, and looked after there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from config.options import Options
from inference.domain import Scope
from inference.gallery.base import NewSample
from inference.gallery.factory import open_gallery
from tests.elasticsearch_server.server import free_port
from tests.elasticsearch_server.shared import connect, new_prefix, remove_gallery, server_address
from tests.flow.command_line import CommandLine
from tests.inference.gallery.samples import make_embedding, make_sample

CLI = Scope("cli")


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(tmp_path / "data", capsys)


def enroll(line: CommandLine) -> None:
    """Rin and Ran in the embedded gallery."""

    async def fill() -> None:
        async with open_gallery(Options(data_dir=line.data_dir)) as gallery:

            def sample(seed: int) -> NewSample:
                return make_sample(seed, embedding=make_embedding(seed, gallery.contract.dimension))

            await gallery.enroll(CLI, "Rin", [sample(1), sample(2)], series="Fate", aliases=["Rinrin"])
            await gallery.enroll(CLI, "Ran", [sample(3)])

    asyncio.run(fill())


@pytest.mark.elasticsearch
def test_a_gallery_moves_to_elasticsearch_and_back(line: CommandLine, tmp_path: Path) -> None:
    enroll(line)
    prefix, address = new_prefix(), server_address()
    there = [
        *("--set", f'elasticsearch.url=["{address}"]', "--set", f"elasticsearch.index_prefix={prefix}"),
        *("--set", "elasticsearch.timeout_s=60", "--set", "elasticsearch.change_timeout_s=120"),
    ]
    on_it = [*there, "--set", "gallery.backend=elasticsearch"]
    said = line.run("gallery", "copy", "--from", "embedded", "--to", "elasticsearch", *there)
    assert "2 characters and 3 faces looked at: 3 added" in said
    assert "All of them are there, byte for byte." in said
    said = line.run("gallery", "copy", "--from", "embedded", "--to", "elasticsearch", *there)
    assert "0 added" in said
    line.run("gallery", "copy", "--from", "embedded", "--to", "embedded", *there, code=78)

    assert line.records("characters", *on_it) == line.records("characters")
    line.run("rename", "Ran", "Ran Mouri", *on_it)
    assert "gallery" in line.run("doctor", *on_it, code=None).lower()
    assert "2 characters, 3 samples" in line.run("doctor", *on_it, code=None)
    classic(address, f"{prefix}-classic")
    said = line.run("gallery", "import-index", "--index", f"{prefix}-classic", *on_it)
    assert "Added 2 samples" in said
    assert line.run("gallery", "verify", *on_it, code=1).count("missing_crop") == 2

    line.data_dir = tmp_path / "other"
    said = line.run("gallery", "copy", "--from", "elasticsearch", "--to", "embedded", *there)
    assert "3 added" in said, "what has no crop stays behind"
    assert {one["name"] for one in line.records("characters")} == {"Rin", "Ran Mouri", "Saber"}
    with Elasticsearch(address) as client:
        client.indices.delete(index=f"{prefix}-classic")

    async def remove() -> None:
        cluster = connect()
        await remove_gallery(prefix, cluster)
        await cluster.close()

    asyncio.run(remove())


def classic(address: str, index: str) -> None:
    """Two documents as the classic recipe writes them."""
    with Elasticsearch(address) as client:
        client.indices.create(
            index=index, mappings={"properties": {"embedding": {"type": "dense_vector", "dims": 512}}}
        )
        for number in range(2):
            client.index(
                index=index,
                refresh=True,
                document={
                    "id": number,
                    "name": "Saber",
                    "img_name": f"{number}.png",
                    "embedding": make_embedding(50 + number, 512).tolist(),
                },
            )


def test_a_server_that_is_not_there_is_said_to_be_unreachable(line: CommandLine) -> None:
    nowhere = [
        *("--set", "gallery.backend=elasticsearch", "--set", "elasticsearch.timeout_s=1"),
        *("--set", f'elasticsearch.url=["http://127.0.0.1:{free_port()}"]'),
    ]
    line.run("characters", *nowhere, code=69)
    assert "The gallery cannot be reached" in line.errors
    assert "The gallery cannot be reached" in line.run("doctor", *nowhere, code=None)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('elasticsearch.url=["127.0.0.1:9200"]', "such as https://host:9200"),
        ("elasticsearch.url=[]", "it names no server"),
        ('elasticsearch.url=["http://me:secret@localhost:9200"]', "ELASTICSEARCH_PASSWORD"),
        ("elasticsearch.ca_file=nowhere.pem", "there is no file nowhere.pem"),
        ("elasticsearch.fingerprint=ab:cd", "a sha256"),
        ("elasticsearch.index_prefix=_Dareda", "lower-case letters"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_reason(
    line: CommandLine, setting: str, said: str
) -> None:
    line.run("characters", "--set", "gallery.backend=elasticsearch", "--set", setting, code=78)
    assert said in line.errors
    assert "me:secret" not in line.errors
