"""How soon the web console's pages can be used beside a large gallery, and a dropped picture is answered.

    python -m benchmarks.console [--samples 100000] [--characters 5000] [--repeats 5] [--chromium PATH]

Opens the pages in Chromium over loopback, each time with an empty cache. A page can be used when its document
is parsed and its scripts have run; an answer counts from the drop until it stands in the page. The same
picture is identified without the page in turn with that, so that both meet the same machine. The map counts
from the request until its points are drawn, once the survey behind it is made; then it is moved.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from benchmarks.gallery import fill
from bot.conversation import open_conversation
from bot.web.console import open_console
from config.options import Options, WebOptions
from config.settings import Settings
from inference.domain import Scope
from inference.drawing import draw_cast, draw_group
from inference.embedding.align import keep_crop
from inference.images import encode
from inference.models import contract_of, find_pack
from inference.service import LocalFaceService, open_face_service

SCOPE = Scope("cli")
PAGES = {"identify": "/", "gallery": "/g/cli/characters", "gallery_page_50": "/g/cli/characters?page=50"}
EMPTY = "/healthz"
"""Two letters: what any page takes in this browser on this machine."""
BARS = {
    **{f"{name}_kB": 300.0 for name in PAGES},
    **{f"{name}_interactive_ms": 1_000.0 for name in PAGES},
    "answer_ms": 1_500.0,
    "map_drawn_ms": 1_000.0,
}
_READY = """() => {
    const [page] = performance.getEntriesByType("navigation");
    return [page.domContentLoadedEventEnd, page.responseEnd - page.requestStart];
}"""

_NEXT_FRAME = "await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));"
"""What was asked to be painted in the next frame is painted then."""
_DRAWN = f"""async () => {{
    while (!document.querySelector("[data-ready]")) await new Promise((go) => setTimeout(go, 5));
    {_NEXT_FRAME}
    return performance.now();
}}"""
_MOVED = f"""async () => {{
    const started = performance.now();
    for (let turn = 0; turn < 10; turn++) {{
        document.querySelector("[data-do=in]").click();
        {_NEXT_FRAME}
    }}
    return (performance.now() - started) / 10;
}}"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--characters", type=int, default=5_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), arguments))
    for name, value in found.items():
        bar = BARS.get(name)
        verdict = "" if bar is None else f"   bar {bar:g}: {'met' if value <= bar else 'MISSED'}"
        print(f"{name:32} {value:9.1f}{verdict}")
    return 0 if all(found[name] <= bar for name, bar in BARS.items()) else 1


async def measure(folder: Path, arguments: argparse.Namespace) -> dict[str, float]:
    options = Options(data_dir=folder, web=WebOptions(port=0))
    scene = draw_group(draw_cast(4, seed=6), seed=3)
    picture = folder / "group.png"
    await asyncio.to_thread(picture.write_bytes, encode(scene.image, format="png"))
    pack = find_pack(options.models.pack, options.packs_dir)
    crop = keep_crop(scene.image, scene.faces[0].box, margin=pack.manifest.embedder.spec.margin)
    fill(
        options.gallery_file,
        arguments.samples,
        arguments.characters,
        crop.data,
        scope=SCOPE,
        contract=contract_of(pack, flip_average=options.models.flip_average),
    )
    async with (
        open_face_service(options) as faces,
        open_conversation(options, faces) as conversation,
        open_console(conversation.services, Settings(options), SCOPE) as address,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(
            executable_path=arguments.chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        found: dict[str, float] = {}
        for name, path in {"empty": EMPTY, **PAGES}.items():
            loads = [await load(browser, address + path) for _ in range(arguments.repeats + 1)]
            found[f"{name}_first_interactive_ms"] = loads[0][0]
            found[f"{name}_interactive_ms"] = statistics.median(ready for ready, _, _ in loads[1:])
            found[f"{name}_server_ms"] = statistics.median(server for _, server, _ in loads[1:])
            found[f"{name}_kB"] = max(kilobytes for _, _, kilobytes in loads)
        found |= await answers(browser, address, faces, picture, arguments.repeats)
        found |= await the_map(browser, address, faces, arguments.repeats)
        await browser.close()
    return found


async def load(browser: Browser, address: str) -> tuple[float, float, float]:
    """Milliseconds until the page can be used, those that the server took, and the kB that came for it."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    wire = await context.new_cdp_session(page)
    received = 0.0

    def count(event: dict[str, float]) -> None:
        nonlocal received
        received += event["encodedDataLength"]

    wire.on("Network.loadingFinished", count)
    await wire.send("Network.enable")
    await page.goto(address, wait_until="networkidle")
    ready, server = await page.evaluate(_READY)
    await context.close()
    return ready, server, received / 1_000


async def the_map(browser: Browser, address: str, faces: LocalFaceService, repeats: int) -> dict[str, float]:
    """Until every character of the gallery is a point on it, and how long a movement takes to be seen."""
    started = time.perf_counter()
    while (await faces.map(SCOPE, wait_s=1.0)).result is None:
        pass
    made = time.perf_counter() - started
    drawn, moved = [], []
    for _ in range(repeats + 1):
        context = await browser.new_context(viewport={"width": 1280, "height": 900})
        page = await context.new_page()
        await page.goto(f"{address}/g/{SCOPE}/map", wait_until="commit")
        drawn.append(await page.evaluate(_DRAWN))
        moved.append(await page.evaluate(_MOVED))
        await context.close()
    return {
        "map_made_s": made,
        "map_drawn_ms": statistics.median(drawn[1:]),
        "map_moved_ms": statistics.median(moved[1:]),
    }


async def answers(
    browser: Browser, address: str, faces: LocalFaceService, picture: Path, repeats: int
) -> dict[str, float]:
    """A dropped picture of four faces, and the same without the page."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    await page.goto(f"{address}/g/{SCOPE}/identify")
    data = await asyncio.to_thread(picture.read_bytes)
    in_page, alone = [], []
    for number in range(1, repeats + 2):
        started = time.perf_counter()
        await page.set_input_files("#pictures", str(picture))
        await page.locator(".answer").nth(number - 1).wait_for()
        in_page.append(time.perf_counter() - started)
        started = time.perf_counter()
        await faces.identify(data, [SCOPE])
        alone.append(time.perf_counter() - started)
    page_ms, alone_ms = (statistics.median(times[1:]) * 1_000 for times in (in_page, alone))
    return {"answer_ms": page_ms, "identify_ms": alone_ms, "answer_over_identify": page_ms / alone_ms}


if __name__ == "__main__":
    raise SystemExit(main())
