"""One head and shoulders as SVG. Units: the face is about 180 wide, its centre is the origin, y points down."""

from __future__ import annotations

from dataclasses import dataclass

from inference.artwork.cast import Look
from inference.artwork.colour import LINE, Colour

FACE = (-92.0, -78.0, 92.0, 112.0)
"""x1, y1, x2, y2 of what the detector's training data call a face: the fringe to just under the chin."""


@dataclass(frozen=True, slots=True)
class Mood:
    """What changes from picture to picture."""

    turn: float
    """−1…1: where the head looks."""
    mouth: str
    eyes: str
    blush: float
    brow: float
    """Degrees; positive looks cross."""


MOUTHS = ("smile", "open", "small", "cat", "flat", "grin")
EYES = ("open", "open", "open", "open", "closed", "wink", "wide")


def head_svg(look: Look, mood: Mood, *, grey: bool = False) -> str:
    """The figure from behind to front; `grey` draws it as a manga would."""
    parts = _Figure(look, mood, grey=grey)
    return "".join(
        (
            parts.hair_behind(),
            parts.body(),
            parts.face(),
            parts.features(),
            parts.fringe(),
            parts.accessory(),
        )
    )


class _Figure:
    def __init__(self, look: Look, mood: Mood, *, grey: bool) -> None:
        self._look = look
        self._mood = mood
        self._grey = grey
        self._shift = mood.turn * 20

    def _css(self, colour: Colour) -> str:
        return (colour.grey() if self._grey else colour).css

    def _path(self, d: str, fill: Colour | None, *, stroke: float = 3.0, line: Colour = LINE) -> str:
        inside = self._css(fill) if fill is not None else "none"
        return (
            f'<path d="{d}" fill="{inside}" stroke="{self._css(line)}" stroke-width="{stroke}" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )

    def _flat(self, d: str, fill: Colour, opacity: float = 1.0) -> str:
        return f'<path d="{d}" fill="{self._css(fill)}" fill-opacity="{opacity}"/>'

    # ── behind ──────────────────────────────────────────────────────────────────────────────────

    def hair_behind(self) -> str:
        hair, shade = self._look.hair, self._look.hair.lighter(-0.25)
        line = hair.lighter(-0.65)
        shapes = {
            "long": "M-104,-40 C-150,60 -140,180 -128,270 L128,270 C140,180 150,60 104,-40 C90,-130 -90,-130 -104,-40Z",
            "wavy": (
                "M-104,-40 C-150,20 -120,70 -150,110 C-170,160 -128,190 -150,240 L150,240 "
                "C128,190 170,160 150,110 C120,70 150,20 104,-40 C90,-130 -90,-130 -104,-40Z"
            ),
            "bob": "M-106,-40 C-134,30 -128,80 -112,116 C-60,140 60,140 112,116 C128,80 134,30 106,-40 C90,-130 -90,-130 -106,-40Z",
            "short": "M-104,-30 C-112,20 -104,50 -92,72 L92,72 C104,50 112,20 104,-30 C90,-130 -90,-130 -104,-30Z",
            "ponytail": "M-100,-30 C-108,10 -100,40 -90,60 L90,60 C100,40 108,10 100,-30 C90,-130 -90,-130 -100,-30Z",
            "buns": "M-100,-30 C-108,10 -100,40 -90,60 L90,60 C100,40 108,10 100,-30 C90,-130 -90,-130 -100,-30Z",
            "twin tails": "M-100,-30 C-108,10 -100,40 -90,60 L90,60 C100,40 108,10 100,-30 C90,-130 -90,-130 -100,-30Z",
        }
        extra = ""
        match self._look.hair_back:
            case "twin tails":
                for side in (-1, 1):
                    extra += self._path(
                        f"M{88 * side},-72 C{190 * side},-110 {220 * side},40 {178 * side},230 "
                        f"C{160 * side},170 {130 * side},120 {126 * side},60 "
                        f"C{122 * side},10 {110 * side},-30 {88 * side},-72Z",
                        shade,
                        line=line,
                    )
            case "ponytail":
                extra = self._path(
                    "M40,-110 C150,-170 210,-40 176,110 C168,170 150,200 132,220 C140,150 130,60 96,10Z",
                    shade,
                    line=line,
                )
            case "buns":
                for side in (-1, 1):
                    extra += (
                        f'<circle cx="{84 * side}" cy="-112" r="42" fill="{self._css(hair)}" '
                        f'stroke="{self._css(line)}" stroke-width="3"/>'
                    )
                    extra += self._path(
                        f"M{60 * side},-118 C{76 * side},-140 {104 * side},-128 {104 * side},-104",
                        None,
                        line=line,
                        stroke=2,
                    )
        return extra + self._path(shapes[self._look.hair_back], shade, line=line)

    def body(self) -> str:
        look = self._look
        skin, cloth = look.skin, look.accent
        neck = self._path("M-30,86 L-32,150 C-10,172 10,172 32,150 L30,86Z", skin, stroke=2.5)
        shadow = self._flat("M-30,96 C-10,124 14,124 30,96 L31,120 C10,142 -12,142 -31,120Z", _shade(skin))
        match look.collar:
            case "sailor":
                shoulders = self._path(
                    "M-34,140 C-90,156 -150,170 -206,470 L206,470 C150,170 90,156 34,140 L0,206Z",
                    Colour(0, 0, 0.97),
                )
                shoulders += self._path(
                    "M-34,138 C-70,150 -96,164 -104,190 L0,246 L104,190 C96,164 70,150 34,138 L0,208Z", cloth
                )
                shoulders += self._path(
                    "M-16,232 L0,222 L16,232 L30,276 L0,262 L-30,276Z", cloth.lighter(0.35)
                )
            case "shirt":
                shoulders = self._path(
                    "M-34,142 C-90,158 -150,172 -206,470 L206,470 C150,172 90,158 34,142 L0,190Z", cloth
                )
                shoulders += self._path(
                    "M-34,136 L-52,162 L-10,206 L0,186 L10,206 L52,162 L34,136 L0,184Z", Colour(0, 0, 0.96)
                )
            case "hoodie":
                shoulders = self._path(
                    "M-30,146 C-90,158 -160,172 -210,470 L210,470 C160,172 90,158 30,146 L0,180Z", cloth
                )
                shoulders += self._path(
                    "M-40,128 C-86,140 -84,196 0,206 C84,196 86,140 40,128 C40,168 -40,168 -40,128Z",
                    cloth.lighter(-0.2),
                )
            case _:
                shoulders = self._path(
                    "M-34,140 C-90,156 -150,172 -206,470 L206,470 C150,172 90,156 34,140 L-8,226Z", cloth
                )
                shoulders += self._path("M36,136 L56,148 L-20,270 L-44,262 Z", cloth.lighter(0.5))
                shoulders += self._path("M-36,136 L-56,148 L8,236 L24,212 Z", cloth.lighter(0.5))
        return neck + shadow + shoulders

    # ── face ────────────────────────────────────────────────────────────────────────────────────

    def face(self) -> str:
        skin, shift = self._look.skin, self._shift
        ears = "".join(
            self._path(f"M{86 * s},4 C{110 * s},-4 {108 * s},46 {82 * s},50Z", skin, stroke=2.5)
            for s in (-1, 1)
        )
        outline = (
            f"M-90,-50 C-94,10 -88,52 -62,80 C-40,100 {-18 + shift * 0.5},112 {shift * 0.6},112 "
            f"C{18 + shift * 0.5},112 40,100 62,80 C88,52 94,10 90,-50 C70,-110 -70,-110 -90,-50Z"
        )
        fringe_shadow = (
            "M-90,-50 C-92,-20 -90,-4 -88,6 C-60,-14 -30,-4 0,-14 C30,-4 60,-14 88,6 C90,-4 92,-20 90,-50Z"
        )
        return ears + self._path(outline, skin) + self._flat(fringe_shadow, _shade(skin), 0.75)

    def features(self) -> str:
        skin, mood, shift = self._look.skin, self._mood, self._shift
        parts = [
            self._blush(),
            self._eye(-1),
            self._eye(1),
            self._flat(f"M{shift - 3},54 L{shift + 4},58 L{shift - 2},61Z", _shade(skin).lighter(-0.15)),
            self._mouth(),
        ]
        for side in (-1, 1):
            x = 42 * side + shift
            rise = mood.brow * 0.35
            parts.append(
                self._path(
                    f"M{x - 21},{-22 + rise * side} Q{x},{-32} {x + 21},{-22 - rise * side}",
                    None,
                    stroke=4,
                    line=self._look.hair.lighter(-0.45),
                )
            )
        return "".join(parts)

    def _blush(self) -> str:
        if self._mood.blush <= 0:
            return ""
        red = Colour(0.99, 0.85, 0.72)
        return "".join(
            f'<ellipse cx="{54 * s + self._shift}" cy="54" rx="19" ry="9" fill="{self._css(red)}" '
            f'fill-opacity="{self._mood.blush}"/>'
            for s in (-1, 1)
        )

    def _eye(self, side: int) -> str:
        look, mood = self._look, self._mood
        x = 42 * side + self._shift
        wide = 23 - abs(mood.turn) * (4 if side * mood.turn > 0 else 0)
        dark = Colour(look.eyes.hue, 0.5, 0.10)
        if mood.eyes == "closed" or (mood.eyes == "wink" and side == 1):
            lashes = self._path(f"M{x - wide},14 Q{x},32 {x + wide},14", None, stroke=5, line=dark)
            return lashes + self._path(f"M{x + wide * side},15 l{6 * side},6", None, stroke=3, line=dark)
        inner, outer, top, bottom = {
            "round": (8, 8, -16, 38),
            "almond": (12, 4, -13, 36),
            "droopy": (2, 12, -13, 37),
            "sharp": (13, -1, -12, 33),
        }[look.eye_shape]
        if mood.eyes == "wide":
            top, bottom = top - 5, bottom + 3
        left, right = (inner, outer) if side == 1 else (outer, inner)
        white = (
            f"M{x - wide},{left} C{x - wide + 2},{top} {x + wide - 2},{top} {x + wide},{right} "
            f"C{x + wide},{bottom} {x - wide},{bottom} {x - wide},{left}Z"
        )
        key = f"e{side + 1}{abs(hash((look.eyes.hue, side, round(x, 2), top))) % 10**6}"
        center = (top * 0.55 + bottom * 0.75) / 2 + 4
        iris_x, iris_w = x + mood.turn * 3, 16.5
        iris_h = (bottom - top) * 0.40
        iris = (
            f'<clipPath id="{key}"><path d="{white}"/></clipPath>'
            f'<linearGradient id="g{key}" x1="0" y1="0" x2="0" y2="1">'
            f'<stop offset="0" stop-color="{self._css(look.eyes.lighter(-0.72))}"/>'
            f'<stop offset="0.5" stop-color="{self._css(look.eyes)}"/>'
            f'<stop offset="1" stop-color="{self._css(look.eyes.lighter(0.62))}"/></linearGradient>'
            f'<path d="{white}" fill="#fff"/>'
            f'<g clip-path="url(#{key})">'
            f'<ellipse cx="{iris_x}" cy="{center}" rx="{iris_w}" ry="{iris_h}" fill="url(#g{key})" '
            f'stroke="{self._css(look.eyes.lighter(-0.75))}" stroke-width="2.5"/>'
            f'<ellipse cx="{iris_x}" cy="{center}" rx="{iris_w * 0.42}" ry="{iris_h * 0.46}" '
            f'fill="{self._css(look.eyes.lighter(-0.85))}"/>'
            f'<path d="M{x - 26},{top - 8} h52 v{17} q-26,-9 -52,0z" fill="{self._css(dark)}" fill-opacity="0.28"/>'
            "</g>"
            f'<ellipse cx="{iris_x - 6}" cy="{center - iris_h * 0.45}" rx="6" ry="7.5" fill="#fff"/>'
            f'<circle cx="{iris_x + 7}" cy="{center + iris_h * 0.45}" r="3.4" fill="#fff"/>'
        )
        lash = self._path(
            f"M{x - wide - (4 if side == -1 else 0)},{left + 2} C{x - wide + 2},{top - 2} {x + wide - 2},{top - 2} "
            f"{x + wide + (4 if side == 1 else 0)},{right + 2}",
            None,
            stroke=6.5,
            line=dark,
        )
        flick = self._path(f"M{x + wide * side},{outer + 1} l{9 * side},-7", None, stroke=4, line=dark)
        lower = self._path(
            f"M{x - 11},{bottom - 8} Q{x},{bottom - 4} {x + 11},{bottom - 8}", None, stroke=2, line=dark
        )
        fold = self._path(f"M{x - 16},{top - 5} Q{x},{top - 12} {x + 16},{top - 5}", None, stroke=1.8)
        return iris + lash + flick + lower + fold

    def _mouth(self) -> str:
        x, inside = self._shift * 1.05, Colour(0.98, 0.6, 0.45)
        match self._mood.mouth:
            case "smile":
                return self._path(f"M{x - 18},78 Q{x},92 {x + 18},78", None, stroke=3)
            case "open":
                return self._path(
                    f"M{x - 17},74 Q{x},80 {x + 17},74 Q{x + 10},100 {x},100 Q{x - 10},100 {x - 17},74Z",
                    inside,
                )
            case "small":
                return self._path(f"M{x - 6},81 Q{x},85 {x + 6},81", None, stroke=3)
            case "cat":
                return self._path(f"M{x - 16},77 Q{x - 8},90 {x},79 Q{x + 8},90 {x + 16},77", None, stroke=3)
            case "grin":
                return self._path(
                    f"M{x - 20},75 Q{x},82 {x + 20},75 Q{x},100 {x - 20},75Z", Colour(0, 0, 0.99)
                )
            case _:
                return self._path(f"M{x - 11},82 L{x + 11},82", None, stroke=3)

    # ── in front ────────────────────────────────────────────────────────────────────────────────

    def fringe(self) -> str:
        hair, line = self._look.hair, self._look.hair.lighter(-0.65)
        lower = {
            "straight": "L-84,2 L-66,-24 L-56,-4 L-40,-22 L-26,-4 L-10,-22 L6,-4 L22,-22 L38,-4 L52,-22 L64,-4 L72,-24 L86,2",
            "parted": "C-92,-10 -86,14 -82,26 C-76,-8 -52,-36 -22,-64 C-2,-40 40,-22 62,-14 C74,-8 80,8 84,26 C88,8 92,-8",
            "swept": "C-90,0 -86,18 -80,30 C-78,-6 -60,-24 -44,-34 C-48,-18 -52,-8 -54,2 C-30,-26 10,-40 40,-52 C66,-40 78,-16 84,26 C90,8 92,-8",
            "spiky": "L-86,34 L-68,-18 L-58,10 L-40,-32 L-22,6 L-6,-34 L12,8 L28,-32 L46,10 L58,-22 L74,14 L86,34",
            "center": "C-94,0 -90,22 -84,38 C-84,0 -60,-38 0,-74 C60,-38 84,0 84,38 C90,22 94,0",
        }[self._look.fringe]
        top = f"M-106,-34 {lower} 106,-34 C114,-150 -114,-150 -106,-34Z"
        shine = "M-70,-84 C-40,-104 40,-104 70,-84 C62,-84 54,-76 46,-82 C36,-88 28,-78 16,-86 C4,-92 -8,-80 -20,-86 C-34,-90 -42,-78 -52,-82 C-60,-84 -64,-80 -70,-84Z"
        locks = "".join(
            self._path(
                f"M{104 * s},-44 C{116 * s},10 {108 * s},64 {94 * s},98 C{90 * s},60 {88 * s},30 {84 * s},-4Z",
                hair,
                line=line,
            )
            for s in (-1, 1)
        )
        strands = "".join(
            self._path(
                f"M{x},{-128 + abs(x) * 0.25} Q{x * 1.3},-90 {x * 1.25},{-44 + abs(x) * 0.1}",
                None,
                stroke=1.8,
                line=hair.lighter(-0.35),
            )
            for x in (-58, -30, 24, 52)
        )
        ahoge = (
            self._path("M-4,-120 C-20,-170 40,-176 44,-148 C24,-160 12,-146 10,-120Z", hair, line=line)
            if self._look.ahoge
            else ""
        )
        return (
            locks
            + ahoge
            + self._path(top, hair, line=line)
            + strands
            + self._flat(shine, hair.lighter(0.55), 0.8)
        )

    def accessory(self) -> str:  # noqa: PLR0911 - one branch a kind
        accent, shift = self._look.accent, self._shift
        dark = accent.lighter(-0.3)
        match self._look.accessory:
            case "ribbon":
                return (
                    self._path("M66,-104 C100,-150 132,-128 120,-84 C104,-84 84,-92 66,-104Z", accent)
                    + self._path("M66,-104 C26,-146 12,-122 24,-86 C40,-86 54,-94 66,-104Z", accent)
                    + self._path("M56,-114 h20 v22 h-20z", dark)
                )
            case "glasses":
                return "".join(
                    f'<rect x="{42 * s + shift - 31}" y="-12" width="62" height="52" rx="20" fill="#fff" '
                    f'fill-opacity="0.12" stroke="{self._css(dark)}" stroke-width="4.5"/>'
                    for s in (-1, 1)
                ) + self._path(f"M{shift - 12},8 Q{shift},2 {shift + 12},8", None, stroke=4.5, line=dark)
            case "hairpin":
                return self._path("M-84,-46 L-48,-66 L-44,-58 L-80,-38Z", accent, stroke=2) + self._path(
                    "M-88,-32 L-52,-52 L-48,-44 L-84,-24Z", accent.lighter(0.4), stroke=2
                )
            case "cat ears":
                ears = ""
                for s in (-1, 1):
                    ears += self._path(
                        f"M{98 * s},-78 C{112 * s},-130 {110 * s},-168 {102 * s},-182 C{70 * s},-166 {40 * s},-140 {30 * s},-122Z",
                        self._look.hair,
                        line=self._look.hair.lighter(-0.65),
                    )
                    ears += self._flat(
                        f"M{90 * s},-100 C{100 * s},-130 {100 * s},-150 {96 * s},-162 C{76 * s},-150 {62 * s},-136 {54 * s},-124Z",
                        Colour(0.97, 0.7, 0.82),
                    )
                return ears
            case "headband":
                return self._path(
                    "M-104,-70 C-90,-142 90,-142 104,-70 L98,-58 C80,-122 -80,-122 -98,-58Z", accent
                )
            case "flower":
                petals = "".join(
                    f'<ellipse cx="-70" cy="-104" rx="11" ry="19" fill="{self._css(accent.lighter(0.3))}" '
                    f'stroke="{self._css(dark)}" stroke-width="2" transform="rotate({a} -70 -84)"/>'
                    for a in range(0, 360, 60)
                )
                return (
                    petals + f'<circle cx="-70" cy="-84" r="10" fill="{self._css(Colour(0.13, 0.9, 0.6))}"/>'
                )
            case "eye patch":
                return self._path("M-106,-34 L96,-46", None, stroke=4, line=dark) + self._path(
                    f"M{-74 + shift},-14 h58 q4,52 -28,58 q-34,-6 -30,-58z", Colour(0, 0, 0.97)
                )
            case _:
                return ""


def _shade(skin: Colour) -> Colour:
    return Colour(skin.hue - 0.03, skin.saturation * 0.8, skin.lightness * 0.86)
