"""`kraj engine switch` as an admin meets it: what it refuses, records and asks."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kraj.engine.choice import Choice, read_choice
from kraj.engine.local.buckets.files import FileBucket
from tests.unit.cli.conftest import Outcome
from tests.unit.cli.keystone import serving

Kraj = Callable[..., Outcome]

STATE = ".kraj/regions/liberecky"
VILLAGE = f"{STATE}/.pulumi/stacks/kraj-tenant/liberecky.t576972.json"


@pytest.fixture
def cloud(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cloud that can be signed in to, and no `pulumi` command."""
    monkeypatch.setenv("PATH", str(project))
    monkeypatch.setenv("PULUMI_HOME", str(project / "empty"))
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    with serving() as address:
        (project / "clouds.yaml").write_text(
            f"clouds: {{lab: {{auth: {{auth_url: '{address}', username: admin, password: secret,"
            " project_name: admin, user_domain_name: Default, project_domain_name: Default}}}\n",
            encoding="utf-8",
        )
        yield


def recorded(project: Path) -> Choice:
    return read_choice(FileBucket(project / STATE))


def applied(project: Path, **state: object) -> None:
    """A state of the village's stack with nothing but the stack itself."""
    urn = "urn:pulumi:liberecky.t576972::kraj-tenant::pulumi:pulumi:Stack::kraj-tenant-x"
    stack = {"urn": urn, "custom": False, "type": "pulumi:pulumi:Stack"}
    latest = {"manifest": {}, "resources": [stack], **state}
    path = project / VILLAGE
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}), encoding="utf-8")


@pytest.mark.usefixtures("project")
def test_an_engine_that_does_not_exist_is_told_before_anything_is_asked(kraj: Kraj) -> None:
    outcome = kraj("engine", "switch", "terraform")
    assert outcome.code == 1
    assert "KRJ313" in outcome.err
    assert "local, pulumi" in outcome.err


@pytest.mark.usefixtures("cloud")
def test_pulumi_without_its_command_is_refused_with_what_to_do(kraj: Kraj, project: Path) -> None:
    outcome = kraj("engine", "switch", "pulumi", "--yes", "--json")
    assert outcome.code == 1
    (error,) = outcome.json["errors"]
    assert error["code"] == "KRJ312"
    assert "kraj engine install" in error["hint"]
    assert not (project / ".kraj").exists()


@pytest.mark.usefixtures("cloud")
def test_unknown_stacks_are_refused(kraj: Kraj) -> None:
    outcome = kraj("engine", "switch", "local", "--only", "tenant:nowhere")
    assert outcome.code == 1
    assert "KRJ703" in outcome.err


@pytest.mark.usefixtures("cloud")
def test_without_an_answer_the_region_keeps_its_engine(
    kraj: Kraj, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert kraj("engine", "switch", "local").code == 130
    assert not (project / ".kraj").exists()


@pytest.mark.usefixtures("cloud")
def test_a_region_without_stacks_just_gets_the_engine(kraj: Kraj, project: Path) -> None:
    tried = kraj("engine", "switch", "local", "--dry-run", "--json")
    assert (tried.code, tried.json["dry_run"], tried.json["chosen"]) == (0, True, "")
    assert recorded(project) == Choice()
    done = kraj("engine", "switch", "local", "--yes", "--json")
    assert (done.code, done.json["chosen"], done.json["stacks"]) == (0, "local", [])
    assert recorded(project).engine == "local"
    again = kraj("engine", "switch", "local")
    assert (again.code, "has the engine local already" in again.out) == (0, True)


@pytest.mark.usefixtures("cloud")
def test_a_stack_with_open_steps_stays_and_the_region_keeps_its_engine(
    kraj: Kraj, project: Path
) -> None:
    urn = "urn:pulumi:liberecky.t576972::kraj-tenant::a:b:C::network"
    resource = {"urn": urn, "custom": True, "type": "a:b:C"}
    applied(project, pending_operations=[{"type": "creating", "resource": resource}])
    before = (project / VILLAGE).read_bytes()
    outcome = kraj("engine", "switch", "local", "--yes", "--json")
    assert outcome.code == 1
    (stack,) = outcome.json["stacks"]
    assert (stack["stack"], stack["outcome"], stack["backup"]) == ("tenant:bela", "kept", None)
    assert stack["error"]["code"] == "KRJ340"
    assert "creating network" in stack["error"]["message"]
    assert outcome.json["left"] == ["tenant:bela"]
    assert recorded(project).engine == ""
    assert (project / VILLAGE).read_bytes() == before


@pytest.mark.usefixtures("cloud")
def test_a_locked_stack_is_told_with_its_holder(kraj: Kraj, project: Path) -> None:
    applied(project)
    lock = project / STATE / ".pulumi/locks/organization/kraj-tenant/liberecky.t576972/1.json"
    lock.parent.mkdir(parents=True)
    holder = {"pid": 7, "username": "eva", "hostname": "far", "timestamp": "2026-11-23T07:00:00Z"}
    lock.write_text(json.dumps(holder), encoding="utf-8")
    outcome = kraj("engine", "switch", "local", "--yes")
    assert outcome.code == 1
    assert "KRJ306" in outcome.out
    assert "eva@far" in outcome.out
    assert "Still to be switched: tenant:bela." in outcome.out


@pytest.mark.usefixtures("cloud")
def test_status_tells_what_the_region_has(
    kraj: Kraj, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KRAJ_ENGINE")
    assert kraj("engine", "status", "--json").json["reason"] == "no pulumi command on PATH"
    kraj("engine", "switch", "local", "--yes")
    told = kraj("engine", "status", "--region", "liberecky", "--json").json
    assert told["reason"].startswith("chosen for the region by `kraj engine switch` on 20")
    assert told["details"]["state"] == str(project / STATE)
