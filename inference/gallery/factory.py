"""Opens the gallery that the options name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from config.options import Options
from inference.gallery.base import StoredGallery
from inference.gallery.closed_set import ClosedSetGallery
from inference.gallery.embedded import open_embedded_gallery
from inference.models import contract_of, find_pack


@asynccontextmanager
async def open_gallery(
    options: Options, *, read_only: bool = False, any_contract: bool = False
) -> AsyncIterator[StoredGallery]:
    """The gallery, closed at the end of the block; made when it does not exist yet.

    `read_only` opens it beside another process that writes to it. `any_contract` opens one that was made with
    another model pack, for looking after it; searching needs the right one. Raises GalleryLockedError,
    GalleryDamagedError, ContractMismatchError and ModelFileError. With a closed set for a model pack, the
    gallery is the pack's characters.
    """
    pack = find_pack(options.models.pack, options.packs_dir)
    if (closed_set := pack.manifest.closed_set) is not None:
        yield ClosedSetGallery(pack.manifest, closed_set)
        return
    gallery = await open_embedded_gallery(
        options.gallery_file,
        contract_of(pack, flip_average=options.models.flip_average),
        read_only=read_only,
        any_contract=any_contract,
        undo_days=options.gallery.undo_days,
    )
    try:
        yield gallery
    finally:
        await gallery.close()
