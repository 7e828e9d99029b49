"""Which model packs there are: the bundled ones and the ones that the operator installed."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.options import DecisionOptions
from inference.decide import Calibration, Policy, fixed_policy, policy_for
from inference.errors import ModelFileError, SettingsError
from inference.models.manifest import (
    MANIFEST_NAME,
    ClosedSetTable,
    Manifest,
    is_pack_name,
    load_manifest,
)

log = logging.getLogger(__name__)

RECALIBRATE = "Get the pack again, or measure it anew with `python -m training.calibrate --write`."

_BUNDLED = Path(__file__).resolve().parent.parent / "weights"
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pack:
    """A folder with a manifest and the files it lists."""

    folder: Path
    manifest: Manifest
    bundled: bool = False

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def calibration(self) -> Calibration:
        """What its similarities mean. Raises ModelFileError when that was measured with another embedder."""
        if reason := self.manifest.calibration_fault:
            raise ModelFileError(path=str(self.folder / MANIFEST_NAME), reason=reason, fix=RECALIBRATE)
        return self.manifest.calibration.calibration

    def policy(self, options: DecisionOptions) -> Policy:
        """When a face is named. Raises SettingsError, ModelFileError."""
        if (closed := self.manifest.closed_set) is not None:
            return fixed_policy(closed.threshold, closed.margin, options)
        return policy_for(self.calibration, options)

    def describe(self) -> tuple[str, ...]:
        """Lines for a person."""
        manifest, detector = self.manifest, self.manifest.detector
        shapes = ", ".join(f"{width}×{height}" for width, height in detector.canvas_shapes)
        networks = ", ".join(name for name in (detector.onnx, detector.torch) if name)
        faces = f"{', '.join(detector.face_classes)} of {len(detector.classes)} classes"
        if manifest.closed_set is not None:
            faces = f"{len(detector.classes)} classes"
        return (
            f"{manifest.name}: {manifest.title}",
            f"licence        {manifest.licence}",
            f"training data  {manifest.training_data}",
            f"folder         {self.folder}{' (bundled)' if self.bundled else ''}",
            f"detector       {detector.layout}, {networks}; canvases {shapes}; "
            f"{faces}, from score {detector.score_threshold:g}",
            *(self._describe_naming() if manifest.closed_set is None else _describe(manifest.closed_set)),
            f"files          {len(manifest.files)}, {manifest.total_bytes / 1e6:.1f} MB",
            f"card           {self.folder / manifest.card}",
        )

    def _describe_naming(self) -> tuple[str, ...]:
        embedder, calibration = self.manifest.embedder, self.manifest.calibration
        rates = sorted({point.false_name_rate for point in calibration.points})
        return (
            f"embedder       {embedder.onnx}; {embedder.side}×{embedder.side} {embedder.colour}, "
            f"margin {embedder.margin:g}, {embedder.dimension} numbers",
            f"calibration    false-name rates {', '.join(f'{rate:.2%}' for rate in rates)}; "
            f"{calibration.measured_on}",
        )

    def checked_file(self, name: str) -> Path:
        """The path of a file of the pack, after its size and digest were compared with the manifest's.

        Raises ModelFileError.
        """
        path = self.folder / name
        if reason := self.file_fault(name):
            raise ModelFileError(path=str(path), reason=reason, fix=self.restore)
        return path

    def file_fault(self, name: str) -> str | None:
        """What is wrong with a file of the pack; None when it is as the manifest says."""
        path, entry = self.folder / name, self.manifest.files[name]
        try:
            if not path.is_file():
                return "it does not exist"
            size = path.stat().st_size
            if size != entry.size:
                return f"it has {size:,} bytes where the manifest says {entry.size:,}"
            if (digest := file_digest(path)) != entry.sha256:
                return f"its sha256 is {digest[:12]}… where the manifest says {entry.sha256[:12]}…"
        except OSError as error:
            return f"it cannot be read: {error.strerror or error}"
        return None

    @property
    def restore(self) -> str:
        """What to do when a file is not as it should be."""
        if self.bundled:
            return "Get Dareda again: the file belongs to it (with git: `git checkout` it)."
        return f"Remove the folder {self.folder} and run `python bot.py models install` again."


def list_packs(user_dir: Path) -> tuple[Pack, ...]:
    """Every usable pack: bundled ones first, then those in `user_dir`, by name.

    Folders in `user_dir` that are no usable pack are logged and left out.
    """
    packs = {pack.name: pack for pack in _bundled_packs()}
    for folder in _folders(user_dir):
        try:
            pack = load_pack(folder)
            if folder.name in packs:
                raise _shadows(folder)
        except ModelFileError as error:
            log.warning("pack_left_out folder=%s reason=%s", folder, error)
        else:
            packs[pack.name] = pack
    return tuple(packs.values())


def find_pack(name: str, user_dir: Path) -> Pack:
    """The pack of that name. Raises SettingsError that lists what there is, or ModelFileError."""
    bundled = _BUNDLED / name
    installed = user_dir / name
    known = is_pack_name(name)
    if known and (bundled / MANIFEST_NAME).is_file():
        if installed.exists():
            raise _shadows(installed)
        return load_pack(bundled, bundled=True)
    if known and installed.is_dir():
        return load_pack(installed)
    there = ", ".join(pack.name for pack in list_packs(user_dir))
    raise SettingsError(
        key="models.pack",
        reason=f"there is no model pack called “{name}”; there are: {there}. "
        "`python bot.py models install` adds one",
    )


def is_bundled(name: str) -> bool:
    """Whether a pack of that name comes with Dareda."""
    return (_BUNDLED / name / MANIFEST_NAME).is_file()


def file_digest(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _describe(closed: ClosedSetTable) -> tuple[str, ...]:
    named = closed.strangers_named
    measured = "how often has not been measured" if named is None else f"{named:.0%} of them did"
    return (
        f"closed set     the detector names {len(closed.characters)} characters itself, from probability "
        f"{closed.threshold:g} with a lead of {closed.margin:g}; {closed.measured_on}",
        "               nobody can be enrolled, and it cannot tell strangers: a character that it was not "
        f"trained for often gets one of its names ({measured})",
        f"characters     {', '.join(entry.name for entry in closed.characters)}",
    )


def _bundled_packs() -> Iterator[Pack]:
    for folder in _folders(_BUNDLED):
        yield load_pack(folder, bundled=True)


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return sorted(entry for entry in parent.iterdir() if entry.is_dir() and is_pack_name(entry.name))


def load_pack(folder: Path, *, bundled: bool = False) -> Pack:
    manifest = load_manifest(folder)
    if manifest.name != folder.name:
        raise ModelFileError(
            path=str(folder / MANIFEST_NAME),
            reason=f"it calls the pack “{manifest.name}”, but the folder is called “{folder.name}”",
            fix="Give the folder the pack's name.",
        )
    return Pack(folder, manifest, bundled)


def _shadows(folder: Path) -> ModelFileError:
    return ModelFileError(
        path=str(folder),
        reason="a pack of that name comes with Dareda, and it is not clear which is meant",
        fix="Give the installed one another name: its folder, and `name` in its manifest.toml.",
    )
