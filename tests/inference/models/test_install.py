"""Installing a pack: it is there whole and verified, or nothing is."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import shutil
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from inference.errors import AppError, ModelFileError, ServiceUnavailableError, SettingsError
from inference.models import find_pack, verify_pack
from inference.models.archive import MAX_MEMBERS, unpack
from inference.models.install import install_pack
from tests.inference.models.tiny_pack import make_pack
from tests.inference.models.tls_server import Certificate, make_certificate, serve

PROJECT = Path(__file__).resolve().parents[3]
FILES = ["ABOUT.md", "finder.onnx", "manifest.toml", "networks/namer.onnx"]


def zip_of(folder: Path, inner: str = "") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, inner + path.relative_to(folder).as_posix())
    return target.getvalue()


def tar_of(folder: Path, inner: str = "", compression: str = "gz") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=f"w:{compression}") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, inner + path.name)
    return target.getvalue()


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def everything_outside(user_dir: Path, root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if user_dir not in (path, *path.parents, path / "models")}


def left_over(user_dir: Path) -> list[Path]:
    """Downloads of installations that did not finish."""
    return list(user_dir.glob(".installing-*/archive"))


def nothing_in(user_dir: Path) -> bool:
    """Nothing but the lock, which stays."""
    return names_in(user_dir) <= {".install.lock"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_pack(tmp_path / "source")


@pytest.fixture
def user_dir(tmp_path: Path) -> Path:
    return tmp_path / "data" / "models"


# ── from the disk ───────────────────────────────────────────────────────────────────────────────


async def test_a_folder_is_installed_under_its_own_name_without_what_it_does_not_list(
    source: Path, user_dir: Path
) -> None:
    (source / "notes.txt").write_text("not listed")
    pack = await install_pack(str(source), user_dir)
    assert pack == find_pack("tiny", user_dir)
    assert files_in(user_dir / "tiny") == FILES
    assert verify_pack(pack) == ()
    assert files_in(source) == sorted([*FILES, "notes.txt"])


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("p.zip", zip_of),
        ("p.tar.gz", tar_of),
        ("p.tar.xz", lambda folder: tar_of(folder, compression="xz")),
        ("p.tar", lambda folder: tar_of(folder, compression="")),
        ("nested.zip", lambda folder: zip_of(folder, "tiny-1.0/")),
        ("nested.tgz", lambda folder: tar_of(folder, "./tiny/")),
        ("no-extension", tar_of),
    ],
)
async def test_an_archive_is_installed(
    source: Path, user_dir: Path, tmp_path: Path, name: str, make: Callable[[Path], bytes]
) -> None:
    archive = tmp_path / name
    archive.write_bytes(make(source))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    pack = await install_pack(str(archive), user_dir, sha256=digest.upper())
    assert files_in(pack.folder) == FILES
    assert names_in(user_dir) == {"tiny", ".install.lock"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"files|finder.onnx": {"sha256": "0" * 64, "size": 1}}, "finder.onnx: it has"),
        ({"files|gone.txt": {"sha256": "0" * 64, "size": 1}}, "gone.txt: it does not exist"),
        ({"embedder.dimension": 64}, "not 64 numbers"),
        ({"detector.classes": ["face"]}, "1 classes"),
        ({"name": "dareda-1"}, "comes with Dareda"),
        ({"surprise": 1}, "surprise is not a known key"),
        ({"files|huge.bin": {"sha256": "0" * 64, "size": 3 * 1024**3}}, "the limit is"),
    ],
)
async def test_a_pack_that_is_not_what_it_says_leaves_nothing(
    source: Path, user_dir: Path, changes: dict, complaint: str
) -> None:
    make_pack(source, changes)
    with pytest.raises(ModelFileError) as caught:
        await install_pack(str(source), user_dir)
    assert complaint in str(caught.value)
    assert nothing_in(user_dir)


async def test_sources_that_cannot_be_a_pack_are_refused(
    source: Path, user_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.zip").write_text("no archive")
    (tmp_path / "hollow").mkdir()
    for path, complaint in [
        (tmp_path / "absent", "no such file"),
        (tmp_path / "text.zip", "cannot be unpacked"),
        (tmp_path / "hollow", "does not exist"),
    ]:
        with pytest.raises(ModelFileError, match=complaint):
            await install_pack(str(path), user_dir)
    with pytest.raises(SettingsError, match="64 hexadecimal digits"):
        await install_pack(str(source), user_dir, sha256="abc")
    with pytest.raises(SettingsError, match="not of a folder"):
        await install_pack(str(source), user_dir, sha256="0" * 64)
    (tmp_path / "p.zip").write_bytes(zip_of(source))
    with pytest.raises(ModelFileError, match="sha256"):
        await install_pack(str(tmp_path / "p.zip"), user_dir, sha256="0" * 64)
    assert nothing_in(user_dir)


async def test_a_folder_that_cannot_be_written_to_is_a_setup_error(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelFileError, match="rights"):
        await install_pack(str(source), tmp_path / "file" / "models")


async def test_the_same_pack_again_changes_nothing_but_mends_damage(source: Path, user_dir: Path) -> None:
    installed = (await install_pack(str(source), user_dir)).folder
    before = (installed / "finder.onnx").stat()
    await install_pack(str(source), user_dir)
    assert (installed / "finder.onnx").stat() == before
    (installed / "finder.onnx").write_bytes(b"damaged")
    pack = await install_pack(str(source), user_dir)
    assert verify_pack(pack) == ()


async def test_another_pack_of_the_same_name_is_refused(source: Path, user_dir: Path) -> None:
    await install_pack(str(source), user_dir)
    make_pack(source, {"title": "Another"})
    with pytest.raises(ModelFileError, match="Remove that folder first"):
        await install_pack(str(source), user_dir)
    assert find_pack("tiny", user_dir).manifest.title == "Three colours"


async def test_installing_the_same_pack_at_once_gives_one_whole_pack(source: Path, user_dir: Path) -> None:
    packs = await asyncio.gather(*(install_pack(str(source), user_dir) for _ in range(4)))
    assert {pack.folder for pack in packs} == {user_dir / "tiny"}
    assert verify_pack(packs[0]) == ()
    assert names_in(user_dir) == {"tiny", ".install.lock"}


async def test_a_cancelled_installation_leaves_nothing(source: Path, user_dir: Path) -> None:
    for delay_s in (0.0, 0.01, 0.03):
        task = asyncio.create_task(install_pack(str(source), user_dir))
        await asyncio.sleep(delay_s)
        task.cancel()
        await asyncio.wait([task])
        # A step that was under way runs to its end, so a late cancel may find the pack in place, whole.
        assert nothing_in(user_dir) or verify_pack(find_pack("tiny", user_dir)) == ()
        shutil.rmtree(user_dir, ignore_errors=True)


# ── hostile archives ────────────────────────────────────────────────────────────────────────────


def zip_with(name: str, mode: int = stat.S_IFREG | 0o644, data: bytes = b"x", times: int = 1) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for _ in range(times):
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return target.getvalue()


def tar_with(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, link, len(data)
        archive.addfile(info, io.BytesIO(data))
    return target.getvalue()


def zip_of_many(count: int) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}", b"")
    return target.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "zip parent": lambda: zip_with("../evil.txt"),
    "zip inner parent": lambda: zip_with("a/../../evil.txt"),
    "zip absolute": lambda: zip_with("/evil.txt"),
    "zip backslash": lambda: zip_with("..\\evil.txt"),
    "zip drive": lambda: zip_with("C:evil.txt"),
    "zip symlink": lambda: zip_with("link", stat.S_IFLNK | 0o777, b"/etc/passwd"),
    "zip device": lambda: zip_with("device", stat.S_IFCHR | 0o666),
    "zip bomb": lambda: zip_with("zeros", data=bytes(20_000_000)),
    "zip of very many": lambda: zip_of_many(MAX_MEMBERS + 1),
    "zip cut": lambda: zip_with("x", data=os.urandom(5_000))[:-2_000],
    "zip long name": lambda: zip_with("a" * 600),
    "zip control character": lambda: zip_with("a\nb"),
    "tar parent": lambda: tar_with("../evil.txt"),
    "tar absolute": lambda: tar_with("/evil.txt"),
    "tar symlink": lambda: tar_with("link", tarfile.SYMTYPE, "../.."),
    "tar hard link": lambda: tar_with("link", tarfile.LNKTYPE, "/etc/passwd"),
    "tar fifo": lambda: tar_with("fifo", tarfile.FIFOTYPE),
    "tar device": lambda: tar_with("device", tarfile.CHRTYPE),
    "tar bomb": lambda: tar_with("zeros", data=bytes(20_000_000)),
    "tar cut": lambda: tar_with("x", data=os.urandom(50_000))[:-10_000],
    "empty": lambda: b"",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_archive_is_refused_and_writes_nothing_outside(
    tmp_path: Path, user_dir: Path, kind: str
) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(HOSTILE[kind]())
    before = everything_outside(user_dir, tmp_path)
    with pytest.raises(ModelFileError) as caught:
        await install_pack(str(archive), user_dir, max_bytes=5_000_000)
    assert "manifest.toml" not in str(caught.value.data["path"]), "refused while it is unpacked"
    assert everything_outside(user_dir, tmp_path) == before
    assert nothing_in(user_dir)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("a", "./a"), ("a", "a/b")])
def test_names_that_clash_are_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        for name in names:
            archive.writestr(name, name)
    with pytest.raises(ModelFileError):
        unpack(tmp_path / "archive", tmp_path / "target", max_bytes=1_000)


# ── from an address ─────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not here")
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("path", ["/pack", "/unsized", "/hop/4"])
async def test_an_https_address_is_installed_with_its_digest(
    source: Path, user_dir: Path, certificate: Certificate, path: str
) -> None:
    archive = zip_of(source)
    told: list[tuple[int, int | None]] = []

    def tell(done: int, total: int | None = None) -> None:
        told.append((done, total))

    async with serve(archive, certificate) as server:
        pack = await install_pack(
            server.address + path,
            user_dir,
            sha256=hashlib.sha256(archive).hexdigest(),
            progress=tell,
            tls=certificate.client_context(),
        )
    assert verify_pack(pack) == ()
    assert told[-1] == (len(archive), None if path == "/unsized" else len(archive))


@pytest.mark.parametrize(
    ("path", "error", "complaint"),
    [
        ("/cut", ServiceUnavailableError, "cannot be reached"),
        ("/to-http", ModelFileError, "not https"),
        ("/hop/9", ModelFileError, "redirects more than 5 times"),
        ("/status/404", ModelFileError, "status 404"),
        ("/status/206", ModelFileError, "status 206"),
        ("/status/302", ModelFileError, "status 302"),
        ("/status/503", ServiceUnavailableError, "status 503"),
    ],
)
async def test_an_address_that_does_not_give_the_pack_leaves_nothing(
    source: Path,
    user_dir: Path,
    certificate: Certificate,
    path: str,
    error: type[AppError],
    complaint: str,
) -> None:
    archive = zip_of(source)
    async with serve(archive, certificate) as server:
        with pytest.raises(error, match=complaint):
            await install_pack(
                server.address + path,
                user_dir,
                sha256=hashlib.sha256(archive).hexdigest(),
                tls=certificate.client_context(),
            )
    assert nothing_in(user_dir)


@pytest.mark.parametrize("path", ["/pack", "/unsized"])
async def test_a_wrong_digest_and_a_file_too_large_are_refused(
    source: Path, user_dir: Path, certificate: Certificate, path: str
) -> None:
    archive = zip_of(source)
    digest = hashlib.sha256(archive).hexdigest()
    tls = certificate.client_context()
    async with serve(archive, certificate) as server:
        address = server.address + path
        with pytest.raises(ModelFileError, match=f"its sha256 is {digest}, not"):
            await install_pack(address, user_dir, sha256="0" * 64, tls=tls)
        with pytest.raises(ModelFileError, match="larger than 500 bytes"):
            await install_pack(address, user_dir, sha256=digest, tls=tls, max_bytes=500)
    assert nothing_in(user_dir)


async def test_an_unknown_certificate_is_refused(
    source: Path, user_dir: Path, certificate: Certificate
) -> None:
    async with serve(zip_of(source), certificate) as server:
        with pytest.raises(ServiceUnavailableError):
            await install_pack(server.address + "/pack", user_dir, sha256="0" * 64)
        assert server.asked == []
    assert nothing_in(user_dir)


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("http://localhost:1/pack.zip", ModelFileError),
        ("ftp://localhost/pack.zip", ModelFileError),
        ("file:///etc/passwd", ModelFileError),
        ("https://", AppError),
        ("https://localhost:1/pack.zip", ServiceUnavailableError),
    ],
)
async def test_other_addresses_are_refused(user_dir: Path, address: str, error: type[AppError]) -> None:
    with pytest.raises(error):
        await install_pack(address, user_dir, sha256="0" * 64)
    assert nothing_in(user_dir)


async def test_an_address_without_a_digest_is_refused_before_it_is_asked(
    source: Path, user_dir: Path, certificate: Certificate
) -> None:
    async with serve(zip_of(source), certificate) as server:
        with pytest.raises(SettingsError, match="--sha256"):
            await install_pack(server.address + "/pack", user_dir, tls=certificate.client_context())
        assert server.asked == []


# ── killed ──────────────────────────────────────────────────────────────────────────────────────

KILLED = """
import asyncio, ssl, sys
from pathlib import Path
from inference.models.install import install_pack
address, user_dir, certificate = sys.argv[1:]
asyncio.run(install_pack(address, Path(user_dir), sha256="0" * 64,
                         tls=ssl.create_default_context(cafile=certificate)))
"""


async def test_what_a_killed_installation_left_is_removed_by_the_next(
    source: Path, user_dir: Path, certificate: Certificate
) -> None:
    async with serve(bytes(1_000_000), certificate) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", KILLED),
            *(server.address + "/slow", str(user_dir), str(certificate.certificate)),
            cwd=PROJECT,
        )
        async with asyncio.timeout(30):
            while not left_over(user_dir):
                assert process.returncode is None
                await asyncio.sleep(0.02)
        process.kill()
        await process.wait()
    assert left_over(user_dir)
    await install_pack(str(source), user_dir)
    assert names_in(user_dir) == {"tiny", ".install.lock"}
