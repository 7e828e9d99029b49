"""The application of Ray Serve on a Ray of its own, beside a server that keeps the gallery of both.

Ray wants an environment of its own, since it brings much along:
python3 -m venv .venv-ray && .venv-ray/bin/pip install -r requirements-ray.txt
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import aiohttp
import numpy as np
import pytest
from prometheus_client import Metric
from pydantic import SecretStr

from config.options import Options, ServiceOptions
from inference.domain import Scope
from inference.enroll import EnrollRequest
from inference.images import encode
from inference.metrics import Metrics
from inference.remote import RemoteFaceService, open_remote_face_service
from tests.service.serving import TOKEN, served, tiny_options
from tests.service.test_metrics import parsed, value

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-ray" / "bin" / "python"
PATIENCE_S = 120.0
HOME = Scope("home")
REPLICAS = {"min_replicas": 1, "max_replicas": 2, "target_ongoing_requests": 2, "upscale_delay_s": 0.2}

pytestmark = [
    pytest.mark.skipif(not PYTHON.is_file(), reason="Ray is not installed: the head of this file says how"),
    pytest.mark.timeout(400),
]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Without any settings of ours, and with nothing of Ray's left in the home folder."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), **more}


def in_ray(code: str, *arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run in the environment that has Ray, without a cluster."""
    return subprocess.run(
        [PYTHON, "-c", code, *arguments],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@dataclass
class Cluster:
    """Ray with the application, which has a server beside it that keeps the gallery."""

    address: str
    keeper: str
    said: SimpleQueue[dict[str, Any]]

    def wait_for_replicas(self, count: int) -> None:
        while self.said.get(timeout=PATIENCE_S)["replicas"] < count:
            pass

    def options(self) -> Options:
        return replace(Options(), service=ServiceOptions(url=(self.address, self.keeper)))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("ray")
    with served(tiny_options(folder)) as keeper:
        place = {"data_dir": str(folder), "set": ["models.pack=tiny"], "read_only": True}
        process = subprocess.Popen(
            [
                *(str(PYTHON), "-m", "tests.service.ray_cluster", json.dumps(place)),
                json.dumps({"ray_actor_options": {"num_cpus": 1}, "autoscaling_config": REPLICAS}),
            ],
            cwd=ROOT,
            env=environment(folder, SERVICE_TOKEN=TOKEN),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        said: SimpleQueue[dict[str, Any]] = SimpleQueue()
        assert process.stdin is not None and process.stdout is not None
        lines = process.stdout
        # Ray says things of its own there, too.
        listening = Thread(target=lambda: [said.put(json.loads(line)) for line in lines if line[0] == "{"])
        listening.start()
        try:
            yield Cluster(said.get(timeout=PATIENCE_S)["address"], keeper, said)
        except Empty:
            pytest.fail(f"Ray did not start within {PATIENCE_S:.0f} s")
        finally:
            process.stdin.close()
            process.wait(60)
            listening.join()
            lines.close()


def face() -> bytes:
    """A picture in which the tiny pack sees faces, and sharp ones."""
    noise = np.random.default_rng(1).integers(0, 55, (64, 64, 3), np.uint8)
    return encode(noise + np.array((0, 0, 200), np.uint8), format="png")


async def answer_of(
    address: str, method: str, path: str, body: bytes, **headers: str
) -> tuple[int, str, bytes]:
    """Status, media type and body."""
    sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    sent |= {name.replace("_", "-"): text for name, text in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, address + path, data=io.BytesIO(body) if body else None, headers=sent
        ) as response,
    ):
        assert response.headers.getall("X-Request-ID") == [headers.get("X_Request_ID", "one")]
        return response.status, response.content_type, await response.read()


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/healthz", b"", {}, 200),
        ("GET", "/readyz", b"", {}, 200),
        ("GET", "/openapi.json", b"", {}, 200),
        ("GET", "/openapi.json?a=%2F%20b", b"", {}, 200),
        ("GET", "/nowhere", b"", {}, 404),
        ("GET", "/now%20here%0D%0AX-Request-ID:%20two%0D%0A/%E3%81%88%2F?b=%0D%0A", b"", {}, 404),
        ("DELETE", "/v1/identify", b"", {}, 405),
        ("POST", "/v1/gallery/stats", b"{}", {}, 200),
        ("POST", "/v1/gallery/stats", b"{}", {"Authorization": "Bearer wrong"}, 401),
        ("POST", "/v1/gallery/stats", b"{", {}, 400),
        ("POST", "/v1/gallery/stats", b"{}", {"Content_Type": "text/plain"}, 415),
        ("POST", "/v1/gallery/stats", b"{}", {"Dareda_Contract": "another"}, 409),
        ("POST", "/v1/characters/find", b'{"scopes": ["home"], "name_or_id": "Nobody"}', {}, 404),
        ("POST", "/v1/identify", b'{"scopes": ["home"], "data": "bm8gcGljdHVyZQ=="}', {}, 422),
        ("POST", "/v1/identify", b" " * 40_000_000, {}, 413),
    ],
)  # fmt: skip
async def test_the_same_is_answered_as_by_a_server(
    cluster: Cluster, method: str, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    headers = {"X_Request_ID": "one", **headers}
    theirs = await answer_of(cluster.keeper, method, path, body, **headers)
    assert theirs[0] == status
    found = await answer_of(cluster.address, method, path, body, **headers)
    assert (found[0], found[1], found[2].replace(cluster.address.encode(), cluster.keeper.encode())) == theirs


async def test_a_deadline_goes_along(cluster: Cluster) -> None:
    body = json.dumps({"scopes": ["home"], "data": base64.b64encode(face()).decode()}).encode()
    late = {"X_Request_ID": "late", "Dareda_Seconds_Left": "0"}
    status, _, answer = await answer_of(cluster.address, "POST", "/v1/identify", body, **late)
    assert (status, json.loads(answer)["code"]) == (504, "deadline")


async def test_changes_go_to_the_keeper_and_are_seen_by_the_replicas(
    cluster: Cluster, tmp_path: Path
) -> None:
    async with open_remote_face_service(cluster.options(), SecretStr(TOKEN)) as both:
        enrolled = await both.enroll(face(), HOME, EnrollRequest("Blue", face=1))
    only = replace(Options(), service=ServiceOptions(url=(cluster.address,)))
    async with open_remote_face_service(only, SecretStr(TOKEN)) as replicas:
        found = await replicas.gallery.characters([HOME])
        assert [one.name for one in found] == ["Blue"]
        answer = await replicas.identify(face(), [HOME])
        assert enrolled.enrolled.character.id in {
            one.character.id for seen in answer.identification.faces for one in seen.matches
        }
        assert await replicas.gallery.export(tmp_path / "gallery.zip") == 1
    assert (tmp_path / "gallery.zip").read_bytes().startswith(b"PK")


async def test_load_brings_replicas_whose_batches_are_shared_and_nothing_is_lost(cluster: Cluster) -> None:
    only = replace(Options(), service=ServiceOptions(url=(cluster.address,)))
    async with open_remote_face_service(only, SecretStr(TOKEN)) as service:
        expected = (await service.identify(face(), [HOME], draw=False)).identification.faces
        more = asyncio.create_task(asyncio.to_thread(cluster.wait_for_replicas, 2))
        answered = 0

        async def client(service: RemoteFaceService) -> None:
            nonlocal answered
            while not more.done() or answered < 300:
                assert (await service.identify(face(), [HOME], draw=False)).identification.faces == expected
                answered += 1

        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*(client(service) for _ in range(32)))
            await more
    figures: dict[str, dict[str, Metric]] = {}
    async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        while len(figures) < 2:  # each time one of them answers
            async with session.get(f"{cluster.address}/metrics", headers=headers) as response:
                assert response.headers["Content-Type"] == Metrics.MEDIA_TYPE
                families = parsed(await response.text())
            (replica,) = {s.labels["replica"] for family in families.values() for s in family.samples}
            figures[replica] = families

    def total(sample: str, **labels: str) -> float:
        return sum(value(families, sample, **labels) for families in figures.values())

    assert total("dareda_pictures_total") > answered
    alone = total("dareda_batch_items_bucket", batcher="detector", le="1.0")
    calls = total("dareda_batch_items_count", batcher="detector")
    assert calls - alone > calls / 10  # pictures of several callers met


def test_without_a_token_no_replica_starts(tmp_path: Path) -> None:
    done = in_ray("import inference.ray_app as app; app._settings(app.Place())", home=tmp_path)
    assert done.returncode == 1
    assert "SettingsError: The setting SERVICE_TOKEN" in done.stderr.splitlines()[-1]


def test_the_configuration_for_clusters_fits_the_application(tmp_path: Path) -> None:
    code = """
import sys, yaml
from ray.serve.schema import ServeDeploySchema
from inference.ray_app import Place, deployment

(application,) = ServeDeploySchema.model_validate(yaml.safe_load(open(sys.argv[1]))).applications
(configured,) = application.deployments
made = deployment(Place.model_validate(application.args))
assert (application.import_path, configured.name) == ("inference.ray_app:build", made.name)
made.options(**configured.model_dump(exclude_unset=True, exclude={"name"}))
"""
    done = in_ray(code, str(ROOT / "deploy" / "ray-serve.yaml"), home=tmp_path)
    assert done.returncode == 0, done.stderr
