"""The composition and the image, as far as can be told without an engine that runs them."""

from __future__ import annotations

import re
import shlex
from typing import Any

import click
import fastjsonschema
import pytest

from etl.cli.invocation import Invocation
from etl.cli.root import root
from etl.service.address import parse_address
from etl.settings import definitions

from support.composition import VARIABLE, check, composition, own_services, services
from support.sources import text_of

OWN = sorted(own_services())
OF_THE_KEY = {"MAGPIPE_API_KEY", "MAGPIPE_API_KEY_FILE"}


def served_at() -> int:
    """The port that the service's command listens at."""
    words = services()["service"]["command"]
    return parse_address(words[words.index("--listen") + 1]).port


def test_the_composition_is_one_by_the_published_schema() -> None:
    check(composition())


def test_the_schema_sees_a_mistake() -> None:
    mistaken = composition()
    mistaken["services"]["service"]["comand"] = ["schedule"]
    with pytest.raises(fastjsonschema.JsonSchemaException, match="comand"):
        check(mistaken)


def test_its_parts_are_a_database_its_migration_the_service_and_a_tool_on_demand() -> None:
    assert set(services()) == {"database", "migrate", "service", "bi"}
    assert [name for name, service in services().items() if "profiles" in service] == ["bi"]


@pytest.mark.parametrize("name", OWN)
def test_a_command_is_one_that_the_program_understands(name: str) -> None:
    command, *words = services()[name]["command"]
    root.commands[command].make_context(command, list(words), obj=Invocation()).close()


def test_a_command_that_the_program_does_not_understand_would_be_seen() -> None:
    with pytest.raises(click.ClickException):
        root.commands["schedule"].make_context("schedule", ["--evry", "5m"], obj=Invocation())


@pytest.mark.parametrize("name", OWN)
def test_every_variable_that_the_program_is_given_is_one_of_its_own(name: str) -> None:
    known = {item.variable for item in definitions()} | OF_THE_KEY
    assert set(services()[name]["environment"]) <= known


def test_every_variable_that_has_to_be_chosen_is_asked_for_and_explained() -> None:
    text = text_of("docker-compose.yml")
    explained = text.partition("\nname:")[0]
    required = {found["name"] for found in VARIABLE.finditer(text) if found["sign"] != "-"}
    asked_for = {found["name"] for found in VARIABLE.finditer(text) if found["sign"] == "?"}
    assert required == asked_for == set(re.findall(r"([A-Z_]+)=", explained))


@pytest.mark.parametrize("name", OWN)
def test_a_container_of_the_program_may_do_little(name: str) -> None:
    service = services()[name]
    assert service["user"] == "1000:1000"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", OWN)
def test_the_key_comes_out_of_a_secret_s_file_and_no_variable(name: str) -> None:
    service, [secret] = services()[name], composition()["secrets"]
    assert service["secrets"] == [secret]
    assert service["environment"]["MAGPIPE_API_KEY_FILE"] == f"/run/secrets/{secret}"
    assert "MAGPIPE_API_KEY" not in service["environment"]


def test_files_with_secrets_are_neither_committed_nor_built_into_the_image() -> None:
    files = [secret["file"].removeprefix("./") for secret in composition()["secrets"].values()]
    ignored = text_of(".gitignore").splitlines()
    assert {*files, ".env"} <= set(ignored)
    assert text_of(".dockerignore").splitlines()[0] == "*"


def test_nothing_is_reached_from_beyond_this_machine() -> None:
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_port_that_is_listened_at_is_the_one_that_is_published_looked_at_and_exposed() -> None:
    service = services()["service"]
    assert service["ports"] == [f"127.0.0.1:{served_at()}:{served_at()}"]
    assert f"http://127.0.0.1:{served_at()}/healthz" in service["healthcheck"]["test"][-1]
    assert f"EXPOSE {served_at()}" in text_of("Dockerfile")


def test_the_look_at_the_service_s_health_is_python_that_can_be_run() -> None:
    kind, program, flag, code = services()["service"]["healthcheck"]["test"]
    assert (kind, program, flag) == ("CMD", "python", "-c")
    compile(code, "healthcheck", "exec")


@pytest.mark.parametrize("name", sorted(services()))
def test_who_waits_for_another_waits_for_what_can_happen(name: str) -> None:
    awaited: dict[str, Any] = services()[name].get("depends_on", {})
    for other, condition in awaited.items():
        needed = {"service_healthy": "healthcheck", "service_completed_successfully": "command"}
        assert needed[condition["condition"]] in services()[other], other


@pytest.mark.parametrize("name", sorted(services()))
def test_an_image_is_of_a_series_and_not_of_whatever_is_newest(name: str) -> None:
    image = services()[name]["image"]
    if name not in OWN:
        assert re.fullmatch(r"[a-z/]+:v?\d[\w.-]*", image), image


def test_every_volume_secret_and_config_that_is_used_is_declared() -> None:
    whole = composition()
    used = {
        volume.partition(":")[0] for service in services().values() for volume in service.get("volumes", ())
    }
    configs = {each["source"] for service in services().values() for each in service.get("configs", ())}
    assert used == set(whole["volumes"])
    assert configs == set(whole["configs"])


def test_the_image_runs_as_nobody_special_with_the_program_as_its_entry() -> None:
    instructions = [line for line in text_of("Dockerfile").splitlines() if re.match("[A-Z]", line)]
    last_stage = instructions[max(at for at, line in enumerate(instructions) if line.startswith("FROM")) :]
    assert "USER 1000:1000" in last_stage
    assert any("useradd --uid 1000" in line for line in last_stage)
    assert 'ENTRYPOINT ["magpipe-etl"]' in last_stage
    assert not any(line.startswith("RUN pip") for line in last_stage)


def test_every_base_image_is_of_a_series() -> None:
    text = text_of("Dockerfile")
    [series] = re.findall(r"^ARG PYTHON=(\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"3\.\d+-slim-\w+", series)
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"python:${PYTHON}"}


def test_the_documents_call_the_composition_by_what_is_in_it() -> None:
    told = re.findall(r"docker compose (.+)", text_of("docs/operations.md"))
    assert told
    for line in told:
        words = [word for word in shlex.split(line.strip("`")) if not word.startswith("-")]
        verb, *names = words
        assert verb in {"up", "run", "logs", "down", "bi"}, line
        if verb == "run":
            assert names[0] in services(), line
