"""Archives sent to the console over a real socket: what is refused leaves neither rows nor files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, FormData, web

from bot.errors import FileMissingError, FileTooLargeError, FormInvalidError
from bot.web.transfers import Transfer, Transfers, open_transfers
from inference.domain import Scope
from inference.errors import AppError, ArchiveInvalidError, OverloadedError
from inference.gallery.embedded import EmbeddedGallery, open_embedded_gallery
from tests.inference.gallery.samples import make_contract, make_sample

HERE, THERE = Scope("here"), Scope("there")
MOST = 200_000


@pytest.fixture
async def gallery(tmp_path: Path) -> AsyncIterator[EmbeddedGallery]:
    opened = await open_embedded_gallery(tmp_path / "gallery.sqlite", make_contract())
    await opened.enroll(HERE, "Her", [make_sample(1), make_sample(2)])
    yield opened
    await opened.close()


@dataclass
class Desk:
    """Transfers that can be sent to."""

    transfers: Transfers
    folder: Path
    address: str
    imported: int = 0

    async def send(self, data: Any, **headers: str) -> str:
        """How the sending ended: the code of what was raised, or nothing."""
        async with (
            ClientSession() as session,
            session.post(self.address, data=data, headers=headers) as answer,
        ):
            return await answer.text()

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


@asynccontextmanager
async def open_desk(gallery: EmbeddedGallery, folder: Path, most_bytes: int = MOST) -> AsyncIterator[Desk]:
    async with open_transfers(gallery, folder, most_bytes=most_bytes) as transfers:

        async def receive(request: web.Request) -> web.Response:
            async def then() -> None:
                desk.imported += 1

            try:
                await transfers.receive(request, THERE, "somebody", then)
            except AppError as error:
                return web.Response(text=error.code)
            return web.Response(text="")

        application = web.Application()
        application.router.add_post("/", receive)
        runner = web.AppRunner(application, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        desk = Desk(transfers, folder, f"http://127.0.0.1:{runner.addresses[0][1]}/")
        yield desk
        await runner.cleanup()


@pytest.fixture
async def desk(gallery: EmbeddedGallery, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(gallery, tmp_path / "transfers") as opened:
        yield opened


def as_form(data: bytes, name: str = "archive", file_name: str = "gallery.zip") -> FormData:
    form = FormData()
    form.add_field(name, data, filename=file_name)
    return form


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # files have no event
            await asyncio.sleep(0.01)


async def finished(transfer: Transfer | None) -> Transfer:
    assert transfer is not None
    assert transfer.task is not None
    await transfer.task
    return transfer


async def test_what_share_of_an_archive_is_written_is_known_meanwhile(
    gallery: EmbeddedGallery, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []
    monkeypatch.setattr(Transfer, "share", property(lambda _: None, lambda _, share: shares.append(share)))
    await desk.transfers.export(HERE)
    assert (await finished(desk.transfers.export_of(HERE))).samples == 2
    assert shares == [None, 0.5, 1.0]


async def test_what_goes_out_comes_in_elsewhere(gallery: EmbeddedGallery, desk: Desk) -> None:
    await desk.transfers.export(HERE)
    out = await finished(desk.transfers.export_of(HERE))
    assert (out.samples, out.failed, out.bytes_so_far()) == (2, None, out.path.stat().st_size)
    assert await desk.send(as_form(out.path.read_bytes(), file_name="her.zip")) == ""
    came = await finished(desk.transfers.import_of(THERE))
    assert (came.samples, came.failed, came.name, desk.imported) == (2, None, "her.zip", 1)
    assert [one.name for one in await gallery.characters([THERE])] == ["Her"]
    assert desk.left() == ["gallery.zip"], "only the export is kept, to be fetched"


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (as_form(b"x" * (MOST + 1)), FileTooLargeError.code),
        (as_form(b""), FileMissingError.code),
        (as_form(b"archive", name="other"), FileMissingError.code),
        ({"archive": "text"}, FormInvalidError.code),
        (b"no form", FormInvalidError.code),
    ],
    ids=["large", "empty", "elsewhere", "urlencoded", "bytes"],
)
async def test_what_is_no_archive_to_take_is_refused_and_leaves_nothing(
    gallery: EmbeddedGallery, desk: Desk, data: Any, refusal: str
) -> None:
    assert await desk.send(data) == refusal
    assert desk.left() == []
    assert desk.transfers.import_of(THERE) is None
    assert await gallery.characters([THERE]) == ()


async def test_what_is_too_large_is_refused_by_its_announcement(desk: Desk) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    boundary = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(10**12)}
    async with asyncio.timeout(20):
        with suppress(OSError):  # the connection may be closed while the rest is still coming
            assert await desk.send(endless(), **boundary) == FileTooLargeError.code
    assert sent < 50_000_000
    assert desk.left() == []


async def test_a_compressed_part_is_refused(desk: Desk) -> None:
    head = 'Content-Disposition: form-data; name="archive"; filename="bomb.zip"\r\nContent-Encoding: gzip'
    body = f"--b\r\n{head}\r\n\r\nxxxx\r\n--b--\r\n".encode()
    sent = await desk.send(body, **{"Content-Type": "multipart/form-data; boundary=b"})
    assert sent == FormInvalidError.code
    assert desk.left() == []


async def test_a_sender_that_goes_away_leaves_nothing(desk: Desk) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(desk.address.split(":")[2].strip("/")))
    head = b'--b\r\nContent-Disposition: form-data; name="archive"; filename="a.zip"\r\n\r\n' + b"x" * 50_000
    writer.write(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        b"Content-Length: 100000\r\n\r\n" + head
    )
    await writer.drain()
    await until(lambda: bool(desk.left()))
    writer.close()
    await until(lambda: not desk.left())
    del reader


async def test_a_broken_archive_changes_nothing_and_says_why(gallery: EmbeddedGallery, desk: Desk) -> None:
    before = await gallery.stats()
    assert await desk.send(as_form(b"PK\x03\x04 but not really")) == ""
    came = await finished(desk.transfers.import_of(THERE))
    assert isinstance(came.failed, ArchiveInvalidError)
    assert (came.samples, desk.imported, desk.left()) == (None, 0, [])
    assert (await gallery.stats()).samples == before.samples


async def test_only_so_many_run_at_a_time_and_one_import_of_a_gallery(
    gallery: EmbeddedGallery, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = asyncio.Event()

    async def slow(*values: object, **named: object) -> int:
        await go_on.wait()
        return 7

    monkeypatch.setattr(gallery, "import_", slow)
    monkeypatch.setattr(gallery, "export", slow)
    assert await desk.send(as_form(b"one")) == ""
    assert await desk.send(as_form(b"two")) == OverloadedError.code
    await desk.transfers.export(HERE)
    running = desk.transfers.export_of(HERE)
    await desk.transfers.export(HERE)
    assert desk.transfers.export_of(HERE) is running, "one that is being written is not begun again"
    with pytest.raises(OverloadedError):
        await desk.transfers.export(THERE)
    go_on.set()
    assert (await finished(running)).samples == 7
    await finished(desk.transfers.import_of(THERE))
    await desk.transfers.export(THERE)


async def test_what_a_dead_process_left_is_cleared_and_nothing_stays(
    gallery: EmbeddedGallery, tmp_path: Path
) -> None:
    folder = tmp_path / "transfers"
    (folder / "1").mkdir(parents=True)
    (folder / "1" / "gallery.zip").write_bytes(b"old")
    async with open_desk(gallery, folder) as desk:
        assert desk.left() == []
        await desk.transfers.export(HERE)
    assert not folder.exists()
