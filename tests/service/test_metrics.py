"""`/metrics` as Prometheus reads it, and a line a picture that gives nothing away."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from bot.metrics import ChatFigures
from config.logs import bind, setup_logging
from config.options import LoggingOptions, MetricsOptions, Options
from config.settings import Secrets
from inference.batch_figures import BatcherStats
from inference.domain import Scope
from inference.enroll import EnrollRequest
from inference.errors import AppError, GalleryUnavailableError, ImageUnsupportedError
from inference.metrics import Metrics
from inference.observed import observe
from inference.pipeline import PipelineStats
from inference.remote import open_remote_face_service
from inference.server.app import InferenceServer
from inference.server.serving import open_metrics_page
from inference.service import open_face_service
from tests.conftest import CastPictures
from tests.inference.gallery.samples import make_contract
from tests.service.doubles import listening
from tests.service.test_remote import options_for

HOME = Scope("home")
ROOT = Path(__file__).resolve().parents[2]
NO_BATCHES = BatcherStats(0, 0, 0, 0, {}, 0.0, 0.0, 0)


def value(families: dict[str, Metric], sample: str, **labels: str) -> float:
    """Of the one sample with that name and these labels."""
    (found,) = [
        one.value
        for family in families.values()
        for one in family.samples
        if one.name == sample and labels.items() <= one.labels.items()
    ]
    return float(found)


def parsed(text: str) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text)}


async def fetched(url: str) -> dict[str, Metric]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.headers["Content-Type"] == Metrics.MEDIA_TYPE
        return parsed(await response.text())


async def test_what_was_done_is_in_the_figures(tmp_path: Path, cast_pictures: CastPictures) -> None:
    metrics = Metrics()
    async with open_face_service(Options(data_dir=tmp_path)) as own:
        server = InferenceServer(observe(own, metrics), Options(), token=None, metrics=metrics)
        async with (
            listening(server.app) as address,
            open_remote_face_service(options_for(address), None) as service,
        ):
            portrait = cast_pictures.new[0].read_bytes()
            await service.enroll(portrait, HOME, EnrollRequest(cast_pictures.cast[0].name))
            for data in (portrait, cast_pictures.stranger_portrait.read_bytes()):
                await service.identify(data, [HOME])
            with suppress(ImageUnsupportedError):
                await service.identify(b"no picture", [HOME])
            families = await fetched(f"{address}/metrics")
    assert value(families, "dareda_pictures_total") == 2
    assert value(families, "dareda_faces_total", decision="known") == 1
    assert value(families, "dareda_faces_total", decision="unknown") == 1
    assert value(families, "dareda_use_cases_total", use_case="enroll") == 1
    assert value(families, "dareda_refusals_total", use_case="identify", code="image_unsupported") == 1
    assert value(families, "dareda_gallery_samples") == value(families, "dareda_gallery_up") == 1
    for stage in ("decode", "detect", "embed", "search", "annotate", "total"):
        assert value(families, "dareda_stage_seconds_count", stage=stage) == 2
        assert 0 < value(families, "dareda_stage_seconds_sum", stage=stage) < 60
    calls = value(families, "dareda_batch_items_bucket", batcher="detector", le="+Inf")
    assert calls == value(families, "dareda_batch_items_count", batcher="detector") >= 3
    assert value(families, "dareda_batch_items_sum", batcher="detector") >= 3
    assert value(families, "dareda_queue_items", batcher="embedder") == 0
    assert value(families, "dareda_http_requests_total", route="faces.identify", status="200") == 2
    assert value(families, "dareda_http_requests_total", route="faces.identify", status="422") == 1
    assert value(families, "dareda_model_info", model=own.gallery.contract.model) == 1
    assert "process_resident_memory_bytes" in families


async def test_a_gallery_that_cannot_be_counted_is_told_and_stops_nothing() -> None:
    class Gone:
        contract = make_contract()

        async def stats(self) -> None:
            raise GalleryUnavailableError(reason="gone")

    metrics = Metrics()
    metrics.watch_gallery(Gone())  # type: ignore[arg-type]
    families = parsed((await metrics.render()).decode())
    assert value(families, "dareda_gallery_up") == 0


async def test_the_page_for_prometheus_has_a_port_of_its_own() -> None:
    metrics = Metrics()
    async with open_metrics_page(metrics, MetricsOptions()) as none:
        assert none is None
    metrics.done("identify", 0.1)
    async with open_metrics_page(metrics, MetricsOptions(port=18_431)) as url:
        assert url == "http://127.0.0.1:18431/metrics"
        assert value(await fetched(url), "dareda_use_cases_total", use_case="identify") == 1


def test_every_figure_of_the_dashboard_is_one_that_there_is() -> None:
    dashboard = json.loads((ROOT / "deploy" / "grafana.json").read_text(encoding="utf-8"))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
        for name in re.findall(r"dareda_[a-z_]+", target["expr"])
    }

    class Quiet:
        waiting = working = 0
        outcomes: ClassVar[dict[tuple[str, str, str], int]] = {}

    metrics = Metrics()
    metrics.registry.register(ChatFigures(Quiet(), []))  # type: ignore[arg-type]
    metrics.watch_pipeline(lambda: PipelineStats(NO_BATCHES, NO_BATCHES))
    known = {
        f"{family.name}{suffix}"
        for family in metrics.registry.collect()
        for suffix in ("", "_total", "_bucket", "_sum", "_count")
    }
    assert len(asked) > 12
    assert asked - known == set()


# ── lines ───────────────────────────────────────────────────────────────────────────────────────


async def test_one_line_a_picture_with_the_same_request_id_on_both_sides_and_no_secret(
    tmp_path: Path, cast_pictures: CastPictures
) -> None:
    secret, name, unreadable = "s3cret-t0ken-of-this-service", "Planted Name", b"planted picture bytes"
    stream, metrics = io.StringIO(), Metrics()
    before = (logging.getLogger().level, list(logging.getLogger().handlers))
    setup_logging(
        LoggingOptions(level="DEBUG", format="json"), Secrets(service_token=SecretStr(secret)), stream=stream
    )
    try:
        async with open_face_service(Options(data_dir=tmp_path)) as own:
            server = InferenceServer(
                observe(own, metrics), Options(), token=SecretStr(secret), metrics=metrics
            )
            async with (
                listening(server.app) as address,
                open_remote_face_service(options_for(address), SecretStr(secret)) as remote,
            ):
                here = observe(remote, Metrics())
                portrait = cast_pictures.new[0].read_bytes()
                with bind(request_id="from-the-chat", platform="discord"):
                    await here.enroll(
                        portrait, HOME, EnrollRequest(name, "Planted Series", actor="Planted Actor")
                    )
                    await here.identify(portrait, [HOME])
                    for attempt in (
                        here.identify(unreadable, [HOME]),
                        here.gallery.character([HOME], "Planted Question"),
                        here.gallery.rename(HOME, "Planted Old", "Planted New"),
                    ):
                        with suppress(AppError):
                            await attempt
                figures = (await metrics.render()).decode()
                async with aiohttp.ClientSession() as session:
                    for headers in ({}, {"Authorization": "Bearer wr0ng-planted"}):
                        async with session.post(f"{address}/v1/identify", headers=headers) as response:
                            assert response.status == 401
    finally:
        logging.getLogger().handlers[:] = before[1]
        logging.getLogger().setLevel(before[0])
    written = stream.getvalue()
    lines = [json.loads(line) for line in written.splitlines()]
    pictures = [line for line in lines if line.get("event") == "identify_done"]
    assert [line["request_id"] for line in pictures] == ["from-the-chat"] * 2
    server_side, bot_side = pictures
    assert "platform" not in server_side and bot_side["platform"] == "discord"
    assert (bot_side["faces"], bot_side["known"], bot_side["unknown"]) == (1, 1, 0)
    assert bot_side["total_ms"] > 0
    refused = [line for line in lines if line.get("event") == "identify_refused"]
    assert [(line["code"], line["request_id"]) for line in refused] == [
        ("image_unsupported", "from-the-chat")
    ] * 2
    for told in (written, figures):
        assert secret not in told
        assert "lanted" not in told
        assert base64.b64encode(portrait[:30]).decode()[:20] not in told
