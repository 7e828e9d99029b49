"""`decide` and `policy_for`: tables, and what must hold for any picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.options import DecisionOptions
from inference.decide import (
    Calibration,
    CalibrationPoint,
    Level,
    Policy,
    Verdict,
    decide,
    policy_for,
)
from inference.domain import Character, CharacterId, Decision, Match, SampleId, Scope
from inference.errors import SettingsError

KNOWN, UNSURE, UNKNOWN = Decision.KNOWN, Decision.UNSURE, Decision.UNKNOWN

# Binary fractions, so that sums and differences at the edges are exact.
POLICY = Policy((Level(samples=1, threshold=0.5, margin=0.125),))
FREE = replace(POLICY, one_face_per_character=False)


def match(
    name: str,
    similarity: float,
    *,
    negative: float | None = None,
    mean: float | None = None,
    samples: int = 1,
    series: str = "",
    scope: str = "own",
) -> Match:
    character = Character(
        CharacterId(f"{scope}/{name}"), Scope(scope), name, series=series, sample_count=samples
    )
    return Match(character, SampleId(f"sample of {name}"), similarity, negative, mean)


def face(*matches: tuple[str, float] | Match) -> tuple[Match, ...]:
    return tuple(m if isinstance(m, Match) else match(*m) for m in matches)


def said(verdicts: Sequence[Verdict]) -> list[tuple[Decision, str | None]]:
    return [(verdict.decision, verdict.character and verdict.character.name) for verdict in verdicts]


# ── one face ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("matches", "decision", "name"),
    [
        # Nothing enrolled, and too far away.
        (face(), UNKNOWN, None),
        (face(("A", -1.0)), UNKNOWN, None),
        (face(("A", math.nextafter(0.5, 0))), UNKNOWN, None),
        (face(("A", 0.4), ("B", 0.3)), UNKNOWN, None),
        # Accepted from the threshold on.
        (face(("A", 0.5)), KNOWN, "A"),
        (face(("A", 1.0000001)), KNOWN, "A"),
        # The lead over the best other character, from the margin on, whether or not that one is accepted.
        (face(("A", 0.75), ("B", 0.625)), KNOWN, "A"),
        (face(("A", 0.75), ("B", 0.6875)), UNSURE, "A"),
        (face(("A", 0.5), ("B", 0.4375)), UNSURE, "A"),
        (face(("A", 0.75), ("B", 0.75)), UNSURE, "A"),
        (face(("A", 0.75), ("B", 0.5), ("C", 0.7)), UNSURE, "A"),
        # Negative evidence far away, nearby, and nearer than the best sample.
        (face(match("A", 0.75, negative=0.625)), KNOWN, "A"),
        (face(match("A", 0.75, negative=0.6875)), UNSURE, "A"),
        (face(match("A", 0.75, negative=0.75)), UNKNOWN, None),
        (face(match("A", 0.75, negative=0.9)), UNKNOWN, None),
        (face(match("A", 0.75, negative=-0.5)), KNOWN, "A"),
        # All but the very picture of which somebody said "not her".
        (face(match("A", 0.995, negative=0.98)), UNKNOWN, None),
        (face(match("A", 0.995, negative=0.97)), UNSURE, "A"),
        # The very picture that somebody taught, whatever was said about others like it.
        (face(match("A", 1.0, negative=0.99)), KNOWN, "A"),
        (face(match("A", 1.0, negative=0.9995)), UNKNOWN, None),
        (face(match("A", 0.9985, negative=0.99)), UNKNOWN, None),
        (face(("A", 1.0), ("B", 0.998)), KNOWN, "A"),
        (face(("A", 1.0), ("B", 0.9995)), UNSURE, "A"),
        (face(match("A", 1.0, negative=1.0), ("B", 0.998)), KNOWN, "B"),
        # Who is out is no rival either.
        (face(match("A", 0.75, negative=0.8), ("B", 0.7)), KNOWN, "B"),
        (face(match("A", 0.75, negative=0.8), ("B", 0.7), ("C", 0.65)), UNSURE, "B"),
        (face(match("A", 0.75, negative=0.8), ("B", 0.45)), UNKNOWN, None),
        # Of two that are close, the one without negative evidence nearby is likelier.
        (face(match("A", 0.75, negative=0.7), ("B", 0.7)), UNSURE, "B"),
        (face(match("A", 0.75, negative=0.7), ("B", 0.45)), UNSURE, "A"),
        # Alike is who is near by the mean of all samples too; against negatives the nearest sample speaks.
        (face(match("A", 0.75, mean=0.25)), KNOWN, "A"),
        (face(match("A", 0.75, mean=0.125)), UNKNOWN, None),
        (face(match("A", 0.375, mean=0.625)), KNOWN, "A"),
        (face(match("A", 0.75, mean=0.25), match("B", 0.625, mean=0.625)), KNOWN, "B"),
        (face(match("A", 0.75, mean=0.5), match("B", 0.625, mean=0.5)), UNSURE, "A"),
        (face(match("A", 0.75, mean=0.5, negative=0.625)), KNOWN, "A"),
        (face(match("A", 0.75, mean=0.5, negative=0.6875)), UNSURE, "A"),
        (face(match("A", 0.75, mean=0.875, negative=0.75)), UNKNOWN, None),
        (face(match("A", 1.0, mean=0.125), match("B", 0.75, mean=0.75)), KNOWN, "A"),
        (face(match("A", 0.998, mean=0.125), match("B", 0.75, mean=0.75)), KNOWN, "B"),
        # Nearest to somebody it is not near enough to be, so the farther one is no answer.
        (face(("A", 0.75), match("B", 0.6, samples=0)), KNOWN, "A"),
    ],
)
@pytest.mark.parametrize("policy", [POLICY, FREE])
def test_one_face(matches: tuple[Match, ...], decision: Decision, name: str | None, policy: Policy) -> None:
    assert said(decide([matches], policy)) == [(decision, name)]
    assert said(decide([matches[::-1]], policy)) == [(decision, name)]


def test_a_picture_without_faces_has_no_verdicts() -> None:
    assert decide([], POLICY) == []
    assert decide([(), ()], POLICY) == [Verdict(UNKNOWN, None)] * 2


@pytest.mark.parametrize(
    ("samples", "similarity", "decision"),
    [(0, 0.5, KNOWN), (1, 0.5, KNOWN), (4, 0.5, UNKNOWN), (4, 0.75, KNOWN), (99, 0.74, UNKNOWN)],
)
def test_the_threshold_follows_the_number_of_samples(
    samples: int, similarity: float, decision: Decision
) -> None:
    policy = Policy((Level(1, 0.5, 0.125), Level(4, 0.75, 0.125)))
    (verdict,) = decide([face(match("A", similarity, samples=samples))], policy)
    assert verdict.decision is decision


def test_a_face_nearest_to_somebody_it_is_not_near_enough_to_is_unsure_or_unknown() -> None:
    policy = Policy((Level(1, 0.5, 0.125), Level(4, 0.75, 0.125)))
    crowd = match("A", 0.7, samples=4)  # below the threshold of its many samples
    assert said(decide([face(crowd, ("B", 0.625))], policy)) == [(UNSURE, "B")]
    assert said(decide([face(crowd, ("B", 0.5625))], policy)) == [(UNKNOWN, None)]


STANDING_OUT = replace(POLICY, usual_rivals=0.25)


@pytest.mark.parametrize(
    ("matches", "decision"),
    [
        # Rivals as alike as usual, and none at all.
        (face(("A", 0.5), ("B", 0.25), ("C", 0.25), ("D", 0.25)), KNOWN),
        (face(("A", 0.5)), KNOWN),
        (face(("A", math.nextafter(0.5, 0))), UNKNOWN),
        # A quarter of what the three are more or less alike on average, of those that are missing nothing.
        (face(("A", 0.53125), ("B", 0.375), ("C", 0.375), ("D", 0.375)), KNOWN),
        (face(("A", 0.53), ("B", 0.375), ("C", 0.375), ("D", 0.375)), UNKNOWN),
        (face(("A", 0.515625), ("B", 0.375), ("C", 0.25), ("D", 0.3125)), KNOWN),
        (face(("A", 0.515), ("B", 0.375), ("C", 0.25), ("D", 0.3125)), UNKNOWN),
        (face(("A", 0.4375), ("B", 0.0), ("C", 0.0), ("D", 0.0)), KNOWN),
        (face(("A", 0.437), ("B", 0.0), ("C", 0.0), ("D", 0.0)), UNKNOWN),
        (face(("A", 0.515625), ("B", 0.4375)), UNSURE),
        (face(("A", 0.515), ("B", 0.4375)), UNKNOWN),
        # Beyond the third they do not count.
        (face(("A", 0.5), ("B", 0.25), ("C", 0.25), ("D", 0.25), ("E", 0.25), ("F", 0.0)), KNOWN),
        # The mean counts for rivals as well, and who is out is none.
        (face(("A", 0.5), match("B", 0.375, mean=0.125), ("C", 0.25), ("D", 0.25)), KNOWN),
        (face(("A", 0.5), match("B", 0.375, negative=0.4), ("C", 0.25), ("D", 0.25)), KNOWN),
        # Whoever taught the very picture is believed.
        (face(("A", 1.0), ("B", 0.9), ("C", 0.9), ("D", 0.9)), KNOWN),
    ],
)
def test_more_is_asked_of_a_face_that_is_like_everybody(
    matches: tuple[Match, ...], decision: Decision
) -> None:
    (verdict,) = decide([matches], STANDING_OUT)
    assert verdict.decision is decision


def test_only_the_very_picture_is_as_sure_as_that() -> None:
    strict = replace(STANDING_OUT, levels=(Level(1, 0.9995, 0.125),))
    alone = (("B", -1.0), ("C", -1.0), ("D", -1.0))
    assert said(decide([face(("A", 0.998), *alone)], strict)) == [(UNKNOWN, None)]
    assert said(decide([face(("A", 1.0), *alone)], strict)) == [(KNOWN, "A")]


def test_faces_that_claim_one_character_are_weighed_as_their_thresholds_are() -> None:
    """Both below the threshold itself: what lets them in is that they are like nobody else."""
    far = (("B", -0.5), ("C", -0.5), ("D", -0.5))
    verdicts = decide([face(("A", 0.40625), *far), face(("A", 0.4375), *far)], STANDING_OUT)
    assert said(verdicts) == [(UNKNOWN, None), (KNOWN, "A")]


# ── the same character in two galleries ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("own_series", "shared_series", "decision"),
    [("", "", KNOWN), ("S", "S", KNOWN), ("S", "", KNOWN), ("", "ｓ", KNOWN), ("S", "T", UNSURE)],
)
def test_the_same_character_of_a_shared_gallery_is_no_rival(
    own_series: str, shared_series: str, decision: Decision
) -> None:
    own = match("Eru", 0.75, series=own_series)
    shared = match("ERU", 0.7, series=shared_series, scope="shared")
    assert said(decide([face(own, shared)], POLICY)) == [(decision, "Eru")]


def test_a_correction_in_the_own_gallery_holds_for_the_shared_one_too() -> None:
    own = match("Eru", 0.6, negative=0.99)
    shared = match("Eru", 0.9, scope="shared")
    assert said(decide([face(shared, own)], POLICY)) == [(UNKNOWN, None)]


def test_nobody_is_named_twice_by_way_of_two_galleries() -> None:
    verdicts = decide([face(match("Eru", 0.9)), face(match("Eru", 0.8, scope="shared"))], POLICY)
    assert said(verdicts) == [(KNOWN, "Eru"), (UNKNOWN, None)]


# ── several faces ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        # Nobody competes.
        ([face(("A", 0.9)), face(("B", 0.9)), face()], [(KNOWN, "A"), (KNOWN, "B"), (UNKNOWN, None)]),
        # Not first come, but most similar.
        ([face(("A", 0.6)), face(("A", 0.9))], [(UNKNOWN, None), (KNOWN, "A")]),
        # The same clear face twice: the second-best is far behind, so it is no answer.
        ([face(("A", 0.9)), face(("A", 0.8), ("B", 0.55))], [(KNOWN, "A"), (UNKNOWN, None)]),
        # Twins: the undecided one gives way, and stays unsure.
        ([face(("A", 0.9)), face(("A", 0.8), ("B", 0.75))], [(KNOWN, "A"), (UNSURE, "B")]),
        ([face(("A", 0.9), ("B", 0.85)), face(("A", 0.8), ("B", 0.7))], [(UNSURE, "B"), (UNSURE, "A")]),
        ([face(("A", 0.9), ("B", 0.85)), face(("A", 0.8))], [(UNSURE, "B"), (KNOWN, "A")]),
        # A strong claim is not given up so that a weak one can be met as well.
        ([face(("A", 0.9), ("B", 0.8)), face(("A", 0.53))], [(UNSURE, "A"), (UNKNOWN, None)]),
        # Even right at the threshold a name is better than none.
        ([face(("A", 0.6), ("B", 0.5)), face(("A", 0.6))], [(UNSURE, "B"), (KNOWN, "A")]),
        # Negative evidence nearby gives way, to a less similar face even.
        ([face(match("A", 0.7, negative=0.65)), face(("A", 0.6))], [(UNKNOWN, None), (KNOWN, "A")]),
        ([face(match("A", 0.7, negative=0.75)), face(("A", 0.6))], [(UNKNOWN, None), (KNOWN, "A")]),
        (
            [face(match("A", 0.7, negative=0.65)), face(match("A", 0.6, negative=0.5))],
            [(UNSURE, "A"), (UNKNOWN, None)],
        ),
        # Three in a row give way to each other.
        (
            [face(("A", 0.9), ("B", 0.88)), face(("B", 0.9), ("C", 0.88)), face(("A", 0.9))],
            [(UNSURE, "B"), (UNSURE, "C"), (KNOWN, "A")],
        ),
    ],
)
def test_nobody_is_named_twice_in_one_picture(
    faces: list[tuple[Match, ...]], expected: list[tuple[Decision, str | None]]
) -> None:
    assert said(decide(faces, POLICY)) == expected
    assert said(decide(faces[::-1], POLICY)) == expected[::-1]


def test_switched_off_every_face_is_decided_alone() -> None:
    faces = [face(("A", 0.9)), face(("A", 0.8), ("B", 0.75)), face(("A", 0.6))]
    assert said(decide(faces, FREE)) == [(KNOWN, "A"), (UNSURE, "A"), (KNOWN, "A")]


similarities = st.integers(-4, 16).map(lambda n: n / 16)
SAMPLES = {"A": 1, "B": 1, "C": 2, "D": 5, "E": 9}
some_matches = st.builds(
    lambda name, similarity, negative, scope: match(
        name, similarity, negative=negative, samples=SAMPLES[name], scope=scope
    ),
    st.sampled_from(sorted(SAMPLES)),
    similarities,
    st.none() | similarities,
    st.sampled_from(["own", "shared"]),
)
some_faces = st.lists(st.lists(some_matches, max_size=5).map(tuple), max_size=5)
policies = st.sampled_from(
    [
        POLICY,
        Policy((Level(1, 0.25, 0.25), Level(5, 0.5, 0.0625))),
        Policy((Level(1, 0.0, 0.0),)),
    ]
)


@given(some_faces, policies)
def test_nobody_is_ever_named_twice_and_nothing_becomes_surer(
    faces: list[tuple[Match, ...]], policy: Policy
) -> None:
    alone = decide(faces, replace(policy, one_face_per_character=False))
    verdicts = decide(faces, policy)
    names = [name for _, name in said(verdicts) if name is not None]
    assert len(set(names)) == len(names)
    for before, after in zip(alone, verdicts, strict=True):
        if after.decision is KNOWN:
            assert after == before
        if before.decision is UNKNOWN:
            assert after == before
    claimed = [name for _, name in said(alone) if name is not None]
    if len(set(claimed)) == len(claimed):
        assert verdicts == alone


@given(some_faces, policies)
def test_every_verdict_keeps_to_its_own_words(faces: list[tuple[Match, ...]], policy: Policy) -> None:
    for matches, verdict in zip(faces, decide(faces, policy), strict=True):
        assert (verdict.character is None) == (verdict.decision is UNKNOWN)
        if verdict.character is None:
            continue
        own = [m for m in matches if m.character.name == verdict.character.name]
        best = max(m.similarity for m in own)
        assert best >= min(level.threshold for level in policy.levels)
        assert all(m.negative_similarity is None or m.negative_similarity < best for m in own)


@given(some_faces, policies, st.randoms())
def test_the_order_of_faces_and_matches_does_not_matter(
    faces: list[tuple[Match, ...]], policy: Policy, random: object
) -> None:
    def shuffled(things: Sequence) -> list:  # type: ignore[type-arg]
        return random.sample(list(things), len(things))  # type: ignore[attr-defined, no-any-return]

    # A character that is listed twice with the same similarity has no order of its own.
    faces = [tuple({m.character.id: m for m in matches}.values()) for matches in faces]
    order = shuffled(range(len(faces)))
    moved = decide([tuple(shuffled(faces[index])) for index in order], policy)
    verdicts = decide(faces, policy)
    # Faces that claim the very same are interchangeable, so compare what such faces get together.
    for matches in faces:
        twins = [index for index, other in enumerate(faces) if set(other) == set(matches)]
        assert sorted(said([verdicts[index] for index in twins]), key=str) == sorted(
            said([moved[order.index(index)] for index in twins]), key=str
        )


@given(
    st.lists(
        st.dictionaries(st.sampled_from("ABCD"), st.integers(8, 16).map(lambda n: n / 16), min_size=1),
        max_size=4,
    )
)
def test_no_other_assignment_has_a_higher_total_above_the_threshold(faces: list[dict[str, float]]) -> None:
    threshold, margin = 0.5, 0.25
    claims = [{n: s for n, s in own.items() if max(own.values()) - s < margin} for own in faces]
    totals = [
        sum(own[name] - threshold for own, name in zip(claims, chosen, strict=True) if name)
        for chosen in product(*([None, *own] for own in claims))
        if len(set(filter(None, chosen))) == len(list(filter(None, chosen)))
    ]
    verdicts = decide([face(*own.items()) for own in faces], Policy((Level(1, threshold, margin),)))
    names = [name for _, name in said(verdicts)]
    got = sum(own[name] - threshold for own, name in zip(claims, names, strict=True) if name)
    assert got == max(totals)


# ── calibration → policy ────────────────────────────────────────────────────────────────────────

CALIBRATION = Calibration(
    tuple(
        CalibrationPoint(rate, samples, threshold, margin)
        for rate, samples, threshold, margin in [
            (0.1, 1, 0.3, 0.02),
            (0.01, 1, 0.4, 0.04),
            (0.001, 1, 0.6, 0.08),
            (0.001, 4, 0.7, 0.08),
            (0.01, 4, 0.5, 0.04),
            (0.1, 4, 0.35, 0.02),
        ]
    )
)


def test_rivals_count_as_calibrated_unless_the_threshold_is_given() -> None:
    calibration = replace(CALIBRATION, rivals=0.25)
    assert policy_for(CALIBRATION, DecisionOptions()).usual_rivals is None
    assert policy_for(calibration, DecisionOptions()).usual_rivals == 0.25
    assert policy_for(calibration, DecisionOptions(margin=0.1)).usual_rivals == 0.25
    assert policy_for(calibration, DecisionOptions(threshold=0.5)).usual_rivals is None


@pytest.mark.parametrize("rivals", [math.nan, -1.5, 2.0])
def test_rivals_that_cannot_be_are_refused(rivals: float) -> None:
    with pytest.raises(ValueError, match="rivals"):
        replace(CALIBRATION, rivals=rivals)


@pytest.mark.parametrize("rate", [0.0, 0.0009, 0.11, 1.0, math.nan])
def test_a_rate_that_was_not_calibrated_is_refused(rate: float) -> None:
    with pytest.raises(SettingsError, match=r"decision\.false_name_rate .* 0\.001 to 0\.1"):
        policy_for(CALIBRATION, DecisionOptions(false_name_rate=rate))


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
@pytest.mark.parametrize("key", ["threshold", "margin"])
def test_a_threshold_or_margin_that_cannot_be_one_is_refused(key: str, value: float) -> None:
    with pytest.raises(SettingsError, match=rf"decision\.{key}"):
        policy_for(CALIBRATION, DecisionOptions(**{key: value}))


@pytest.mark.parametrize(
    ("rate", "samples", "threshold", "margin"),
    [
        (0.1, 1, 0.3, 0.02),
        (0.01, 1, 0.4, 0.04),
        (0.001, 1, 0.6, 0.08),
        (0.001, 4, 0.7, 0.08),
        # Halfway on the logarithmic scale of rates, of samples, and of both.
        (0.1**2.5, 1, 0.5, 0.06),
        (0.01, 2, 0.45, 0.04),
        (0.1**2.5, 2, 0.55, 0.06),
        # Beyond the tabulated samples.
        (0.01, 0, 0.4, 0.04),
        (0.01, 500, 0.5, 0.04),
    ],
)
def test_the_policy_is_read_off_the_calibration(
    rate: float, samples: int, threshold: float, margin: float
) -> None:
    level = policy_for(CALIBRATION, DecisionOptions(false_name_rate=rate)).level_for(samples)
    assert level.threshold == pytest.approx(threshold)
    assert level.margin == pytest.approx(margin)


@given(st.floats(0.001, 0.1), st.floats(0.001, 0.1), st.integers(0, 20))
def test_a_stricter_rate_never_has_a_lower_threshold(one: float, other: float, samples: int) -> None:
    strict, loose = (
        policy_for(CALIBRATION, DecisionOptions(false_name_rate=rate)).level_for(samples)
        for rate in sorted((one, other))
    )
    assert strict.threshold >= loose.threshold - 1e-12
    assert strict.margin >= loose.margin - 1e-12


def test_a_threshold_or_margin_of_the_options_wins() -> None:
    policy = policy_for(CALIBRATION, DecisionOptions(threshold=0.33))
    assert [(level.threshold, level.margin) for level in policy.levels] == [(0.33, 0.04)] * 2
    policy = policy_for(CALIBRATION, DecisionOptions(margin=0.5))
    assert [(level.threshold, level.margin) for level in policy.levels] == [(0.4, 0.5), (0.5, 0.5)]
    both = DecisionOptions(threshold=0.33, margin=0.5, false_name_rate=0.9, one_face_per_character=False)
    assert policy_for(CALIBRATION, both) == Policy((Level(1, 0.33, 0.5),), one_face_per_character=False)


@pytest.mark.parametrize(
    "points",
    [
        (),
        (CalibrationPoint(0.0, 1, 0.5, 0.1),),
        (CalibrationPoint(1.0, 1, 0.5, 0.1),),
        (CalibrationPoint(0.01, 0, 0.5, 0.1),),
        (CalibrationPoint(0.01, 1, 1.5, 0.1),),
        (CalibrationPoint(0.01, 1, math.nan, 0.1),),
        (CalibrationPoint(0.01, 1, 0.5, -0.1),),
        (CalibrationPoint(0.01, 1, 0.5, 0.1), CalibrationPoint(0.01, 1, 0.6, 0.1)),
    ],
)
def test_an_unusable_calibration_is_refused(points: tuple[CalibrationPoint, ...]) -> None:
    with pytest.raises(ValueError, match="calibration"):
        Calibration(points)
