"""Decides who the faces of one picture are, from their matches alone; pure, and the same on every backend."""

from __future__ import annotations

import bisect
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from config.options import DecisionOptions
from inference.assignment import best_assignment
from inference.domain import SAME_PIXELS, Character, CharacterId, Cosines, Decision, Match
from inference.errors import SettingsError
from inference.gallery.names import name_key

IDENTICAL = 0.98
"""From this cosine on two crops are taken for the same face of the same picture, sent again.

Measured with the embedder of dareda-1: of faces new to it, halved and enlarged again, 99 % reach 0.984.
"""


CANDIDATES = 16
"""Matches to decide by: who is most alike is among those with the nearest samples, and a face that loses its
character needs a next one."""


RIVALS = 3
"""Characters next to the likeliest that say how much a face is like anybody; see `raised_by()`."""
_RIVALS_WEIGHT = 0.25


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """From which likeness and lead a face is named, so that strangers are named at that rate."""

    false_name_rate: float
    samples: int
    """Enrolled samples of the best match: the best of many is higher by chance alone."""
    threshold: float
    margin: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one embedder's likenesses mean; travels with its model pack. Raises ValueError when unusable."""

    points: tuple[CalibrationPoint, ...]
    rivals: float | None = None
    """How alike a face's rivals were on average; None when they did not count, see `Policy`."""

    def __post_init__(self) -> None:
        if not self.points:
            raise ValueError("a calibration needs points")
        if self.rivals is not None and not -1 <= self.rivals <= 1:
            raise ValueError(f"a calibration's rivals are not alike by {self.rivals}")
        for point in self.points:
            usable = (
                0 < point.false_name_rate < 1
                and point.samples >= 1
                and -1 <= point.threshold <= 1
                and 0 <= point.margin <= 2
            )
            if not usable:
                raise ValueError(f"not a calibration point: {point}")
        keys = {(point.samples, point.false_name_rate) for point in self.points}
        if len(keys) < len(self.points):
            raise ValueError("a calibration has two points for the same samples and false_name_rate")


