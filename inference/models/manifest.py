"""`manifest.toml`: everything a model pack says about itself, parsed strictly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from inference.decide import Calibration, CalibrationPoint
from inference.detection.canvases import DetectorSpec
from inference.domain import EmbeddingContract
from inference.embedding.arcface import EmbedderSpec
from inference.errors import ModelFileError, NoEmbedderError
from inference.gallery.names import name_key

MANIFEST_NAME = "manifest.toml"
FORMAT = 1

_MAX_BYTES = 1024 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_STRIDE = 32  # of every YOLO: canvas sides are multiples of it
_EXAMPLE = "Correct it after the example of the bundled pack, or get the pack again."


def _is_plain_path(text: str) -> str:
    """A path inside the pack, the same on every system: letters, digits and `._-` between slashes."""
    if len(text) > 255 or not all(_FILE_NAME.fullmatch(part) for part in text.split("/")):
        raise ValueError("a file of the pack is named by plain words between slashes, relative to the pack")
    return text


def _tuples(value: object) -> object:
    """TOML has arrays only; strict parsing wants tuples."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


FilePath = Annotated[str, AfterValidator(_is_plain_path)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=True)]
Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=_STRIDE, le=4_096, multiple_of=_STRIDE)]
Shape = Annotated[tuple[Side, Side], BeforeValidator(_tuples)]
Shapes = Annotated[tuple[Shape, ...], BeforeValidator(_tuples), Field(min_length=1, max_length=16)]
Names = Annotated[tuple[Line, ...], BeforeValidator(_tuples), Field(min_length=1, max_length=10_000)]
Mean = Annotated[float, Field(ge=-10, le=10)]
Deviation = Annotated[float, Field(ge=1e-4, le=10)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class FileEntry(_Table):
    """What a file of the pack must be."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=1, le=16 * 1024**3)]


class DetectorTable(_Table):
    """A network that finds faces, perhaps among other things."""

    layout: Literal["yolo", "ssd"]
    """How its output is laid out, see `inference.detection`."""
    canvas_shapes: Shapes
    classes: Names
    face_classes: Names
    score_threshold: Annotated[float, Field(ge=0.01, le=0.99)]
    onnx: FilePath | None = None
    torch: FilePath | None = None
    int8: FilePath | None = None
    """Ranges with which the ONNX file may run in 8-bit integers, see `inference.models.integer_ranges`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.onnx is None and self.torch is None:
            raise ValueError("it needs a file: onnx, torch or both")
        if self.torch is not None and not (self.layout == "yolo" and self.torch.endswith(".pt")):
            raise ValueError("torch must be an Ultralytics .pt file")
        if self.int8 is not None and self.onnx is None:
            raise ValueError("int8 belongs to an onnx file, and it has none")
        if self.layout == "ssd" and len(self.canvas_shapes) > 1:
            raise ValueError("an SSD takes canvases of one shape, so canvas_shapes has one entry")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes has a name twice")
        if unknown := sorted(set(self.face_classes) - set(self.classes)):
            raise ValueError(f"face_classes names {', '.join(unknown)}, which classes does not have")
        return self

    @property
    def ordered_face_classes(self) -> tuple[str, ...]:
        """In the order of `classes`, which is that of a detection's class scores."""
        return tuple(name for name in self.classes if name in set(self.face_classes))

    def spec(
        self, *, score_threshold: float, iou_threshold: float, names_faces: bool = False
    ) -> DetectorSpec:
        return DetectorSpec(
            canvas_shapes=self.canvas_shapes,
            face_classes=tuple(self.classes.index(name) for name in self.ordered_face_classes),
            class_count=len(self.classes),
            score_threshold=score_threshold,
            iou_threshold=iou_threshold,
            names_faces=names_faces,
        )


class EmbedderTable(_Table):
    """A network from a square crop to a vector, weights inside the one ONNX file."""

    onnx: FilePath
    output: Line | None = None
    """Name of the network's output; without it, the first."""
    runs_on_torch: bool = False
    """The maker has checked that the torch runner takes it; without, a GPU is not used for it."""
    bfloat16: bool = False
    """The maker has measured that it is as good in bfloat16; without, a CPU computes it in float32."""
    side: Annotated[int, Field(ge=16, le=2_048)]
    margin: Annotated[float, Field(ge=0.5, le=10)]
    dimension: Annotated[int, Field(ge=2, le=16_384)]
    colour: Literal["rgb", "bgr"]
    mean: Annotated[tuple[Mean, Mean, Mean], BeforeValidator(_tuples)]
    std: Annotated[tuple[Deviation, Deviation, Deviation], BeforeValidator(_tuples)]

    @property
    def spec(self) -> EmbedderSpec:
        return EmbedderSpec(
            side=self.side,
            margin=self.margin,
            dimension=self.dimension,
            colour=self.colour,
            mean=self.mean,
            std=self.std,
            output=self.output,
        )


class PointTable(_Table):
    """A `CalibrationPoint`."""

    false_name_rate: Annotated[float, Field(gt=0, lt=1)]
    samples: Annotated[int, Field(ge=1, le=10_000)]
    threshold: Share
    margin: Share


class CalibrationTable(_Table):
    """Measured with the embedder; how is in the pack's card."""

    measured_on: Line
    flip_average: bool
    gallery_characters: Annotated[int, Field(ge=2)]
    contract: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")] | None = None
    """Id of the contract of the embeddings that it was measured with; None in packs that do not say."""
    rivals: Annotated[float, Field(ge=-1, le=1)] | None = None
    """How alike a face's rivals were on average; None in packs whose thresholds do not depend on them."""
    points: Annotated[tuple[PointTable, ...], BeforeValidator(_tuples), Field(min_length=1, max_length=1_000)]

    @property
    def calibration(self) -> Calibration:
        return Calibration(
            tuple(
                CalibrationPoint(point.false_name_rate, point.samples, point.threshold, point.margin)
                for point in self.points
            ),
            self.rivals,
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        keys = [(point.samples, point.false_name_rate) for point in self.points]
        if len(set(keys)) < len(keys):
            raise ValueError("points has the same false_name_rate and samples twice")
        return self


class CharacterTable(_Table):
    """Whom a class of the detector stands for."""

    face_class: Annotated[Line, Field(alias="class")]
    name: Line
    series: Annotated[str, StringConstraints(max_length=2_000, strip_whitespace=True)] = ""


class ClosedSetTable(_Table):
    """Says that the detector's classes are characters: it names faces itself, and only these characters.

    Face classes that stand for nobody are faces without a name.
    """

    threshold: Share
    """A face is named from this probability on."""
    margin: Share
    """The least lead over the next character, else the face is unsure."""
    measured_on: Line
    strangers_named: Share | None = None
    """Share of the found faces of other characters that got a name; None when nobody has measured it."""
    characters: Annotated[
        tuple[CharacterTable, ...], BeforeValidator(_tuples), Field(min_length=1, max_length=10_000)
    ]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len({entry.face_class for entry in self.characters}) < len(self.characters):
            raise ValueError("characters has a class twice")
        keys = {(name_key(entry.name), name_key(entry.series)) for entry in self.characters}
        if len(keys) < len(self.characters):
            raise ValueError("characters has a name of one series twice")
        return self


class Manifest(_Table):
    """A pack's manifest. Every file it names is listed under `files`.

    A pack has an embedder with its calibration, or is a closed set.
    """

    format: Literal[1]
    name: Annotated[str, StringConstraints(pattern=rf"^{_NAME.pattern}$")]
    title: Line
    licence: Line
    training_data: Line
    card: FilePath
    detector: DetectorTable
    embedder_table: Annotated[EmbedderTable | None, Field(alias="embedder")] = None
    calibration_table: Annotated[CalibrationTable | None, Field(alias="calibration")] = None
    closed_set: ClosedSetTable | None = None
    files: Annotated[dict[FilePath, FileEntry], Field(max_length=256)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_kind()
        named = [self.card, self.detector.onnx, self.detector.torch, self.detector.int8]
        if self.embedder_table is not None:
            named.append(self.embedder_table.onnx)
        if missing := sorted({name for name in named if name is not None} - set(self.files)):
            raise ValueError(f"files does not list {', '.join(missing)}")
        if MANIFEST_NAME in {name.lower() for name in self.files}:
            raise ValueError(f"files lists {MANIFEST_NAME} itself")
        if len({name.lower() for name in self.files}) < len(self.files):
            raise ValueError("files has names that differ only in case")
        return self

    def _check_kind(self) -> None:
        tables = {"embedder": self.embedder_table, "calibration": self.calibration_table}
        for name, table in tables.items():
            if self.closed_set is None and table is None:
                raise ValueError(f"{name} is missing")
            if self.closed_set is not None and table is not None:
                raise ValueError(f"it has both closed_set and {name}")
        if self.closed_set is not None:
            classes = {entry.face_class for entry in self.closed_set.characters}
            if unknown := sorted(classes - set(self.detector.face_classes)):
                raise ValueError(f"closed_set names {', '.join(unknown)}, which face_classes does not have")

    @property
    def embedder(self) -> EmbedderTable:
        """Raises NoEmbedderError in a closed set."""
        if self.embedder_table is None:
            raise NoEmbedderError(pack=self.name)
        return self.embedder_table

    @property
    def calibration(self) -> CalibrationTable:
        """Raises NoEmbedderError in a closed set."""
        if self.calibration_table is None:
            raise NoEmbedderError(pack=self.name)
        return self.calibration_table

    @property
    def total_bytes(self) -> int:
        return sum(entry.size for entry in self.files.values())

    def contract(self, *, flip_average: bool) -> EmbeddingContract:
        """What the pack's embeddings mean: the same whichever runtime makes them.

        Those of a closed set are class probabilities, see `inference.closed_set`.
        """
        if self.closed_set is not None:
            names = self.detector.ordered_face_classes
            file = self.detector.onnx or self.detector.torch or ""
            return EmbeddingContract(
                self.name, self.files[file].sha256, len(names) + 1, "class probabilities"
            )
        return EmbeddingContract(
            model=self.name,
            digest=self.files[self.embedder.onnx].sha256,
            dimension=self.embedder.dimension,
            preprocessing=self.embedder.spec.preprocessing(flip_average=flip_average),
        )

    @property
    def calibration_fault(self) -> str | None:
        """Why the calibration says nothing about this pack's embedder; None when it does or there is none."""
        if self.calibration_table is None:
            return None
        stated = self.calibration.contract
        own = self.contract(flip_average=self.calibration.flip_average).id
        if stated is None or stated == own:
            return None
        return f"its calibration was measured for contract {stated}, and its embedder's is {own}"


def is_pack_name(text: str) -> bool:
    """Whether a pack may be called that."""
    return _NAME.fullmatch(text) is not None


def load_manifest(folder: Path) -> Manifest:
    """What the pack in that folder says of itself; its other files are not looked at.

    Raises ModelFileError that names every key that is wrong.
    """
    path = folder / MANIFEST_NAME
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ModelFileError(path=str(path), reason=f"it exceeds {_MAX_BYTES:,} bytes", fix=_EXAMPLE)
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelFileError(
            path=str(path),
            reason="it does not exist",
            fix="A model pack is a folder with a manifest.toml; install the pack again.",
        ) from error
    except (OSError, ValueError, RecursionError) as error:  # tomllib's and Unicode's errors are ValueErrors
        raise ModelFileError(
            path=str(path), reason=f"it is not readable TOML: {error}", fix=_EXAMPLE
        ) from error
    if table.get("format", FORMAT) != FORMAT:
        raise ModelFileError(
            path=str(path),
            reason=f"its format is {table['format']!r}, and this Dareda reads {FORMAT}",
            fix="Update Dareda, or get the pack in that format.",
        )
    try:
        return Manifest.model_validate(table)
    except ValidationError as error:
        raise ModelFileError(path=str(path), reason=_sentence(error), fix=_EXAMPLE) from error


def _sentence(error: ValidationError) -> str:
    """Which keys are wrong and why; the first few."""
    found = [_finding(entry["loc"], entry["type"], entry["msg"]) for entry in error.errors()]
    more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
    return "; ".join(found[:5]) + more


def _finding(location: Iterable[int | str], kind: str, message: str) -> str:
    key = ".".join(str(part) for part in location if part != "[key]") or "the manifest"
    if kind == "extra_forbidden":
        return f"{key} is not a known key"
    if kind == "missing":
        return f"{key} is missing"
    return f"{key}: {message.removeprefix('Value error, ')}"
