from __future__ import annotations

from pathlib import Path

from inference.domain import FaceBox
from training.dataset.manifest import LabelledFace, LabelledPicture
from training.dataset.splits import Splitting, assign_splits

BOX = FaceBox(0, 0, 4, 4)


def with_faces(name: str, *characters: str | None) -> LabelledPicture:
    faces = tuple(LabelledFace(BOX, character) for character in characters)
    return LabelledPicture(Path(name), 8, 8, "series", "train", faces)


def sides(pictures: list[LabelledPicture]) -> dict[str, set[str]]:
    """By character, the splits that they are in."""
    found: dict[str, set[str]] = {}
    for picture in pictures:
        for face in picture.faces:
            found.setdefault(str(face.character), set()).add(picture.split)
    return found


def test_a_character_stays_on_one_side() -> None:
    pictures = [with_faces(f"{who}-{n}.png", f"c{who}") for who in range(200) for n in range(3)]
    split = assign_splits(pictures, Splitting(0.3))
    by_character = sides(split)
    assert all(len(found) == 1 for found in by_character.values())
    assert 40 <= sum("val" in found for found in by_character.values()) <= 80
    assert [picture.path for picture in split] == [picture.path for picture in pictures]


def test_characters_who_meet_stay_together() -> None:
    chains = [
        with_faces(f"{chain}-{link}.png", f"{chain}/{link}", f"{chain}/{link + 1}")
        for link in (3, 0, 2, 1)
        for chain in range(60)
    ]
    found = sides(assign_splits(chains, Splitting(0.5)))
    for chain in range(60):
        assert len(set.union(*(found[f"{chain}/{link}"] for link in range(5)))) == 1
    assert {side for each in found.values() for side in each} == {"train", "val"}


def test_more_data_moves_nobody() -> None:
    few = [with_faces(f"{n}.png", f"c{n}") for n in range(50)]
    more = [*few, *(with_faces(f"new{n}.png", f"n{n}") for n in range(50))]
    splitting = Splitting(0.4)
    assert assign_splits(more, splitting)[:50] == assign_splits(few, splitting)


def test_another_seed_is_another_split_and_the_same_seed_the_same() -> None:
    pictures = [with_faces(f"{n}.png", f"c{n}") for n in range(50)]
    first, again, other = (assign_splits(pictures, Splitting(0.5, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_by_picture_a_character_is_on_both_sides() -> None:
    pictures = [with_faces(f"{n}.png", "eru") for n in range(100)]
    assert sides(assign_splits(pictures, Splitting(0.5, "picture"))) == {"eru": {"train", "val"}}
    assert len(sides(assign_splits(pictures, Splitting(0.5)))["eru"]) == 1


def test_pictures_without_names_go_by_themselves() -> None:
    pictures = [with_faces(f"{n}.png", *([None] if n % 2 else [])) for n in range(200)]
    count = sum(picture.split == "val" for picture in assign_splits(pictures, Splitting(0.5)))
    assert 70 <= count <= 130


def test_shares_of_nothing_and_all() -> None:
    pictures = [with_faces(f"{n}.png", f"c{n}") for n in range(20)]
    assert {p.split for p in assign_splits(pictures, Splitting(0.0))} == {"train"}
    assert {p.split for p in assign_splits(pictures, Splitting(1.0))} == {"val"}
    assert assign_splits([], Splitting(0.5)) == []
