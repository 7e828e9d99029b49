"""The pictures in docs/discord.md: what the bot really sends, to people in a simulated Discord.

python -m tests.adapters.discord.draw_pictures docs/pictures
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from config.options import ImageLimits
from inference.drawing import draw_cast, draw_group, draw_portrait
from inference.images import decode, encode
from inference.scaling import resized
from tests.adapters.discord.club import Club, Shown
from tests.adapters.discord.core import real_conversation
from tests.adapters.discord.simulated import simulated

_WIDEST = 720


async def draw_pictures(folder: Path) -> None:
    """Writes them into the folder."""
    *cast, stranger = draw_cast(4, seed=6)
    with tempfile.TemporaryDirectory() as data_dir:
        async with (
            real_conversation(Path(data_dir), answering="all") as conversation,
            simulated(conversation) as simulation,
        ):
            club = Club(simulation)
            for character in cast:
                for seed in (1, 2, 3):
                    portrait = encode(draw_portrait(character, seed=seed).image, format="png")
                    await club.slash(
                        club.manager, "enroll", name=character.name, picture=(f"{seed}.png", portrait)
                    )
            group = encode(draw_group([*cast, stranger], seed=3).image, format="png")
            answer = await club.post(club.member, group)
            if answer is None:
                raise LookupError("there is no answer")
            shown = {
                "answer": answer,
                "which-face": await club.slash(club.manager, "enroll", name="Yuzu", picture=("g.png", group)),
                "character": await club.slash(club.member, "character", character=cast[0].name),
                "why": await club.click(club.member, answer, "Why?"),
            }
    for name, message in shown.items():
        _write(message, folder / f"discord-{name}.jpg")


def _write(shown: Shown, path: Path) -> None:
    image = decode(shown.files[0][1], ImageLimits()).frames[0]
    height, width = image.shape[:2]
    if width > _WIDEST:
        image = resized(image, _WIDEST, round(height * _WIDEST / width))
    path.write_bytes(encode(image, format="jpeg", quality=85))


if __name__ == "__main__":
    asyncio.run(draw_pictures(Path(sys.argv[1])))
