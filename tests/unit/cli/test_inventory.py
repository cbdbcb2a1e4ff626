"""`kraj inventory`, and what Ansible itself understands of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kraj.configure.inventory import PLUGINS
from tests.unit.cli.conftest import Outcome
from tests.unit.configure.exports import CENTRE, DATABASE, RECORDS, TENANT, write_state

ANSIBLE = Path(sys.executable).with_name("ansible-inventory")


@pytest.fixture
def applied(project: Path) -> Path:
    """A project whose centre and one tenant were applied, as far as their exports tell."""
    write_state(project, "kraj-centre", "liberecky", CENTRE)
    write_state(project, "kraj-tenant", "liberecky.t563871", TENANT)
    return project


def test_the_command_prints_what_the_stacks_export(
    kraj: Callable[..., Outcome], applied: Path
) -> None:
    found = json.loads(kraj("inventory", "--list").out)
    assert sorted(found["_meta"]["hostvars"]) == [RECORDS, DATABASE]
    assert (
        json.loads(kraj("inventory", "--host", RECORDS).out)
        == (found["_meta"]["hostvars"][RECORDS])
    )
    part = json.loads(kraj("inventory", "--only", "centre").out)
    assert sorted(part["_meta"]["hostvars"]) == [DATABASE]


def test_a_server_has_the_roles_that_have_tasks(
    kraj: Callable[..., Outcome], applied: Path
) -> None:
    for role in ("base", "records", "nobodys"):
        (applied / "roles" / role / "tasks").mkdir(parents=True, exist_ok=True)
        (applied / "roles" / role / "tasks" / "main.yml").write_text("[]\n")
    hosts = json.loads(kraj("inventory").out)["_meta"]["hostvars"]
    assert hosts[RECORDS]["kraj_roles"] == ["base", "records"]
    assert hosts[DATABASE]["kraj_roles"] == ["base"]


def test_what_is_not_there_is_an_error_that_says_what_is_meant(
    kraj: Callable[..., Outcome], applied: Path
) -> None:
    wrong = kraj("inventory", "--host", RECORDS.replace("records", "recrods"))
    assert wrong.code == 1
    assert "KRJ714" in wrong.err
    assert RECORDS in wrong.err
    assert "KRJ703" in kraj("inventory", "--only", "tenant:nowhere").err
    assert kraj("inventory", "--list", "--host", RECORDS).code == 64


def ansible(folder: Path, source: Path, **variables: str) -> Any:
    """What Ansible itself understands of an inventory."""
    done = subprocess.run(
        [str(ANSIBLE), "-i", str(source), "--list"],
        cwd=folder,
        env={**os.environ, "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_ansible_reads_it_from_a_script(applied: Path) -> None:
    script = applied / "servers"
    script.write_text(f'#!/bin/sh\nexec {ANSIBLE.with_name("kraj")} inventory "$@"\n')
    script.chmod(0o755)
    found = ansible(applied, script)
    assert found["tenant_zelezny_brod"]["hosts"] == [RECORDS]
    assert found["_meta"]["hostvars"][DATABASE]["ansible_host"] == "198.51.100.7"


def test_ansible_reads_it_by_the_plugin_and_makes_more_groups(
    kraj: Callable[..., Outcome], applied: Path
) -> None:
    source = applied / "servers.kraj.yml"
    source.write_text(
        "plugin: kraj\nregion: liberecky\nonly: ['tenant:zelezny-brod']\n"
        "keyed_groups: [{key: kraj_metadata.kraj_owner, prefix: owner}]\n"
    )
    assert kraj("inventory", "--plugins").out.strip() == str(PLUGINS)
    found = ansible(
        applied,
        source,
        ANSIBLE_INVENTORY_PLUGINS=str(PLUGINS),
        ANSIBLE_INVENTORY_ENABLED="kraj",
    )
    assert sorted(found["_meta"]["hostvars"]) == [RECORDS]
    assert found["owner_Odbor_informatiky"]["hosts"] == [RECORDS]
    assert found["service_records"]["hosts"] == [RECORDS]
