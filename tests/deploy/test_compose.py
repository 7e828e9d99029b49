"""compose.yaml: valid, every setup whole, and nobody with more rights than they need."""

from __future__ import annotations

import ast
import json
from typing import Any

import pytest

from bot.cli import _parse
from bot.web.console import _check
from config.schema import known_options
from config.settings import SECRET_VARIABLES, load_settings, variable_name
from inference.errors import SettingsError
from tests.deploy.files import ROOT, compose, dockerfile_stages, inherited_steps, last_argument

compose_spec = pytest.importorskip("compose_spec")
PROFILES = {
    "bot": {"bot"},
    "elasticsearch": {"bot-with-elasticsearch", "elasticsearch"},
    "discord": {"discord-bot", "inference", "elasticsearch"},
    "telegram": {"telegram-bot", "inference", "elasticsearch"},
}
FOREIGN = {"elasticsearch"}
SECTIONS = {kind.section for kind in known_options().values()}


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


OWN = sorted(set(services()) - FOREIGN)


@pytest.mark.parametrize("target", ["", "cuda"])
def test_the_file_keeps_the_specification(target: str) -> None:
    read = compose_spec.PyCompose.from_json(json.dumps(compose(TARGET=target)))
    read.validate()
    assert set(read.service_names()) == set(services())


def test_a_wrong_file_would_be_refused() -> None:
    wrong = compose()
    wrong["services"]["bot"]["restart"] = "sometimes"
    with pytest.raises(ValueError, match="sometimes"):
        compose_spec.PyCompose.from_json(json.dumps(wrong))
    dangling = compose()
    dangling["services"]["bot"]["networks"] = ["nowhere"]
    with pytest.raises(ValueError, match="nowhere"):
        compose_spec.PyCompose.from_json(json.dumps(dangling)).validate()


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_starts_a_whole_setup(profile: str) -> None:
    started = {name for name, service in services().items() if profile in service["profiles"]}
    assert started == PROFILES[profile]
    for name in started:
        assert set(services()[name].get("depends_on", {})) <= started, name


@pytest.mark.parametrize("name", OWN)
def test_what_is_ours_runs_without_rights(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    target = service["build"]["target"]
    assert service["user"] == last_argument(inherited_steps(dockerfile_stages(), target), "USER")
    [volume] = service["volumes"]
    assert volume.partition(":")[2] == last_argument(inherited_steps(dockerfile_stages(), target), "VOLUME")
    assert volume.partition(":")[0] in compose()["volumes"]


def test_nothing_can_be_reached_from_outside_the_machine() -> None:
    published = {port for service in services().values() for port in service.get("ports", [])}
    assert published == {"127.0.0.1:8092:8092", "127.0.0.1:8093:8092"}
    assert (
        published & {port for name in FOREIGN | {"inference"} for port in services()[name].get("ports", [])}
        == set()
    )
    inside = compose()["networks"]["inside"]
    assert inside == {"internal": True}
    for name in ("elasticsearch", "inference"):
        assert services()[name]["networks"] == ["inside"]


@pytest.mark.parametrize("profile", [*PROFILES, "discord,telegram"])
def test_the_consoles_of_a_setup_have_ports_of_their_own(profile: str) -> None:
    ports = [
        service["ports"]
        for service in services().values()
        if set(profile.split(",")) & set(service["profiles"]) and "ports" in service
    ]
    assert len(ports) == len({port for (port,) in ports}) == len(profile.split(","))


@pytest.mark.parametrize("name", sorted(set(OWN) - {"inference"}))
@pytest.mark.parametrize("asked", ["", "on"])
def test_a_console_that_is_asked_for_listens_where_its_port_leads_and_wants_a_token(
    name: str, asked: str
) -> None:
    service = compose(CONSOLE=asked, WEB_TOKEN="long-enough-for-this")["services"][name]
    web = load_settings(environ=service["environment"], cwd=ROOT / "deploy").options.web
    assert web.start == (asked or "off")
    ((_, _, inner),) = (port.split(":") for port in service["ports"])
    assert (web.host, web.port) == ("0.0.0.0", int(inner))
    _check(web.host, web.public_url, service["environment"]["WEB_TOKEN"])
    with pytest.raises(SettingsError, match="WEB_TOKEN"):
        _check(web.host, web.public_url, None)


@pytest.mark.parametrize("name", OWN)
def test_every_variable_is_one_that_is_read(name: str) -> None:
    known = {variable_name(key): kind for key, kind in known_options().items()}
    for variable, value in services()[name]["environment"].items():
        if variable.startswith("DAREDA_"):
            section = variable.removeprefix("DAREDA_").partition("__")[0].lower()
            for needed in {section, value} & {"elasticsearch", "service"} - SECTIONS:
                pytest.skip(f"there are no settings [{needed}] yet")
            known[variable].from_text(value)
        else:
            assert variable in SECRET_VARIABLES.values()


@pytest.mark.parametrize("name", OWN)
def test_a_token_goes_only_to_whoever_needs_it(name: str) -> None:
    given = {variable for variable in services()[name]["environment"] if not variable.startswith("DAREDA_")}
    needs = {
        "bot": {"WEB_TOKEN", "DISCORD_TOKEN", "TELEGRAM_TOKEN"},
        "bot-with-elasticsearch": {"WEB_TOKEN", "DISCORD_TOKEN", "TELEGRAM_TOKEN", "ELASTICSEARCH_PASSWORD"},
        "discord-bot": {"WEB_TOKEN", "DISCORD_TOKEN", "SERVICE_TOKEN"},
        "telegram-bot": {"WEB_TOKEN", "TELEGRAM_TOKEN", "SERVICE_TOKEN"},
        "inference": {"SERVICE_TOKEN", "ELASTICSEARCH_PASSWORD"},
    }
    assert given == needs[name]


def test_no_token_is_in_the_file() -> None:
    given = [
        value
        for service in compose()["services"].values()
        for variable, value in service["environment"].items()
        if any(word in variable for word in ("TOKEN", "PASSWORD"))
    ]
    assert given
    assert set(given) == {""}


@pytest.mark.parametrize("name", sorted(services()))
def test_images_have_a_version_and_probes_can_be_run(name: str) -> None:
    service = services()[name]
    assert service["image"].rpartition(":")[2] not in ("", "latest")
    test = service.get("healthcheck", {}).get("test", [])
    if test[:4] == ["CMD", "python", "-c", *test[3:4]]:
        ast.parse(test[3])
    if "command" in service and service["command"] != ["serve"]:
        _parse(service["command"])
