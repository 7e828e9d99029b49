"""A server of our own: killed in the middle, hanging, secured with passwords and a certificate.

`ES_TEST_ENROLLMENTS=1000` has that many faces enrolled at once when the server is killed.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from inference.domain import Scope
from inference.errors import (
    GalleryAccessError,
    GalleryTlsError,
    GalleryUnavailableError,
    SampleExistsError,
    SetupError,
)
from inference.gallery.elasticsearch.access import ClusterAccess
from inference.gallery.elasticsearch.client import Cluster
from inference.gallery.elasticsearch.gallery import ElasticsearchGallery
from tests.elasticsearch_server.distribution import NotAvailableError
from tests.elasticsearch_server.server import Node
from tests.elasticsearch_server.shared import (
    new_prefix,
    open_test_gallery,
    server_version,
    skip_without_server,
)
from tests.inference.gallery.samples import make_contract, make_embedding, make_sample, probes

pytestmark = [pytest.mark.elasticsearch, pytest.mark.slow, pytest.mark.timeout(900)]
HERE = Scope("here")
ENROLLMENTS = int(os.environ.get("ES_TEST_ENROLLMENTS") or 200)
PASSWORD = "a password of tests"
USERS = "".join(
    f"{user}:$2a$10$LyrRlDnitw9zhHcyIcSigOm6a602076gwlgJ/bBoz3WwklZ/F3Udy\n" for user in ("dareda", "limited")
)
USERS_ROLES = "superuser:dareda\ndareda:limited\n"
ROLE = """
dareda:
  cluster: [monitor, manage_index_templates]
  indices:
    - names: ["test-*"]
      privileges: [read, write, manage]
"""


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A server with a certificate of its own making, and a password."""
    try:
        made = Node(
            server_version(),
            secured=True,
            settings={
                "xpack.security.http.ssl.enabled": "true",
                "xpack.security.http.ssl.key": "server.key",
                "xpack.security.http.ssl.certificate": "server.pem",
                "xpack.security.http.ssl.certificate_authorities": "authority.pem",
                "xpack.security.transport.ssl.enabled": "false",
                "xpack.security.authc.api_key.enabled": "true",
                "xpack.license.self_generated.type": "basic",
            },
        )
        make_certificates(made.config)
        (made.config / "roles.yml").write_text(ROLE)
        (made.config / "users").write_text(USERS)
        (made.config / "users_roles").write_text(USERS_ROLES)
        made.start()
    except (NotAvailableError, subprocess.CalledProcessError, FileNotFoundError) as error:
        skip_without_server(NotAvailableError(str(error)))
    yield made
    made.remove()


def access_to(node: Node, **given: object) -> ClusterAccess:
    return ClusterAccess((node.url,), **{"user": "dareda", "timeout_s": 60.0, **given})


def let_in(node: Node, **given: object) -> ClusterAccess:
    authority = node.config / "authority.pem"
    return access_to(node, password=SecretStr(PASSWORD), ca_file=authority, **given)


