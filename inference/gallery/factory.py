"""Opens the gallery that the options name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from config.options import Options
from config.settings import Secrets
from inference.domain import EmbeddingContract
from inference.gallery.base import KeptGallery
from inference.gallery.closed_set import ClosedSetGallery
from inference.gallery.embedded import EmbeddedGallery, open_embedded_gallery
from inference.models import contract_of, find_pack

if TYPE_CHECKING:
    from inference.gallery.elasticsearch.gallery import ElasticsearchGallery


@asynccontextmanager
async def open_gallery(
    options: Options,
    *,
    credentials: Secrets | None = None,
    read_only: bool = False,
    any_contract: bool = False,
    wait: bool = False,
) -> AsyncIterator[KeptGallery]:
    """The gallery, closed at the end of the block; made when it does not exist yet.

    `read_only` opens it beside another process that writes to it. `any_contract` opens one that was made with
    another model pack, for looking after it; searching needs the right one. With `wait` a server that cannot
    be reached yet is no error. Raises GalleryLockedError, GalleryDamagedError, ContractMismatchError,
    ModelFileError, and for a gallery on a server GalleryUnavailableError, GalleryAccessError, GalleryTlsError
    and GalleryServerError. With a closed set for a model pack, the gallery is the pack's characters.
    """
    pack = find_pack(options.models.pack, options.packs_dir)
    if (closed_set := pack.manifest.closed_set) is not None:
        yield ClosedSetGallery(pack.manifest, closed_set)
        return
    contract = contract_of(pack, flip_average=options.models.flip_average)
    async with open_changeable_gallery(
        options,
        contract,
        credentials=credentials,
        read_only=read_only,
        any_contract=any_contract,
        wait=wait,
    ) as gallery:
        yield gallery


@asynccontextmanager
async def open_changeable_gallery(
    options: Options,
    contract: EmbeddingContract,
    *,
    credentials: Secrets | None = None,
    read_only: bool = False,
    any_contract: bool = False,
    wait: bool = False,
) -> AsyncIterator[EmbeddedGallery | ElasticsearchGallery]:
    """Like `open_gallery()`, under that contract."""
    gallery: EmbeddedGallery | ElasticsearchGallery
    if options.gallery.backend == "elasticsearch":
        # A tenth of a second that other galleries need not wait for.
        from inference.gallery.elasticsearch.opening import open_on_cluster  # noqa: PLC0415

        gallery = await open_on_cluster(
            options, contract, credentials, read_only=read_only, any_contract=any_contract, wait=wait
        )
    else:
        gallery = await open_embedded_gallery(
            options.gallery_file,
            contract,
            read_only=read_only,
            any_contract=any_contract,
            undo_days=options.gallery.undo_days,
            exact_up_to=options.gallery.exact_up_to,
        )
    try:
        yield gallery
    finally:
        await gallery.close()
