"""The layout that import-linter cannot see: who may import what, module names, requirements."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "config", "inference", "training")

MAY_IMPORT = {
    "av": ["bot/adapters/films.py"],
    "cv2": ["inference/*", "training/*"],
    "discord": ["bot/adapters/discord/*"],
    "elasticsearch": [
        f"inference/gallery/elasticsearch/{module}.py" for module in ("access", "client", "refusals")
    ],
    "faiss": ["inference/gallery/centres.py"],
    "jinja2": ["bot/web/rendering.py"],
    "msgspec": [
        "inference/models/*",  # what packs say about themselves
        "inference/operations.py",
        "inference/servers.py",
        "inference/wire.py",
        "inference/server/*",
    ],
    "onnx": ["inference/embedding/torch_embedder.py", "training/*"],
    "onnx2torch": ["inference/embedding/torch_embedder.py"],
    "onnxruntime": ["inference/onnx_session.py"],
    "openvino": ["inference/openvino_library.py"],
    "prometheus_client": ["bot/metrics.py", "inference/metrics.py"],
    "ray": ["inference/ray_app.py"],
    "sklearn": ["inference/survey/layout.py"],
    "starlette": ["inference/ray_app.py"],
    "telegram": ["bot/adapters/telegram/*"],
    "thorvg_python": ["bot/adapters/films.py"],
    "threadpoolctl": ["inference/linear_algebra.py"],
    "torch": [
        "inference/detection/ultralytics_yolo.py",
        "inference/embedding/torch_embedder.py",
        "inference/models/runtimes.py",  # asks torch for its GPUs
        "training/*",
    ],
    "timm": ["training/*"],
    "ultralytics": ["inference/detection/ultralytics_yolo.py", "training/detector/*"],
}
MAY_OPEN_PICTURES = ["inference/images.py"]
MAY_READ_ENVIRONMENT = [
    "bot/cli.py",
    "bot/heartbeat.py",  # where systemd listens
    "config/*",
    "inference/detection/ultralytics_yolo.py",
    "inference/ray_app.py",  # what Ray imports is an entry point
    "inference/onnx_session.py",  # keeps ONNX Runtime from telling its maker how it is used
    "training/detector/ultralytics_trainer.py",
    "training/train_embedder.py",  # what torchrun tells its processes
]
TORCH_RUNNERS = ["inference.detection.ultralytics_yolo", "inference.embedding.torch_embedder"]
NOT_IN_THE_CPU_SET = {"matplotlib", "onnx", "onnx2torch", "timm", "torch", "torchvision", "ultralytics"}
NAMES_WITHOUT_OWNER = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}


def source_files() -> list[str]:
    """Every module of the four packages, relative to the root, with forward slashes."""
    return sorted(
        path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py")
    )


def tree_of(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"), file)


def module_name(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def is_one_of(file: str, patterns: list[str]) -> bool:
    return any(fnmatch(file, pattern) for pattern in patterns)


# ── the scans, and proof that they see ──────────────────────────────────────────────────────────


def imported_modules(tree: ast.AST) -> set[str]:
    """Every module named in an import, at any depth; `from a import b` may mean a or a.b, so both."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def imported_at_start(tree: ast.Module) -> set[str]:
    """What importing the module imports: not what waits in functions or is for type checkers only."""

    def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
                yield from statements(node.orelse)
                continue
            yield node
            for name in ("body", "orelse", "finalbody"):
                yield from statements(getattr(node, name, []))

    imports = [node for node in statements(tree.body) if isinstance(node, ast.Import | ast.ImportFrom)]
    return imported_modules(ast.Module(list(imports), []))


def names_used(tree: ast.AST) -> set[str]:
    """Every dotted name as if nothing was imported under an alias: `Image.open` is PIL.Image.open."""
    meaning: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            meaning |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            meaning |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    found = set(meaning.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            first, dot, rest = ast.unparse(node).partition(".")
            found.add(meaning.get(first, first) + dot + rest)
    return found


def opens_pictures(tree: ast.AST) -> bool:
    return "PIL.Image.open" in names_used(tree)


def reads_environment(tree: ast.AST) -> bool:
    return bool(names_used(tree) & {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv"})


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import torch.nn as n", {"torch.nn"}),
        ("def f():\n from torch import nn", {"torch", "torch.nn"}),
        ("from . import torch", set()),
        ("x = 'import torch'", set()),
    ],
)
def test_the_scan_sees_imports_at_any_depth(source: str, expected: set[str]) -> None:
    assert imported_modules(ast.parse(source)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a\nif x:\n import b\nelse:\n import c", {"a", "b", "c"}),
        ("try:\n import a\nexcept E:\n pass\nfinally:\n import b", {"a", "b"}),
        ("class C:\n import a\n def f(self):\n  import b", {"a"}),
        ("async def f():\n import a", set()),
        ("if TYPE_CHECKING:\n import a\nif typing.TYPE_CHECKING:\n import b", set()),
    ],
)
def test_the_scan_tells_imports_at_start_from_later_ones(source: str, expected: set[str]) -> None:
    assert imported_at_start(ast.parse(source)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import PIL.Image\nPIL.Image.open(f)", True),
        ("from PIL import Image\nwith Image.open(f) as i: pass", True),
        ("from PIL import Image as I\nI.open(f)", True),
        ("from PIL.Image import open as o\no(f)", True),
        ("import PIL.Image as I\nI.open(f)", True),
        ("from PIL import Image\nImage.fromarray(a).save(f)", False),
        ("path.open()", False),
    ],
)
def test_the_scan_sees_pictures_being_opened(source: str, expected: bool) -> None:
    assert opens_pictures(ast.parse(source)) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os\nos.environ['A']", True),
        ("import os\nos.environ.setdefault('A', '1')", True),
        ("import os as o\no.getenv('A')", True),
        ("from os import environ", True),
        ("from os import getenv as g", True),
        ("import os\nos.path.join('a')", False),
        ("def f(environ): environ['A']", False),
    ],
)
def test_the_scan_sees_the_environment_being_read(source: str, expected: bool) -> None:
    assert reads_environment(ast.parse(source)) is expected


