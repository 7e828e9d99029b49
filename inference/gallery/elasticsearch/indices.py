"""Makes the indices of a gallery where they are missing, each with the template that belongs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from inference.domain import EmbeddingContract
from inference.errors import GalleryServerError
from inference.gallery.elasticsearch.client import Cluster
from inference.gallery.elasticsearch.mappings import SCHEMA_VERSION, IndexNames, IndexSettings


class Indices:
    """Those of one gallery. Raises GalleryServerError where a newer program has made the template."""

    def __init__(self, cluster: Cluster, names: IndexNames, settings: IndexSettings) -> None:
        self._cluster = cluster
        self._names = names
        self._settings = settings

    async def make_shared(self) -> None:
        """Those that there is one of."""
        templates = self._settings.shared_templates(self._names)
        await asyncio.gather(*(self._make(*one) for one in templates))

    async def make_faces(self, contract: EmbeddingContract, *, active: bool) -> None:
        """The faces under that contract, which the alias stands for if it is the active one."""
        index, template = self._settings.faces_template(self._names, contract)
        if await self._make(index, template) and active:
            await self._cluster.point_alias(self._names.faces_alias, index)

    async def _make(self, index: str, template: Mapping[str, object]) -> bool:
        """True when there was none."""
        if await self._cluster.has_index(index):
            return False
        version = await self._cluster.template_version(index)
        if version is not None and version > SCHEMA_VERSION:
            raise GalleryServerError(
                address=self._cluster.address,
                reason=f"{index} has version {version}, this program knows up to {SCHEMA_VERSION}",
                fix="Update Dareda.",
            )
        await self._cluster.put_template(index, template)
        await self._cluster.create_index(index)
        return True
