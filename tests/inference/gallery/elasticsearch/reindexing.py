"""A process that reindexes a gallery, for a test that kills it. Not a test itself.

    python -m tests.inference.gallery.elasticsearch.reindexing ADDRESS PREFIX

It says how many faces are done after each batch, and goes on when it is sent a line.
"""

from __future__ import annotations

import asyncio
import sys

from tests.elasticsearch_server.shared import connect, open_test_gallery
from tests.inference.gallery.samples import HashEmbedder, make_contract

AFTER = make_contract("second", 24)


async def reindex(address: str, prefix: str) -> None:
    gallery = await open_test_gallery(prefix, make_contract(), cluster=connect([address]), any_contract=True)
    async for done, total in gallery.reindex(AFTER, HashEmbedder(AFTER.dimension)):
        print(done, total, flush=True)
        sys.stdin.readline()
    await gallery.close()
    print("over", flush=True)


if __name__ == "__main__":
    asyncio.run(reindex(*sys.argv[1:]))
