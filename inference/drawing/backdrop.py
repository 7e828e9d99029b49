"""What is behind the figures."""

from __future__ import annotations

import math
from collections.abc import Callable

from inference.drawing.colour import mix, turned
from inference.drawing.dice import Dice
from inference.drawing.svg import Sheet, ellipse, polygon, rectangle, smooth, star

_FADE_STEPS = 48
_GROUNDS = ("#bfe3f5", "#f9d5dd", "#fff1cf", "#cfe9d2", "#d9d2f2", "#f4f1ea", "#a9c7d8", "#3c4a72", "#e9b9a4")


def draw_backdrop(sheet: Sheet, dice: Dice, width: int, height: int) -> None:
    """One of several kinds of background, over the whole picture."""
    kind = dice.choice(_KINDS)
    ground = dice.choice(_GROUNDS)
    other = mix(
        turned(ground, hue=dice.between(-0.12, 0.12), saturation=1.5), "#ffffff", dice.between(0.0, 0.4)
    )
    _fade(sheet, width, height, ground, other)
    kind(sheet, dice, float(width), float(height))


def _fade(sheet: Sheet, width: float, height: float, top: str, bottom: str) -> None:
    """From one colour to the other; in plain stripes, as the renderer takes long over large gradients."""
    for step in range(_FADE_STEPS):
        upper, lower = (round(height * edge / _FADE_STEPS) for edge in (step, step + 1))
        sheet.shape(rectangle(0, upper, width, lower), mix(top, bottom, step / (_FADE_STEPS - 1)))


def _plain(sheet: Sheet, dice: Dice, width: float, height: float) -> None:
    """Nothing more than the gradient."""


def _bokeh(sheet: Sheet, dice: Dice, width: float, height: float) -> None:
    for _ in range(14):
        centre = dice.between(0, width), dice.between(0, height)
        sheet.shape(
            ellipse(centre, dice.between(0.03, 0.11) * height), "#ffffff", opacity=dice.between(0.12, 0.4)
        )


def _stripes(sheet: Sheet, dice: Dice, width: float, height: float) -> None:
    step = dice.between(0.06, 0.13) * height
    slope = dice.sign() * height * 0.6
    for index in range(int((width + 2 * height) / (2 * step)) + 1):
        x = -height + index * 2 * step
        stripe = polygon([(x, 0), (x + step, 0), (x + step + slope, height), (x + slope, height)])
        sheet.shape(stripe, "#ffffff", opacity=0.35)


def _dots(sheet: Sheet, dice: Dice, width: float, height: float) -> None:
    step = dice.between(0.09, 0.14) * height
    dots = [
        ellipse((column * step + (row % 2) * step / 2, row * step), step * 0.2)
        for row in range(int(height / step) + 2)
        for column in range(int(width / step) + 2)
    ]
    sheet.shape("".join(dots), "#ffffff", opacity=0.5)


def _sky(sheet: Sheet, dice: Dice, width: float, height: float) -> None:
    _fade(sheet, width, height, "#4fa3e6", "#d8f0fb")
    for _ in range(5):
        x, y, size = (
            dice.between(0, width),
            dice.between(0.05, 0.75) * height,
            dice.between(0.06, 0.13) * height,
        )
        puffs = ((-1.5, 0.2, 0.8), (-0.6, -0.3, 1.0), (0.5, -0.4, 1.15), (1.5, 0.15, 0.85), (0, 0.3, 1.0))
        sheet.shape(
            "".join(ellipse((x + dx * size, y + dy * size), r * size, r * size * 0.8) for dx, dy, r in puffs),
            "#ffffff",
            opacity=0.85,
        )


def _classroom(sheet: Sheet, dice: Dice, width: float, height: float) -> None:
    sheet.shape(rectangle(0, 0, width, height), "#efe4cf")
    board = dice.between(0.1, 0.25) * height
    sheet.shape(
        rectangle(width * 0.04, board, width * 0.62, height * 0.7),
        "#2f6b55",
        line="#9a6b3f",
        width=height * 0.02,
    )
    for row in range(3):
        y = board + height * (0.1 + row * 0.12)
        chalk = smooth(
            [
                (width * (0.1 + step * 0.055), y + height * 0.02 * math.sin(step * 2.1 + row))
                for step in range(8)
            ]
        )
        sheet.shape(chalk, line="#dfeee2", width=height * 0.008, opacity=0.7)
    sheet.shape(
        rectangle(width * 0.7, height * 0.05, width * 0.98, height * 0.62),
        "#bfe2f7",
        line="#ffffff",
        width=height * 0.025,
    )
    sheet.shape(rectangle(width * 0.835, height * 0.05, width * 0.845, height * 0.62), "#ffffff")
    sheet.shape(rectangle(0, height * 0.78, width, height), "#c79a62")


def _night(sheet: Sheet, dice: Dice, width: float, height: float) -> None:
    _fade(sheet, width, height, "#1b2350", "#7a5a9c")
    stars = "".join(
        star(
            (dice.between(0, width), dice.between(0, height * 0.6)),
            dice.between(0.004, 0.012) * height,
            4,
            0.35,
        )
        for _ in range(40)
    )
    sheet.shape(stars, "#fff6d8")
    x = 0.0
    while x < width:
        wide, top = dice.between(0.06, 0.14) * height, dice.between(0.5, 0.85) * height
        sheet.shape(rectangle(x, top, x + wide, height), "#141a38")
        windows = "".join(
            rectangle(x + wide * column, top + row, x + wide * (column + 0.14), top + row + height * 0.018)
            for column in (0.18, 0.44, 0.7)
            for row in (height * 0.03, height * 0.08, height * 0.13)
            if dice.chance(0.6)
        )
        sheet.shape(windows or "M0 0", "#ffd98a")
        x += wide * 1.04


def _petals(sheet: Sheet, dice: Dice, width: float, height: float) -> None:
    for _ in range(26):
        x, y, size = dice.between(0, width), dice.between(0, height), dice.between(0.012, 0.03) * height
        with sheet.moved(x, y, scale=size, turn=dice.between(0, 360)):
            sheet.shape(
                "M0 1C-1 0.2 -0.7 -1 0 -0.7C0.7 -1 1 0.2 0 1Z", "#f7a9c0", opacity=dice.between(0.5, 0.95)
            )


def _rays(sheet: Sheet, dice: Dice, width: float, height: float) -> None:
    x, y = width * dice.between(0.35, 0.65), height * dice.between(0.4, 0.6)
    reach = width + height
    for index in range(24):
        start = math.tau * index / 24
        ray = [
            (x, y),
            *(
                (x + reach * math.cos(start + step), y + reach * math.sin(start + step))
                for step in (0.0, 0.13)
            ),
        ]
        sheet.shape(polygon(ray), "#ffffff", opacity=0.35)


_KINDS: tuple[Callable[[Sheet, Dice, float, float], None], ...] = (
    _plain,
    _bokeh,
    _stripes,
    _dots,
    _sky,
    _classroom,
    _night,
    _petals,
    _rays,
)
