"""What a survey reports: what is wrong with a gallery, and nothing that is right."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TypeVar

import numpy as np
import pytest

from inference.decide import Level, Policy
from inference.survey import likeness
from inference.survey.attention import survey_faces
from inference.survey.faces import ScopeFaces
from inference.survey.likeness import nearest
from inference.survey.values import Survey
from tests.inference.gallery.samples import make_embedding, near
from tests.inference.survey.faces import AT, DIMENSION, POLICY, looks, make_faces

T = TypeVar("T")


def survey(faces: ScopeFaces, policy: Policy = POLICY) -> Survey:
    return survey_faces(faces, policy, at=AT, report=lambda _: None)


def rounded(found: Survey) -> Survey:
    """Sums in another order end otherwise in the last digits."""

    def near_enough(one: T) -> T:
        values = asdict(one)  # type: ignore[call-overload]
        return replace(one, **{k: round(v, 5) for k, v in values.items() if isinstance(v, float)})  # type: ignore[type-var]

    return replace(
        found,
        duplicates=tuple(map(near_enough, found.duplicates)),
        misplaced=tuple(map(near_enough, found.misplaced)),
    )


def test_an_empty_gallery_needs_nothing() -> None:
    found = survey(make_faces({}))
    assert (found.characters, found.samples) == (0, 0)
    assert found.sparse == found.duplicates == found.misplaced == found.additions == ()


def test_different_characters_need_nothing() -> None:
    found = survey(make_faces({name: looks(seed, 5) for seed, name in enumerate("abc", start=1)}))
    assert (found.characters, found.samples) == (3, 15)
    assert found.sparse == found.duplicates == found.misplaced == ()


def test_characters_with_one_sample_or_none_are_sparse() -> None:
    found = survey(make_faces({"none": [], "one": looks(1, 1), "two": looks(2, 2)}))
    assert [one.name for one in found.sparse] == ["none", "one"]
    assert found.misplaced == ()


def test_two_names_for_one_character_are_duplicates_of_which_the_larger_is_kept() -> None:
    her = looks(1, 6)
    found = survey(make_faces({"alias": her[:2], "her": her[2:], "other": looks(2, 4)}))
    (one,) = found.duplicates
    assert (one.character.name, one.other.name, one.share) == ("her", "alias", 1.0)
    assert one.sample_id.startswith("her/")
    assert one.other_sample_id.startswith("alias/")
    assert one.similarity == pytest.approx(max(float(a @ b) for a in her[:2] for b in her[2:]), abs=1e-5)
    assert found.misplaced == (), "their samples are not reported a second time"


def test_a_character_with_one_sample_that_is_somebody_else_is_a_duplicate() -> None:
    her = looks(1, 5)
    found = survey(make_faces({"her": her[1:], "single": her[:1]}))
    assert [one.other.name for one in found.duplicates] == ["single"]


def test_characters_are_no_duplicates_below_the_threshold_of_the_policy() -> None:
    her = looks(1, 6)
    faces = make_faces({"a": her[:3], "b": her[3:]})
    assert survey(faces).duplicates
    assert not survey(faces, Policy((Level(1, 0.97, 0.05),))).duplicates


def test_a_sample_of_somebody_else_is_to_be_moved_to_her() -> None:
    astray, *others = looks(2, 6)
    found = survey(make_faces({"her": [*looks(1, 5), astray], "other": others}))
    (one,) = found.misplaced
    assert (one.sample_id, one.character.name) == ("her/5", "her")
    assert one.likely is not None
    assert one.likely.name == "other"
    assert one.likely_sample_id is not None
    assert one.likely_sample_id.startswith("other/")
    assert one.likely_similarity is not None
    assert one.likely_similarity > POLICY.levels[0].threshold > one.nearest_similarity
    assert found.duplicates == ()


def test_a_sample_that_is_like_nobody_is_odd() -> None:
    stranger = make_embedding(9, DIMENSION)
    found = survey(make_faces({"her": [*looks(1, 5), stranger], "other": looks(2, 5)}))
    (one,) = found.misplaced
    assert (one.sample_id, one.likely, one.likely_sample_id) == ("her/5", None, None)


def test_a_sample_that_leads_its_own_character_by_less_than_the_margin_stays() -> None:
    own, other = make_embedding(1, DIMENSION), make_embedding(2, DIMENSION)
    between = near((own + other) / np.linalg.norm(own + other), 3, 0.01)  # type: ignore[arg-type]
    faces = make_faces({"her": [own, between, *looks(1, 4)], "other": [other, *looks(2, 4)]})
    assert not [one for one in survey(faces, Policy((Level(1, 0.6, 0.2),))).misplaced if one.likely]


def test_additions_are_counted_by_day_of_universal_time() -> None:
    faces = make_faces({"her": looks(1, 3)})
    late = datetime(2024, 3, 1, 1, tzinfo=timezone(timedelta(hours=9)))  # still February in UTC
    when = (datetime(2024, 2, 1, tzinfo=UTC), late, datetime(2024, 2, 29, 3, tzinfo=UTC))
    faces = ScopeFaces(faces.characters, faces.starts, faces.sample_ids, when, faces.embeddings)
    assert survey(faces).additions == ((date(2024, 2, 1), 1), (date(2024, 2, 29), 2))


def test_what_comes_out_does_not_depend_on_how_much_is_compared_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    her = looks(1, 7)
    faces = make_faces(
        {"a": her[:3], "b": her[3:], "none": [], "c": [*looks(2, 5), looks(3, 1)[0]], "d": looks(3, 4)}
    )
    whole = survey(faces)
    monkeypatch.setattr(likeness, "_CELLS", 7)
    assert rounded(survey(faces)) == rounded(whole)
    assert whole.duplicates
    assert whole.misplaced


def test_the_nearest_of_few_characters_are_those_of_comparing_all_with_all() -> None:
    faces = make_faces({str(seed): looks(seed, 1 + seed % 4, amount=1.5) for seed in range(1, 8)})
    found = nearest(faces, lambda _: None)
    products = faces.embeddings @ faces.embeddings.T
    np.fill_diagonal(products, -2.0)
    for row, owner in enumerate(faces.owners.tolist()):
        own = products[row][faces.owners == owner]
        assert found.own_similarity[row] == pytest.approx(own.max(), abs=1e-6)
        others = products[row][faces.owners != owner]
        assert found.similarity[row].max() == pytest.approx(others.max(), abs=1e-6)
        best = found.row[row, found.similarity[row].argmax()]
        assert products[row, best] == others.max()


def test_progress_goes_up_to_one_and_can_stop_it() -> None:
    class StopError(Exception):
        pass

    def stop(done: float) -> None:
        raise StopError

    faces = make_faces({"a": looks(1, 3), "b": looks(2, 3)})
    told: list[float] = []
    survey_faces(faces, POLICY, at=AT, report=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    with pytest.raises(StopError):
        survey_faces(faces, POLICY, at=AT, report=stop)