# ── the rules ───────────────────────────────────────────────────────────────────────────────────


def test_bot_py_only_calls_the_command_line() -> None:
    statements = [ast.unparse(node) for node in tree_of("bot.py").body]

    assert statements == ["from bot.cli import main", "raise SystemExit(main())"]


def test_every_folder_with_modules_is_a_package() -> None:
    # Without bot/__init__.py, `python bot.py` would import itself instead of the package.
    folders = {Path(file).parent.as_posix() for file in source_files()}

    assert set(PACKAGES) <= folders
    assert [folder for folder in folders if not (ROOT / folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("library", MAY_IMPORT)
def test_a_heavy_library_is_imported_only_where_it_is_wrapped(library: str) -> None:
    importers = [
        file
        for file in source_files()
        if any(name.split(".")[0] == library for name in imported_modules(tree_of(file)))
    ]

    assert [file for file in importers if not is_one_of(file, MAY_IMPORT[library])] == []


def test_what_the_cpu_set_lacks_is_imported_only_when_it_is_used() -> None:
    # Also on a machine that has torch: a start that loads it without need takes seconds longer.
    lacking = {
        file: [
            name
            for name in sorted(imported_at_start(tree_of(file)))
            if name in TORCH_RUNNERS or name.split(".")[0] in NOT_IN_THE_CPU_SET
        ]
        for file in source_files()
        if not file.startswith("training/") and module_name(file) not in TORCH_RUNNERS
    }

    assert {file: names for file, names in lacking.items() if names} == {}


def test_pictures_are_opened_only_where_their_limits_are_checked() -> None:
    openers = [file for file in source_files() if opens_pictures(tree_of(file))]

    assert [file for file in openers if not is_one_of(file, MAY_OPEN_PICTURES)] == []


def test_the_environment_is_read_only_at_the_entry() -> None:
    readers = [file for file in source_files() if reads_environment(tree_of(file))]

    assert [file for file in readers if not is_one_of(file, MAY_READ_ENVIRONMENT)] == []


def test_every_module_is_named_after_what_it_owns() -> None:
    everywhere = [*source_files(), *(p.relative_to(ROOT).as_posix() for p in (ROOT / "tests").rglob("*.py"))]

    ownerless = [
        file for file in everywhere if NAMES_WITHOUT_OWNER.intersection(re.split(r"[/_.]", file.lower()))
    ]

    assert ownerless == []


# ── requirements ────────────────────────────────────────────────────────────────────────────────


def requirements_in(name: str) -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


REQUIREMENT_FILES = sorted(path.name for path in ROOT.glob("requirements*.txt"))


def test_the_three_sets_of_requirements_are_there() -> None:
    assert {"requirements.txt", "requirements-cpu.txt", "requirements-dev.txt"} <= set(REQUIREMENT_FILES)


@pytest.mark.parametrize("name", REQUIREMENT_FILES)
def test_every_requirement_has_a_lower_and_an_upper_bound(name: str) -> None:
    unbounded = [
        str(requirement)
        for requirement in requirements_in(name)
        if not {">=", "<"} <= {specifier.operator for specifier in requirement.specifier}
    ]

    assert requirements_in(name)
    assert unbounded == []


@pytest.mark.parametrize("name", REQUIREMENT_FILES)
def test_no_set_installs_the_opencv_that_needs_a_screen(name: str) -> None:
    # Plain ultralytics would bring it along; its headless distribution does not.
    names = {requirement.name.lower().replace("_", "-") for requirement in requirements_in(name)}

    assert names.isdisjoint({"opencv-python", "opencv-contrib-python", "ultralytics"})


def test_the_cpu_set_has_no_torch() -> None:
    names = {requirement.name.lower() for requirement in requirements_in("requirements-cpu.txt")}

    assert [name for name in names if re.search(r"torch|ultralytics|nvidia|cuda|gpu", name)] == []


def test_the_whole_set_contains_the_cpu_set() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()

    assert "-r requirements-cpu.txt" in lines
