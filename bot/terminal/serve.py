"""`serve`: the inference core alone, over HTTP, for bots that run elsewhere."""

from __future__ import annotations

from argparse import Namespace

from bot.stopping import told_to_stop
from bot.terminal.output import remark
from config.settings import Settings
from inference.metrics import Metrics
from inference.observed import observe
from inference.server.serving import open_inference_server, open_metrics_page
from inference.service import open_face_service


async def serve(arguments: Namespace, settings: Settings) -> int:
    """Answer until SIGINT or SIGTERM. Returns the exit code. Raises SetupError."""
    options, metrics = settings.options, Metrics()
    async with (
        open_face_service(
            options, credentials=settings.secrets, read_only=arguments.read_only, wait=True
        ) as core,
        open_metrics_page(metrics, options.metrics) as page,
        open_inference_server(
            observe(core, metrics),
            options,
            token=settings.secrets.service_token,
            metrics=metrics,
            read_only=arguments.read_only,
        ) as address,
    ):
        with told_to_stop() as stop:
            remark(f"Serving at {address}")
            if page:
                remark(f"Figures for Prometheus at {page}")
            await stop.wait()
    return 0
