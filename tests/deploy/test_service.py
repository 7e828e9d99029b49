"""The systemd service and the scripts that install it, as their own tools judge them."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from bot.cli import _command, _parse
from bot.heartbeat import BEAT_S
from config.options import ChatOptions
from config.schema import known_options
from config.settings import variable_name
from tests.deploy.files import ROOT, run_tool

UNIT = ROOT / "deploy" / "dareda.service"
SCRIPTS = [ROOT / "deploy" / "install.sh", ROOT / "deploy" / "dareda"]
PYTHON = "/opt/dareda/.venv/bin/python"


class _Unit(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr


def service() -> configparser.SectionProxy:
    unit = _Unit(strict=False)
    unit.read(UNIT, encoding="utf-8")
    return unit["Service"]


def verified(tmp_path: Path, text: str) -> str:
    """What systemd says to the unit, on a machine where its program is installed."""
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(PYTHON, "/bin/true"), encoding="utf-8")
    found = run_tool("systemd-analyze", "verify", "--man=no", copy)
    said = found.stdout + found.stderr
    if "Failed to initialize manager" in said or "Operation not permitted" in said:
        pytest.skip("systemd-analyze cannot verify units here")
    return said if found.returncode or said else ""


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    assert verified(tmp_path, UNIT.read_text(encoding="utf-8")) == ""


def test_systemd_would_find_a_mistake(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8").replace("ProtectSystem=strict", "ProtectSystem=strickt")
    assert "protect system" in verified(tmp_path, text)


def test_the_unit_is_hardened_as_systemd_measures_it() -> None:
    # From 0 (nothing is possible) to 10.0; the threshold is in tenths.
    found = run_tool("systemd-analyze", "security", "--offline=yes", "--threshold=15", UNIT)
    assert found.returncode == 0, found.stdout[-200:] + found.stderr


def test_the_unit_starts_a_command_with_settings_that_there_are() -> None:
    python, script, *arguments = service()["ExecStart"].split()
    assert (python, script) == (PYTHON, "/opt/dareda/bot.py")
    assert callable(_command(_parse(arguments).command))
    names = [pair.partition("=")[0] for pair in service()["Environment"].split()]
    assert {name for name in names if name.startswith("DAREDA_")} <= {
        variable_name(key) for key in known_options()
    }


def test_the_unit_gives_the_bot_its_time() -> None:
    assert int(service()["TimeoutStopSec"].removesuffix("s")) > ChatOptions().close_s + 10
    assert int(service()["WatchdogSec"].removesuffix("min")) * 60 > 6 * BEAT_S


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(script: Path) -> None:
    found = run_tool("shellcheck", script)
    assert (found.stdout, found.returncode) == ("", 0)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_can_be_run(script: Path) -> None:
    assert script.stat().st_mode & 0o111
    assert script.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
