"""What a detector found, as labels that say how far they are to be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from inference.domain import Detection
from training.dataset.manifest import LabelledFace, LabelledPicture
from training.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Trust:
    """From which score on a box is a face, or worth a person's look.

    Raises TrainingError unless 0 ≤ unsure ≤ sure ≤ 1.
    """

    sure: float = 0.6
    unsure: float = 0.15
    empty: bool = False
    """Whether a picture in which nothing was found is taken for one without faces."""

    def __post_init__(self) -> None:
        if not 0 <= self.unsure <= self.sure <= 1:
            raise TrainingError(f"the scores must be 0 ≤ unsure ({self.unsure}) ≤ sure ({self.sure}) ≤ 1")


def needs_labels(picture: LabelledPicture, *, again: bool) -> bool:
    """Whether a detector should look at it: nobody has, or, with `again`, a detector alone has.

    Not when its faces have names: those are a person's.
    """
    if not picture.labelled:
        return True
    made_by_machine = all(face.state != "sure" and face.character is None for face in picture.faces)
    return again and bool(picture.faces) and made_by_machine


def pseudo_labelled(picture: LabelledPicture, found: Sequence[Detection], trust: Trust) -> LabelledPicture:
    """The picture with what was found; not labelled when that is nothing, unless `trust.empty`."""
    faces = tuple(
        LabelledFace(
            one.box.clipped(picture.width, picture.height),
            score=one.score,
            state="pseudo" if one.score >= trust.sure else "unsure",
        )
        for one in found
        if one.score >= trust.unsure
    )
    return replace(picture, faces=faces, labelled=bool(faces) or trust.empty)


def doubt(picture: LabelledPicture) -> str | None:
    """Why a person should look at a picture that a detector labelled; None where there is no need."""
    unsure = sum(face.state == "unsure" for face in picture.faces)
    if unsure:
        return f"{unsure} of {len(picture.faces)} boxes unsure"
    return None if picture.faces else "no face found"
