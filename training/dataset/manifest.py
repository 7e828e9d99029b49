"""The face manifest: a JSON object a line, a picture and its faces; the common ground of all datasets.

    {"image": "pages/001.png", "width": 800, "height": 1200, "source": "my-series", "split": "train",
     "faces": [{"box": [10.0, 20.0, 110.0, 120.0], "character": "eru", "score": null, "state": "sure"}]}

`image` is relative to the manifest's folder (or absolute); boxes are x1, y1, x2, y2 in pixels of the upright
picture. A picture without faces is one with an empty list: a negative; `null` instead of a list says that
nobody has looked yet. `character` may be null (somebody), `score` is set by detectors only, and `state` says
how far a label is to be trusted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from inference.domain import FaceBox
from training.errors import DatasetError

Split = Literal["train", "val", "test"]
SPLITS: dict[str, Split] = {split: split for split in get_args(Split)}
"""By their names in files."""

State = Literal["sure", "pseudo", "unsure"]
"""A person's label, a detector's that is trusted, a detector's that a person should look at."""


@dataclass(frozen=True, slots=True)
class LabelledFace:
    box: FaceBox
    """Pixels of the upright picture."""
    character: str | None = None
    score: float | None = None
    """The detector's, 0…1; None for a person's label."""
    state: State = "sure"


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    path: Path
    """Absolute, or relative to the working folder."""
    width: int
    height: int
    """Pixels, upright."""
    source: str
    split: Split
    faces: tuple[LabelledFace, ...] = ()
    labelled: bool = True
    """False where nobody has looked for faces yet, so that having none means nothing."""


def read_manifest(
    path: Path, *, split: Split | None = None, unlabelled: bool = False
) -> list[LabelledPicture]:
    """The pictures of a manifest in its order, of one split or of all. Pictures are not opened.

    Those that nobody has looked at yet are left out unless `unlabelled` asks for them too. Raises
    DatasetError that names the file, the line and what is wrong with it.
    """
    pictures = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    pictures.append(_read(line, path, number))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(path, str(error)) from error
    return [
        picture for picture in pictures if split in (None, picture.split) and (picture.labelled or unlabelled)
    ]


def read_manifests(
    paths: Sequence[Path], *, split: Split | None = None, unlabelled: bool = False
) -> list[LabelledPicture]:
    """The pictures of several manifests, one after the other; see `read_manifest()`."""
    return [picture for path in paths for picture in read_manifest(path, split=split, unlabelled=unlabelled)]


def write_manifest(path: Path, pictures: Iterable[LabelledPicture]) -> int:
    """Write them, whole or not at all. Returns how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.part")
    count = 0
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        for count, line in enumerate(_lines(path.parent, pictures), start=1):  # noqa: B007
            file.write(f"{line}\n")
    temporary.replace(path)
    return count


def _lines(folder: Path, pictures: Iterable[LabelledPicture]) -> Iterator[str]:
    for picture in pictures:
        yield json.dumps(
            {
                "image": Path(os.path.relpath(picture.path, folder)).as_posix(),
                "width": picture.width,
                "height": picture.height,
                "source": picture.source,
                "split": picture.split,
                "faces": [asdict(face) | {"box": face.box.xyxy} for face in picture.faces]
                if picture.labelled
                else None,
            },
            ensure_ascii=False,
        )


def _read(line: str, manifest: Path, number: int) -> LabelledPicture:
    try:
        row = _Row.model_validate_json(line)
        picture = row.picture
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DatasetError(
            manifest, f"line {number}: {where}: {first['msg']}".replace(": : ", ": ")
        ) from error
    return replace(picture, path=manifest.parent / picture.path)


def _in_order(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    if box[0] >= box[2] or box[1] >= box[3]:
        raise ValueError("a box is x1, y1, x2, y2 with x1 < x2 and y1 < y2")
    return box


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Face(_Table):
    box: Annotated[tuple[float, float, float, float], AfterValidator(_in_order)]
    character: Annotated[str, Field(min_length=1)] | None = None
    score: Annotated[float, Field(ge=0, le=1)] | None = None
    state: State = "sure"


class _Row(_Table):
    image: Annotated[str, Field(min_length=1)]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    source: str
    split: Split
    faces: tuple[_Face, ...] | None

    @property
    def picture(self) -> LabelledPicture:
        return LabelledPicture(
            path=Path(self.image),
            width=self.width,
            height=self.height,
            source=self.source,
            split=self.split,
            faces=tuple(
                LabelledFace(FaceBox(*face.box), face.character, face.score, face.state)
                for face in self.faces or ()
            ),
            labelled=self.faces is not None,
        )
