"""The image: linted, and what can be told of it without building it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.cli import _command, _parse
from config.schema import known_options
from config.settings import variable_name
from tests.deploy.files import (
    ROOT,
    dockerfile_stages,
    exec_form,
    inherited_steps,
    last_argument,
    run_tool,
)

TARGETS = ["cpu", "cuda"]


def test_hadolint_has_nothing_to_say() -> None:
    found = run_tool("hadolint", ROOT / "Dockerfile")
    assert (found.stdout, found.returncode) == ("", 0)


def test_hadolint_would_say_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /tmp && pip install numpy\n")
    found = run_tool("hadolint", tmp_path / "Dockerfile")
    assert {"DL3006", "DL3003", "DL3013"} <= {word for word in found.stdout.split() if word.startswith("DL")}
    assert found.returncode == 1


def test_the_image_for_machines_without_a_gpu_is_the_default() -> None:
    stages = dockerfile_stages()
    assert set(TARGETS) <= set(stages)
    assert list(stages)[-1] == "cpu"


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_runs_as_root(target: str) -> None:
    steps = inherited_steps(dockerfile_stages(), target)
    user, _, group = last_argument(steps, "USER").partition(":")
    # Numbers, so that an orchestrator can tell that it is not root.
    assert int(user) >= 1_000
    assert int(group) >= 1_000
    made = next(arguments for word, arguments in steps if word == "RUN" and "useradd" in arguments)
    assert f"--uid {user} " in made
    assert f"--gid {group} " in made
    place = [word for word, _ in steps].index("USER")
    assert [arguments for word, arguments in steps[place:] if word == "RUN"] == []


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_has_the_environment_of_its_set(target: str) -> None:
    stages = dockerfile_stages()
    assert ("COPY", f"--from={target}-environment /opt/venv /opt/venv") in stages[target].steps
    installed = last_argument(stages[f"{target}-environment"].steps, "RUN")
    requirements = {"cpu": "requirements-cpu.txt", "cuda": "requirements.txt"}[target]
    assert installed.endswith(f"--requirement /tmp/{requirements}")
    assert requirements in last_argument(stages[f"{target}-environment"].steps, "COPY").split()


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_starts_and_is_watched_by_commands_that_there_are(target: str) -> None:
    steps = inherited_steps(dockerfile_stages(), target)
    entry = exec_form(last_argument(steps, "ENTRYPOINT"))
    health = exec_form(last_argument(steps, "HEALTHCHECK").partition(" CMD ")[2])
    assert entry == ["python", "/app/bot.py"]
    assert health[: len(entry)] == entry
    for arguments in (exec_form(last_argument(steps, "CMD")), health[len(entry) :]):
        assert callable(_command(_parse(arguments).command))


@pytest.mark.parametrize("target", TARGETS)
def test_only_the_data_folder_is_kept_and_it_is_the_users_own(target: str) -> None:
    steps = inherited_steps(dockerfile_stages(), target)
    folder = last_argument(steps, "VOLUME")
    variables = dict(
        pair.split("=", 1) for word, arguments in steps if word == "ENV" for pair in arguments.split()
    )
    assert variables[variable_name("data_dir")] == folder
    assert {name for name in variables if name.startswith("DAREDA_")} <= {
        variable_name(key) for key in known_options()
    }
    made = next(arguments for word, arguments in steps if word == "RUN" and "useradd" in arguments)
    assert f"--owner=dareda --group=dareda --mode=0700 {folder}" in made
    places = [word for word, _ in steps]
    assert places.index("RUN") < places.index("VOLUME"), "what comes after it would not be kept"


def test_the_build_is_given_what_it_copies_and_nothing_else() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    lines = [line for line in ignore if line and not line.startswith("#")]
    assert lines[0] == "*"
    copied = {
        source
        for stage in dockerfile_stages().values()
        for word, arguments in stage.steps
        if word == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }
    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert [source for source in copied if not (ROOT / source).exists()] == []
    assert "LICENSE" in copied  # whoever gets an image gets it too