@dataclass(frozen=True, slots=True)
class Level:
    """What is asked of a face that looks most like a character with that many samples."""

    samples: int
    threshold: float
    """Accepted when likeness >= threshold."""
    margin: float
    """The least lead over the best other character."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When a face is named."""

    levels: tuple[Level, ...]
    """Ascending by samples, at least one."""
    one_face_per_character: bool = True
    usual_rivals: float | None = None
    """How alike the next characters usually are; None when the threshold is the same, whatever they are."""
    identical: float = IDENTICAL
    """A face that close to one that is not the character is that very face."""
    same_pixels: float = SAME_PIXELS
    """What was said about a face that close was said about this one: nothing that is less close counts."""

    @property
    def lowest_threshold(self) -> float:
        """No number of samples has a lower one."""
        return min(level.threshold for level in self.levels)

    def level_for(self, samples: int) -> Level:
        """The level for that many samples: between two levels by the logarithm, beyond them the nearest."""
        above = bisect.bisect_left(self.levels, samples, key=lambda level: level.samples)
        if above == 0:
            return self.levels[0]
        if above == len(self.levels):
            return self.levels[-1]
        low, high = self.levels[above - 1], self.levels[above]
        share = _share_between(low.samples, high.samples, samples)
        return Level(
            samples=samples,
            threshold=_blend(low.threshold, high.threshold, share),
            margin=_blend(low.margin, high.margin, share),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who one face is."""

    decision: Decision
    character: Character | None
    """Whom it is named as (KNOWN), or the likeliest (UNSURE); None when UNKNOWN."""


def policy_for(calibration: Calibration, options: DecisionOptions) -> Policy:
    """The policy that keeps to the allowed false-name rate; a threshold or margin of the options wins.

    A threshold of the options holds whatever the rivals are. Between two calibrated rates it goes by the
    logarithm of the rate. Raises SettingsError for a rate that was not calibrated, or a threshold or margin
    that cannot be one.
    """
    _require_share("decision.threshold", options.threshold)
    _require_share("decision.margin", options.margin)
    if options.threshold and options.margin:
        levels = [Level(1, options.threshold, options.margin)]
    else:
        by_samples = defaultdict(list)
        for point in calibration.points:
            by_samples[point.samples].append(point)
        levels = [
            Level(
                samples,
                options.threshold or _at_rate(points, options.false_name_rate, lambda p: p.threshold),
                options.margin or _at_rate(points, options.false_name_rate, lambda p: p.margin),
            )
            for samples, points in sorted(by_samples.items())
        ]
    usual_rivals = None if options.threshold else calibration.rivals
    return Policy(tuple(levels), options.one_face_per_character, usual_rivals)


def fixed_policy(threshold: float, margin: float, options: DecisionOptions) -> Policy:
    """The policy of a closed set, where no rate can be kept to; a threshold or margin of the options wins.

    Raises SettingsError for a threshold or margin that cannot be one.
    """
    _require_share("decision.threshold", options.threshold)
    _require_share("decision.margin", options.margin)
    level = Level(1, options.threshold or threshold, options.margin or margin)
    return Policy((level,), options.one_face_per_character)


def decide(matches_per_face: Sequence[Sequence[Match]], policy: Policy) -> list[Verdict]:
    """A verdict for each face of one picture, in order.

    A face is KNOWN when the character that it is most alike reaches the threshold, leads the best other by
    the margin and no negative evidence lies nearby. The threshold is a little higher for a face that is like
    everybody, and lower for one that is like nobody else, see `raised_by()`. It is UNSURE when the character
    reaches the threshold, but another is within the margin or negative evidence is. A character is out for a
    face that is at least as close to a negative of it as to its nearest sample, or all but identical to a
    negative. But whoever taught a picture is believed about it: a face with the same pixels as a sample, and
    as no negative of that character nor a sample of another, is KNOWN.

    With `one_face_per_character`, nobody is named twice, not even as the likeliest: of the faces that claim
    the same character, the best overall assignment says who gets it. Who loses it may be UNSURE about
    another character, when that was within the margin from the start, else is UNKNOWN: a face that clearly
    looks like somebody who is named already is more likely that one drawn again than its far second-best.
    No verdict becomes surer by it.

    Characters of different galleries with the same name and series are one, or a shared gallery would make
    every face of the own one unsure. At least two matches a face are needed to see a lead.
    """
    identities = _identities(match.character for matches in matches_per_face for match in matches)
    claims = [_claims(matches, identities, policy) for matches in matches_per_face]
    if policy.one_face_per_character:
        return _assigned(claims, matches_per_face, policy)
    return [_verdict(own[0] if own else None) for own in claims]


# ── one face ────────────────────────────────────────────────────────────────────────────────────

Identity = tuple[str, str]
"""Name and series: characters that a chat user cannot tell apart."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """A character that a face may be named as."""

    identity: Identity
    match: Match
    standing: float
    """Its likeness, less what its rivals raise the threshold by."""
    clear: bool
    """The face's own evidence leaves no doubt."""
    contradicted: bool
    """Negative evidence is nearby."""


def _identities(characters: Iterable[Character]) -> Mapping[CharacterId, Identity]:
    """An empty series stands for the only series that the name has here."""
    keys = {one.id: (name_key(one.name), name_key(one.series)) for one in characters}
    series_of = defaultdict(set)
    for name, series in keys.values():
        if series:
            series_of[name].add(series)
    return {
        character_id: (name, next(iter(series_of[name])) if len(series_of[name]) == 1 else series)
        for character_id, (name, series) in keys.items()
    }


def _claims(
    matches: Sequence[Match], identities: Mapping[CharacterId, Identity], policy: Policy
) -> list[_Claim]:
    """Whom the face may be, likeliest first: the one it is most alike, and others within the margin of it."""
    by_identity = defaultdict(list)
    for match in sorted(matches, key=_sort_key):
        by_identity[identities[match.character.id]].append(match)
    candidates = []
    for identity, same in by_identity.items():  # best first, as their best matches were inserted
        negatives = [match.negative_similarity for match in same if match.negative_similarity is not None]
        negative = max(negatives, default=-math.inf)
        nearest = max(match.similarity for match in same)
        taught = negative < policy.same_pixels <= nearest
        if taught or (negative < nearest and negative < policy.identical):
            candidates.append((identity, same[0], math.inf if taught else nearest - negative))
    if not candidates:
        return []

    top = candidates[0][1]
    margin = policy.level_for(top.character.sample_count).margin
    second = candidates[1][1].likeness if len(candidates) > 1 else -math.inf
    leads = top.likeness - second >= margin or second < policy.same_pixels <= top.likeness
    raised = 0.0
    if policy.usual_rivals is not None:
        rivals = [match.likeness for _, match, _ in candidates[1 : RIVALS + 1]]
        raised = raised_by(rivals, policy.usual_rivals)
    lowest, claims = policy.lowest_threshold, []
    for identity, match, lead_over_negatives in candidates:
        within = match is top or top.likeness - match.likeness < margin
        standing = match.likeness
        if standing < policy.same_pixels:
            standing = min(standing - raised, policy.same_pixels)
        if not within or standing < lowest:
            break  # as are all that are less alike
        if standing >= policy.level_for(match.character.sample_count).threshold:
            contradicted = lead_over_negatives < margin
            clear = match is top and leads and not contradicted
            claims.append(_Claim(identity, match, standing, clear, contradicted))
    return sorted(claims, key=lambda claim: claim.contradicted)


def raised_by(rivals: Sequence[Cosines], usual: float) -> Cosines:
    """By how much more likeness is asked of a face that is that alike to its rivals, the next characters.

    A quarter of what they are more alike than usual, less where they are less alike. So a face that has
    something of everybody (blurred, covered, drawn plainly) is named with more care; and as more enrolled
    characters are more rivals, a large gallery is asked more and a small one less. Up to `RIVALS` count;
    missing ones are as alike as usual. It is the score normalisation of speaker verification with the gallery
    itself as the cohort (Auckenthaler et al., "Score normalization for text-independent speaker verification
    systems", Digital Signal Processing 2000), at a quarter of its strength.
    """
    raised: Any = sum(rival - usual for rival in rivals)
    return cast("Cosines", _RIVALS_WEIGHT / RIVALS * raised)


def _sort_key(match: Match) -> tuple[float, str, float]:
    negative = -1.0 if match.negative_similarity is None else match.negative_similarity
    return -match.likeness, match.character.id, negative


def _verdict(claim: _Claim | None) -> Verdict:
    if claim is None:
        return Verdict(Decision.UNKNOWN, None)
    return Verdict(Decision.KNOWN if claim.clear else Decision.UNSURE, claim.match.character)


# ── one picture ─────────────────────────────────────────────────────────────────────────────────


def _assigned(
    claims: Sequence[Sequence[_Claim]], matches_per_face: Sequence[Sequence[Match]], policy: Policy
) -> list[Verdict]:
    """Each character to one face at most, so that the total similarity above the threshold is highest.

    Counting from the threshold, a face with a strong claim is not moved for two with weak ones.
    """
    lowest = policy.lowest_threshold
    # Equal totals are settled by the evidence, not by where in the picture a face happens to be.
    order = [*range(len(claims))]
    if len(order) > 1:
        order.sort(key=lambda face: sorted(map(_sort_key, matches_per_face[face])))
    worth = [{claim.identity: _worth(claim, lowest) for claim in claims[face]} for face in order]
    verdicts = [_verdict(None)] * len(claims)
    chosen = best_assignment(worth)
    for face, identity in zip(order, chosen, strict=True):
        for claim in claims[face]:
            if claim.identity == identity:
                verdicts[face] = _verdict(claim)
    return verdicts


def _worth(claim: _Claim, lowest_threshold: float) -> float:
    # A claim right at the threshold is worth more than none, a contradicted one less than any other.
    above = claim.standing - lowest_threshold + 1e-6
    return above * 1e-9 if claim.contradicted else above


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────


def _require_share(key: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise SettingsError(key=key, reason=f"{value:g} is not between 0 and 1")


def _at_rate(
    points: Sequence[CalibrationPoint], rate: float, value: Callable[[CalibrationPoint], float]
) -> float:
    ordered = sorted(points, key=lambda point: point.false_name_rate)
    lowest, highest = ordered[0].false_name_rate, ordered[-1].false_name_rate
    if not lowest <= rate <= highest:
        raise SettingsError(
            key="decision.false_name_rate",
            reason=f"{rate:g} is outside of what the model pack is calibrated for, {lowest:g} to {highest:g}",
        )
    above = bisect.bisect_left(ordered, rate, key=lambda point: point.false_name_rate)
    if ordered[above].false_name_rate == rate:
        return value(ordered[above])
    low, high = ordered[above - 1], ordered[above]
    return _blend(value(low), value(high), _share_between(low.false_name_rate, high.false_name_rate, rate))


def _share_between(low: float, high: float, value: float) -> float:
    """Where the value lies between the two, 0…1, on a logarithmic scale."""
    return math.log(value / low) / math.log(high / low)


def _blend(low: float, high: float, share: float) -> float:
    return low + (high - low) * share
