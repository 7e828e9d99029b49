"""`manifest.toml`: everything a model pack says about itself, parsed strictly."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from inference.decide import Calibration, CalibrationPoint
from inference.detection.canvases import DetectorSpec
from inference.domain import EmbeddingContract
from inference.embedding.arcface import EmbedderSpec
from inference.errors import ModelFileError, NoEmbedderError
from inference.gallery.names import name_key
from inference.models.tables import Digest, Table, read_table

MANIFEST_NAME = "manifest.toml"
FORMAT = 1

_MAX_BYTES = 1024 * 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FILE_NAME = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_STRIDE = 32  # of every YOLO: canvas sides are multiples of it
_EXAMPLE = "Correct it after the example of the bundled pack, or get the pack again."

FilePath = Annotated[
    str,
    Meta(
        max_length=255,
        pattern=rf"^{_FILE_NAME}(/{_FILE_NAME})*\Z",
        description="a file of the pack is named by plain words between slashes, relative to the pack",
    ),
]
"""The same on every system: letters, digits and `._-` between slashes."""
Line = Annotated[str, Meta(min_length=1, max_length=2_000)]
Share = Annotated[float, Meta(ge=0, le=1)]
Side = Annotated[int, Meta(ge=_STRIDE, le=4_096, multiple_of=_STRIDE)]
Shape = tuple[Side, Side]
Names = Annotated[tuple[Line, ...], Meta(min_length=1, max_length=10_000)]
Mean = Annotated[float, Meta(ge=-10, le=10)]
Deviation = Annotated[float, Meta(ge=1e-4, le=10)]


class FileEntry(Table, frozen=True, kw_only=True):
    """What a file of the pack must be."""

    sha256: Digest
    size: Annotated[int, Meta(ge=1, le=16 * 1024**3)]


class DetectorTable(Table, frozen=True, kw_only=True):
    """A network that finds faces, perhaps among other things."""

    layout: Literal["yolo", "ssd"]
    """How its output is laid out, see `inference.detection`."""
    canvas_shapes: Annotated[tuple[Shape, ...], Meta(min_length=1, max_length=16)]
    classes: Names
    face_classes: Names
    score_threshold: Annotated[float, Meta(ge=0.01, le=0.99)]
    onnx: FilePath | None = None
    torch: FilePath | None = None
    int8: FilePath | None = None
    """Ranges with which the ONNX file may run in 8-bit integers, see `inference.models.integer_ranges`."""

    def __post_init__(self) -> None:
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


class EmbedderTable(Table, frozen=True, kw_only=True):
    """A network from a square crop to a vector, weights inside the one ONNX file."""

    onnx: FilePath
    output: Line | None = None
    """Name of the network's output; without it, the first."""
    runs_on_torch: bool = False
    """The maker has checked that the torch runner takes it; without, a GPU is not used for it."""
    bfloat16: bool = False
    """The maker has measured that it is as good in bfloat16; without, a CPU computes it in float32."""
    side: Annotated[int, Meta(ge=16, le=2_048)]
    margin: Annotated[float, Meta(ge=0.5, le=10)]
    dimension: Annotated[int, Meta(ge=2, le=16_384)]
    colour: Literal["rgb", "bgr"]
    mean: tuple[Mean, Mean, Mean]
    std: tuple[Deviation, Deviation, Deviation]

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


class PointTable(Table, frozen=True, kw_only=True):
    """A `CalibrationPoint`."""

    false_name_rate: Annotated[float, Meta(gt=0, lt=1)]
    samples: Annotated[int, Meta(ge=1, le=10_000)]
    threshold: Share
    margin: Share


class CalibrationTable(Table, frozen=True, kw_only=True):
    """Measured with the embedder; how is in the pack's card."""

    measured_on: Line
    flip_average: bool
    gallery_characters: Annotated[int, Meta(ge=2)]
    contract: (
        Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z", description="it is no contract's id")] | None
    ) = None
    """Id of the contract of the embeddings that it was measured with; None in packs that do not say."""
    rivals: Annotated[float, Meta(ge=-1, le=1)] | None = None
    """How alike a face's rivals were on average; None in packs whose thresholds do not depend on them."""
    points: Annotated[tuple[PointTable, ...], Meta(min_length=1, max_length=1_000)]

    @property
    def calibration(self) -> Calibration:
        return Calibration(
            tuple(
                CalibrationPoint(point.false_name_rate, point.samples, point.threshold, point.margin)
                for point in self.points
            ),
            self.rivals,
        )

    def __post_init__(self) -> None:
        keys = [(point.samples, point.false_name_rate) for point in self.points]
        if len(set(keys)) < len(keys):
            raise ValueError("points has the same false_name_rate and samples twice")


class CharacterTable(Table, frozen=True, kw_only=True):
    """Whom a class of the detector stands for."""

    face_class: Line = msgspec.field(name="class")
    name: Line
    series: Annotated[str, Meta(max_length=2_000)] = ""


class ClosedSetTable(Table, frozen=True, kw_only=True):
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
    characters: Annotated[tuple[CharacterTable, ...], Meta(min_length=1, max_length=10_000)]

    def __post_init__(self) -> None:
        if len({entry.face_class for entry in self.characters}) < len(self.characters):
            raise ValueError("characters has a class twice")
        keys = {(name_key(entry.name), name_key(entry.series)) for entry in self.characters}
        if len(keys) < len(self.characters):
            raise ValueError("characters has a name of one series twice")


class Manifest(Table, frozen=True, kw_only=True):
    """A pack's manifest. Every file it names is listed under `files`.

    A pack has an embedder with its calibration, or is a closed set.
    """

    format: Literal[1]
    name: Annotated[
        str,
        Meta(pattern=rf"^{_NAME.pattern}\Z", description="it is not of lower-case letters, digits, - and _"),
    ]
    title: Line
    licence: Line
    training_data: Line
    card: FilePath
    detector: DetectorTable
    embedder_table: EmbedderTable | None = msgspec.field(default=None, name="embedder")
    calibration_table: CalibrationTable | None = msgspec.field(default=None, name="calibration")
    closed_set: ClosedSetTable | None = None
    files: Annotated[dict[FilePath, FileEntry], Meta(max_length=256)]

    def __post_init__(self) -> None:
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
        return read_table(table, Manifest)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(path=str(path), reason=str(error), fix=_EXAMPLE) from error
