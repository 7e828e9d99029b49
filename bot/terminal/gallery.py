"""`gallery stats|export|import|reindex|verify`: look after the gallery as a whole."""

from __future__ import annotations

from argparse import Namespace
from contextlib import AsyncExitStack

from bot.core import open_gallery, open_kept_gallery
from bot.terminal.enroll import ACTOR
from bot.terminal.output import progress, say, say_json
from config.settings import Settings
from inference.domain import Scope
from inference.service import open_pipeline


async def stats(arguments: Namespace, settings: Settings) -> int:
    """How much is enrolled, with which model."""
    options = settings.options
    async with open_gallery(
        options, credentials=settings.secrets, read_only=True, any_contract=True
    ) as gallery:
        found = await gallery.stats()
    record: dict[str, object] = {
        "characters": found.characters,
        "samples": found.samples,
        "negatives": found.negatives,
        "galleries": list(found.scopes),
        "model": found.contract.model,
        "contract": found.contract.id,
        "bytes": found.size_bytes,
        "schema": found.schema_version,
    }
    if arguments.json:
        say_json(record)
    else:
        for label, value in record.items():
            say(f"{label:<12}{', '.join(value) if isinstance(value, list) else value}")
    return 0


async def export(arguments: Namespace, settings: Settings) -> int:
    """Write a portable archive."""
    options = settings.options
    async with open_gallery(
        options, credentials=settings.secrets, read_only=True, any_contract=True
    ) as gallery:
        count = await gallery.export(arguments.archive)
    say(f"Wrote {count} samples to {arguments.archive}.")
    return 0


async def import_(arguments: Namespace, settings: Settings) -> int:
    """Add what an archive holds."""
    options = settings.options
    scope = Scope(arguments.into) if arguments.into else None
    async with open_gallery(options, credentials=settings.secrets) as gallery:
        count = await gallery.import_(arguments.archive, scope=scope, actor=ACTOR)
    say(f"Added {count} samples from {arguments.archive}.")
    return 0


async def reindex(arguments: Namespace, settings: Settings) -> int:
    """Embed every stored crop with the model that is chosen now, then switch to it."""
    del arguments
    options = settings.options
    async with (
        open_kept_gallery(options, credentials=settings.secrets, any_contract=True) as gallery,
        open_pipeline(options) as pipeline,
    ):
        with progress("Embedding", None) as advance:
            done = 0
            async for done, total in gallery.reindex(pipeline.contract, pipeline.embed_kept):
                advance(done, total)
    say(f"{done} samples answer to {pipeline.contract.model} now.")
    return 0


async def verify(arguments: Namespace, settings: Settings) -> int:
    """Find what is not as it should be, and with --repair mend what can be mended."""
    options = settings.options
    async with AsyncExitStack() as stack:
        gallery = await stack.enter_async_context(
            open_kept_gallery(options, credentials=settings.secrets, any_contract=True)
        )
        reembed = None
        if arguments.repair:
            pipeline = await stack.enter_async_context(open_pipeline(options))
            reembed = pipeline.embed_kept if pipeline.contract == gallery.contract else None
        findings = await gallery.verify(repair=arguments.repair, reembed=reembed)
    for finding in findings:
        state = "repaired" if finding.repaired else "found"
        say(f"{state}: {finding.kind} {finding.subject} {finding.detail}".rstrip())
    left = [finding for finding in findings if not finding.repaired]
    if not findings:
        say("The gallery is as it should be.")
    elif left and not arguments.repair:
        say("`gallery verify --repair` mends what can be mended.")
    return 1 if left else 0