async def opened(prefix: str, access: ClusterAccess) -> ElasticsearchGallery:
    """Once the server has also started what it has its users in."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return await open_test_gallery(prefix, make_contract(), cluster=Cluster(access))
        except GalleryUnavailableError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


async def until_back(gallery: ElasticsearchGallery, *, within_s: float = 120) -> None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            await gallery.characters([HERE], limit=1)
            return
        except GalleryUnavailableError:
            assert time.monotonic() < deadline, "it never came back"
            await asyncio.sleep(0.2)


async def test_a_server_that_is_killed_loses_nothing_that_was_acknowledged(node: Node) -> None:
    prefix = new_prefix()
    bots = [await opened(prefix, let_in(node, timeout_s=15.0)) for _ in range(2)]
    acknowledged: dict[int, str] = {}

    async def enroll(number: int) -> None:
        try:
            enrolled = await bots[number % 2].enroll(HERE, f"c{number % 50}", [make_sample(number)])
            acknowledged[number] = enrolled.samples[0].id
        except GalleryUnavailableError:
            pass

    enrolling = [asyncio.create_task(enroll(number)) for number in range(ENROLLMENTS)]
    while len(acknowledged) < ENROLLMENTS // 4:
        await asyncio.sleep(0.01)
    await asyncio.to_thread(node.kill)
    before = len(acknowledged)
    await asyncio.gather(*enrolling)
    assert before <= len(acknowledged) < ENROLLMENTS
    await asyncio.to_thread(node.start)
    for bot in bots:  # the same ones: no restart of theirs
        await until_back(bot)

    async def require_found(number: int, sample_id: str) -> None:
        duplicate = await bots[number % 2].find_duplicate(HERE, make_sample(number))
        assert duplicate and duplicate[1] == sample_id

    async def enroll_again(number: int) -> None:
        try:
            await bots[number % 2].enroll(HERE, f"c{number % 50}", [make_sample(number)])
            assert number not in acknowledged
        except SampleExistsError:
            pass

    await asyncio.gather(*(require_found(*one) for one in acknowledged.items()))
    await asyncio.gather(*(enroll_again(number) for number in range(ENROLLMENTS)))
    listed = [
        sample.source
        for character in await bots[0].characters([HERE])
        for sample in await bots[0].samples([HERE], character.id)
    ]
    assert sorted(listed) == sorted(f"picture {number}" for number in range(ENROLLMENTS))
    assert (await bots[0].stats()).samples == ENROLLMENTS
    assert not await bots[0].verify(repair=False)
    print(f"{len(acknowledged)} of {ENROLLMENTS} acknowledged before the kill, none lost, none twice")
    for bot in bots:
        await bot.close()


async def test_a_server_that_hangs_is_given_up_in_time_and_found_again(node: Node) -> None:
    prefix = new_prefix()
    patient = await opened(prefix, let_in(node))
    await patient.enroll(HERE, "Rin", [make_sample(1)])
    await patient.close()
    gallery = await open_test_gallery(
        prefix, make_contract(), cluster=Cluster(let_in(node, timeout_s=1.0)), wait=True
    )
    await until_back(gallery)
    node.freeze()
    for _ in range(6):
        started = time.monotonic()
        with pytest.raises(GalleryUnavailableError):
            await gallery.search(probes(make_embedding(1)), [HERE], top=1)
        assert time.monotonic() - started < 2.5
    node.thaw()
    await until_back(gallery)
    [[match]] = await gallery.search(probes(make_embedding(1)), [HERE], top=1)
    assert match.character.name == "Rin"
    await gallery.close()


# ── security ────────────────────────────────────────────────────────────────────────────────────


def make_certificates(folder: Path) -> None:
    """An authority, and a certificate for 127.0.0.1 signed by it."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)

    extension = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    openssl(
        *[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            "authority.key",
            "-out",
            "authority.pem",
        ],
        *("-subj", "/CN=tests", "-addext", "basicConstraints=critical,CA:TRUE"),
    )
    openssl(
        *[
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
            "-subj",
            "/CN=localhost",
        ]
    )
    (folder / "extension").write_text(extension)
    openssl(
        *[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "authority.pem",
            "-CAkey",
            "authority.key",
            "-CAcreateserial",
        ],
        *["-days", "2", "-extfile", "extension", "-out", "server.pem"],
    )


def fingerprint_of(folder: Path) -> str:
    done = subprocess.run(
        ["openssl", "x509", "-in", "server.pem", "-noout", "-fingerprint", "-sha256"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().rpartition("=")[2]


async def tried(access: ClusterAccess) -> None:
    gallery = await opened(new_prefix(), access)
    await gallery.enroll(HERE, "Rin", [make_sample(1)])
    [[match]] = await gallery.search(probes(make_embedding(1)), [HERE], top=1)
    assert match.character.name == "Rin"
    await gallery.close()


async def test_an_authority_a_fingerprint_or_blind_trust_lets_in_with_the_password(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    password = SecretStr(PASSWORD)
    await tried(access_to(node, password=password, ca_file=node.config / "authority.pem"))
    await tried(access_to(node, password=password, fingerprint=fingerprint_of(node.config)))
    await tried(access_to(node, password=password, verify_certificate=False))
    assert "gallery_certificate_not_verified" in caplog.text
    assert PASSWORD not in caplog.text


async def test_the_rights_that_the_manual_names_are_enough(node: Node) -> None:
    await tried(
        ClusterAccess(
            (node.url,),
            user="limited",
            password=SecretStr(PASSWORD),
            ca_file=node.config / "authority.pem",
            timeout_s=60.0,
        )
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"password": SecretStr(PASSWORD)}, GalleryTlsError),
        ({"password": SecretStr(PASSWORD), "fingerprint": "ab" * 32}, GalleryTlsError),
        ({"password": SecretStr("wrong"), "verify_certificate": False}, GalleryAccessError),
        ({"verify_certificate": False}, GalleryAccessError),
        ({"api_key": SecretStr("d3Jvbmc6d3Jvbmc="), "verify_certificate": False}, GalleryAccessError),
    ],
    ids=["self-signed", "another-fingerprint", "wrong-password", "no-password", "wrong-key"],
)
async def test_who_is_not_to_be_trusted_or_let_in_is_told_apart(
    node: Node, given: dict[str, object], expected: type[SetupError], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(expected) as caught:
        await open_test_gallery(new_prefix(), make_contract(), cluster=Cluster(access_to(node, **given)))
    said = f"{caught.value!r} {caught.value} {caplog.text}"
    assert not any(secret in said for secret in (PASSWORD, "d3Jvbmc6d3Jvbmc=", "wrong:wrong"))
