"""What child processes get of the environment of whoever started kraj."""

from __future__ import annotations

import json
import os

import pytest

from kraj.engine.inherited import credentials_of_backend, inherited
from kraj.engine.local.engine import LocalEngine
from kraj.engine.local.hosts import ProgramHosts

from .conftest import PASSPHRASE, Lab

SECRETS = {
    "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
    "PULUMI_CONFIG_PASSPHRASE_FILE": "/home/eva/passphrase",
    "PULUMI_ACCESS_TOKEN": "canary",
    "KRAJ_STATE_URL": "postgres://me:canary@db.example/states",
    "OS_PASSWORD": "canary",
    "OS_CLOUD": "elsewhere",
    "AWS_SECRET_ACCESS_KEY": "canary",
    "PGPASSWORD": "canary",
    "GITHUB_TOKEN": "canary",
    "SOMETHING_ELSE": "canary",
}
NEEDED = {
    "PATH": "/usr/bin",
    "HOME": "/home/eva",
    "LC_ALL": "cs_CZ.UTF-8",
    "TMPDIR": "/var/tmp",
    "PYTHONPATH": "/srv/stacks",
    "PULUMI_HOME": "/srv/pulumi",
    "KRAJ_ADOPT": "an-id",
    "https_proxy": "http://proxy.example:3128",
    "SSL_CERT_FILE": "/etc/ssl/own.pem",
}


def test_a_child_gets_what_it_needs_to_run_and_no_secret() -> None:
    assert inherited({**SECRETS, **NEEDED}) == NEEDED


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("file:///srv/states", set()),
        ("s3://states", {"AWS_SECRET_ACCESS_KEY"}),
        ("postgres://me@db.example/states", {"PGPASSWORD"}),
        ("https://api.pulumi.com", {"PULUMI_ACCESS_TOKEN"}),
    ],
)
def test_pulumis_command_gets_the_credentials_of_its_backend_alone(
    url: str, names: set[str]
) -> None:
    assert credentials_of_backend(url, SECRETS).keys() == names


def test_a_stack_program_sees_no_secret_of_who_started_kraj(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (SECRETS | {"KRAJ_ADOPT": "an-id"}).items():
        monkeypatch.setenv(name, value)
    found = lab.root / "environment.json"
    program = f"""
import json, os, pathlib
begun = pathlib.Path("/proc/self/environ").read_text()
pathlib.Path({str(found)!r}).write_text(json.dumps([dict(os.environ), begun]))
"""
    hosts = ProgramHosts()
    engine = LocalEngine(
        lab.root / "state", environ={"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}, hosts=hosts
    )
    own = {"OS_CLIENT_CONFIG_FILE": "/etc/openstack/clouds.yaml"}
    try:
        engine.preview(lab.spec(program, environment=own), lab.events.append)
    finally:
        hosts.close()
    variables, begun = json.loads(found.read_text())
    assert variables["PATH"] == os.environ["PATH"]
    assert variables["KRAJ_ADOPT"] == "an-id"
    assert {name for name in variables if name.startswith("OS_")} == set(own)
    assert not SECRETS.keys() & variables.keys()
    assert not [name for name in SECRETS if f"{name}=" in begun]
