"""Names that nobody else has: of invented characters, in several scripts, with the series they are from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from inference.drawing.dice import Dice


@dataclass(frozen=True, slots=True)
class _Script:
    given: tuple[str, ...]
    family: tuple[str, ...]
    pattern: str
    series: tuple[str, ...]


_SCRIPTS = (
    _Script(
        given=(
            "Mirevelle",
            "Tovanna",
            "Quillan",
            "Ysoria",
            "Brindle",
            "Lumeka",
            "Oriven",
            "Pelassie",
            "Zephine",
            "Halcy",
        ),
        family=(
            "Ashquill",
            "Tallowick",
            "Fennimarsh",
            "Wrenhollow",
            "Dovecastle",
            "Umberlane",
            "Starling-Voss",
            "Kettleby",
        ),
        pattern="{given} {family}",
        series=("Lantern Harbour Diaries", "The Clockwork Orchard", "Seven Umbrellas to Midnight"),
    ),
    _Script(
        given=(
            "ことせ",
            "みおね",
            "澪ノ香",
            "ひよの",
            "紗灯",
            "りつほ",
            "雫音",
            "あおせ",
            "千凪子",
            "ゆらぎ",
        ),
        family=("朝雫", "灯里坂", "霧沼", "月待原", "苔代", "鳴海戸", "薄氷", "白露木", "蛍ヶ淵", "風待"),
        pattern="{family}{given}",
        series=("星くず喫茶の午後", "きりのまち郵便局", "月待坂少女合奏団"),
    ),
    _Script(
        given=("砚秋", "听澜", "若蘅", "栖梧", "晚柠", "星萤", "知鹭", "雪笺"),
        family=("雾川", "灯洲", "鹭汀", "砂原", "苔桥", "纸屿", "萤浦", "霁野"),
        pattern="{family}{given}",
        series=("雾港信使", "长街灯火录", "纸鸢与海"),
    ),
    _Script(
        given=("하루별", "다솜이", "새론별", "온유라", "미르나", "가람솔", "라온비", "나래솔"),
        family=("은", "달", "솔", "류", "별", "해"),
        pattern="{family} {given}",
        series=("달그늘 우체국", "여름비 연주회"),
    ),
    _Script(
        given=("Мирослада", "Веснина", "Ладомира", "Звенислава", "Юлиада", "Ясенка", "Тихомира"),
        family=("Снегирь", "Лунина-Клён", "Полуночная", "Вербина", "Ключевская-Роса", "Журавлик"),
        pattern="{given} {family}",
        series=("Стеклянный сад", "Сказки северного трамвая"),
    ),
)


def invent_names(count: int, seed: int) -> tuple[tuple[str, str], ...]:
    """`count` pairs of a name and a series, no name twice; the scripts take turns.

    More of the same seed begins with fewer of it.
    """
    sources = [_pairs(script, Dice("names", seed, number)) for number, script in enumerate(_SCRIPTS)]
    return tuple(next(sources[number % len(sources)]) for number in range(count))


def _pairs(script: _Script, dice: Dice) -> Iterator[tuple[str, str]]:
    """Endless: when all combinations are used up, they come again as the second, third, … of that name."""
    names = [script.pattern.format(given=g, family=f) for g in script.given for f in script.family]
    generation = 1
    while True:
        for name in dice.shuffled(names):
            yield (name if generation == 1 else f"{name} {generation}"), dice.choice(script.series)
        generation += 1
