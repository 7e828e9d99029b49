"""`gallery stats|export|import|reindex|verify|copy|import-index`: look after the gallery as a whole."""

from __future__ import annotations

from argparse import Namespace
from contextlib import AsyncExitStack
from dataclasses import replace

from bot.core import open_gallery, open_kept_gallery
from bot.terminal.enroll import ACTOR
from bot.terminal.output import progress, say, say_json
from config.settings import Settings
from inference.domain import Scope
from inference.errors import SettingsError
from inference.gallery.elasticsearch.classic_index import classic_pages
from inference.gallery.elasticsearch.opening import connect
from inference.gallery.factory import open_changeable_gallery
from inference.gallery.transfer import copy_gallery
from inference.models import contract_of, find_pack
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
    options = settings.options
    async with (
        open_kept_gallery(options, credentials=settings.secrets, any_contract=True) as gallery,
        open_pipeline(options) as pipeline,
    ):
        with progress("Embedding", None) as advance:
            done = 0
            async for done, total in gallery.reindex(pipeline.contract, pipeline.embed_kept):
                advance(done, total)
        dropped = await gallery.drop_old() if arguments.drop_old else 0
    say(f"{done} samples answer to {pipeline.contract.model} now.")
    if arguments.drop_old:
        say(f"The embeddings of {dropped} other models were deleted.")
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


async def copy(arguments: Namespace, settings: Settings) -> int:
    """Copy everything from one kind of gallery to the other, and check that it arrived."""
    if arguments.source == arguments.target:
        raise SettingsError(key="--to", reason="it is the same gallery")
    pack = find_pack(settings.options.models.pack, settings.options.packs_dir)
    contract = contract_of(pack, flip_average=settings.options.models.flip_average)
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(
                open_changeable_gallery(
                    replace(settings.options, gallery=replace(settings.options.gallery, backend=backend)),
                    contract,
                    credentials=settings.secrets,
                    read_only=backend == arguments.source,
                )
            )
            for backend in (arguments.source, arguments.target)
        ]
        total = (await opened[0].stats()).samples
        with progress("Copying", total) as advance:
            copied = await copy_gallery(
                *opened, actor=ACTOR, progress=lambda done: advance(done, max(done, total))
            )
    say(
        f"{copied.characters} characters and {copied.faces} faces looked at: {copied.added} added, "
        f"{copied.already} were there under another id."
    )
    if copied.wrong:
        say(f"{len(copied.wrong)} faces are not there as they should be, among them {copied.wrong[0]}.")
        return 1
    say("All of them are there, byte for byte.")
    return 0


async def import_index(arguments: Namespace, settings: Settings) -> int:
    """Add what an older recipe's index in Elasticsearch holds, with its embeddings."""
    options = settings.options
    pack = find_pack(options.models.pack, options.packs_dir)
    contract = contract_of(pack, flip_average=options.models.flip_average)
    cluster = connect(options.elasticsearch, settings.secrets)
    added = unusable = 0
    try:
        async with open_changeable_gallery(options, contract, credentials=settings.secrets) as gallery:
            scope = Scope(arguments.into or arguments.gallery)
            async for page, left_out in classic_pages(cluster, arguments.index, scope, contract):
                added += await gallery.add_page(page, actor=ACTOR)
                unusable += left_out
    finally:
        await cluster.close()
    say(f"Added {added} samples from {arguments.index}; {unusable} could not be used.")
    say("They have no crops, so they cannot be embedded again when the model changes.")
    return 0
