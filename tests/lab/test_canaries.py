"""No secret is in anything that a tenant's life leaves, says, or shows of its processes.

Secrets are planted (passphrase, variables of the environment) or found (the administrator's
password, all secrets of the tenant's state). Commands run as people and programs run them, with
failures in between. Meanwhile the command lines and environments of all child processes are looked
at; before and after the deletion, every byte that the commands said or left is searched.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from kraj.engine.local.crypto import KeyRing
from kraj.engine.local.state import crypter_of, load_deployment
from kraj.engine.local.values import Secret, reveal
from kraj.engine.pulumi_cli import find_cli, pulumi_home
from kraj.engine.pulumi_install import find_plugin, plugin_version
from tests.canaries import found_in
from tests.lab.command_line import Finished, end, write_yaml
from tests.lab.conftest import LabCloud
from tests.lab.killed_tenant import CODE, SLUG, STACK, Tenant, tenant_on

pytestmark = pytest.mark.lab

LOOK_SECONDS = 0.05  #: between two looks at the processes
PULUMI = [
    pytest.mark.pulumi,
    pytest.mark.skipif(find_cli() is None, reason="no `pulumi` command (`kraj engine install`)"),
    pytest.mark.skipif(
        find_plugin(plugin_version()) is None,
        reason=f"no openstack plugin {plugin_version()} (`kraj engine install`)",
    ),
]
#: The process that runs the stack's program.
PROGRAM = {"local": "kraj.engine.local.host", "pulumi": "pulumi-language-python-exec"}
#: What Pulumi's own command hands to a program has the program's secret configuration.
PULUMIS_OWN = "PULUMI_CONFIG"
CARELESS = """
import pulumi
password = pulumi.Config("kraj").get("serviceUserPassword")
print("the password is", password, flush=True)
raise ValueError(f"nobody knows {password}")
"""


@dataclass
class Witness:
    """Everything that commands on a tenant said, and what their processes showed."""

    tenant: Tenant
    planted: Mapping[str, str]  #: variables of the environment
    said: list[str] = field(default_factory=list)
    commands: set[str] = field(default_factory=set)
    environments: set[tuple[str, str]] = field(default_factory=set)  #: command and variables

    def run(self, code: int, *arguments: str, **variables: str) -> Finished:
        """Run a command, which ends with that exit code, and look on."""
        process = self.tenant.start(*arguments, **{**self.planted, **variables})
        with self._watching(psutil.Process(process.pid)):
            finished = end(process)
        self.said += [finished.out, finished.err]
        assert finished.code == code, finished.out + finished.err
        return finished

    @contextlib.contextmanager
    def _watching(self, kraj: psutil.Process) -> Iterator[None]:
        over = threading.Event()

        def watch() -> None:
            while not over.wait(LOOK_SECONDS):
                with contextlib.suppress(psutil.Error):
                    self._look(kraj)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def _look(self, kraj: psutil.Process) -> None:
        own = kraj.cmdline()
        self.commands.add(" ".join(own))
        for child in kraj.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                command = child.cmdline()
                # Between fork and exec a process still shows what kraj itself was given.
                if command and command != own:
                    variables = child.environ()
                    variables.pop(PULUMIS_OWN, None)
                    self.commands.add(" ".join(command))
                    self.environments.add((" ".join(command), repr(sorted(variables.items()))))


@dataclass(frozen=True)
class Places:
    """Where the commands may write, and the two files that hold secrets because they must."""

    root: Path
    passphrase: Path
    clouds: Path

    @property
    def searched(self) -> list[Path]:
        """All files but those two."""
        files = [Path(at, name) for at, _folders, names in os.walk(self.root) for name in names]
        return [path for path in files if path not in (self.passphrase, self.clouds)]

    def with_any(self, canaries: list[str]) -> list[Path]:
        """Those of the files that hold any of the canaries."""
        return [path for path in self.searched if found_in(path.read_bytes(), canaries)]


@pytest.fixture
def places(lab_cloud: LabCloud, tmp_path: Path) -> Places:
    for name in ("project", "home", "temporary", "given", "pulumi"):
        (tmp_path / name).mkdir()
    plugins = pulumi_home() / "plugins"
    if plugins.is_dir():
        (tmp_path / "pulumi" / "plugins").symlink_to(plugins)
    given = tmp_path / "given"
    shutil.copy(lab_cloud.clouds_file, given / "clouds.yaml")
    (given / "passphrase").write_text(f"canary-{secrets.token_hex(12)}\n", encoding="utf-8")
    return Places(tmp_path, given / "passphrase", given / "clouds.yaml")


@pytest.fixture(params=["local", pytest.param("pulumi", marks=PULUMI)])
def witness(
    lab_cloud: LabCloud, places: Places, request: pytest.FixtureRequest
) -> Iterator[Witness]:
    planted = {
        name: f"canary-{secrets.token_hex(12)}"
        for name in ("OS_PASSWORD", "AWS_SECRET_ACCESS_KEY", "PULUMI_ACCESS_TOKEN", "PGPASSWORD")
    }
    variables = {
        "KRAJ_ENGINE": request.param,
        "HOME": str(places.root / "home"),
        "TMPDIR": str(places.root / "temporary"),
        "OS_CLIENT_CONFIG_FILE": str(places.clouds),
        "PULUMI_CONFIG_PASSPHRASE": places.passphrase.read_text(encoding="utf-8").strip(),
        "PULUMI_HOME": str(places.root / "pulumi"),
    }
    region = f"canary-{secrets.token_hex(2)}"
    with tenant_on(lab_cloud, region, places.root / "project", **variables) as tenant:
        yield Witness(tenant, planted)


def secrets_in_state(tenant: Tenant, passphrase: str) -> list[str]:
    """Everything that the tenant's state has encrypted."""
    deployment = tenant.deployment()
    state = load_deployment(deployment, crypter_of(deployment, KeyRing(lambda: passphrase)))

    def texts(value: Any, *, secret: bool = False) -> Iterator[str]:
        if isinstance(value, Secret):
            yield from texts(reveal(value), secret=True)
        elif isinstance(value, dict):
            for item in value.values():
                yield from texts(item, secret=secret)
        elif isinstance(value, list):
            for item in value:
                yield from texts(item, secret=secret)
        elif secret and isinstance(value, str) and value:
            yield value

    return sorted({text for item in state.resources for text in texts([item.inputs, item.outputs])})


def break_clouds(places: Places) -> Path:
    """Another clouds.yaml with the same password, whose cloud answers nobody."""
    content = yaml.safe_load(places.clouds.read_text(encoding="utf-8"))
    content["clouds"]["lab"]["auth"]["auth_url"] = "http://127.0.0.1:9/v3"
    wrong = places.clouds.with_name("wrong.yaml")
    write_yaml(wrong, content)
    return wrong


def fail_in_all_ways(witness: Witness, places: Places) -> None:
    """A cloud that does not answer; a program that says its secret; a cloud that refuses."""
    wrong = break_clouds(places)
    silent = witness.run(1, "plan", "--json", OS_CLIENT_CONFIG_FILE=str(wrong), KRAJ_DEBUG="1")
    assert "KRJ401" in silent.out
    wrong.unlink()
    stacks = witness.tenant.folder / "stacks"
    real = stacks.readlink()
    stacks.unlink()
    shutil.copytree(real, stacks)
    (stacks / "tenant" / "__main__.py").write_text(CARELESS, encoding="utf-8")
    careless = witness.run(1, "plan", "--only", STACK, "--events", "events.jsonl", KRAJ_DEBUG="1")
    assert "nobody knows [secret]" in careless.err
    shutil.rmtree(stacks)
    stacks.symlink_to(real)
    witness.tenant.edit(f"tenants/{SLUG}.yaml", quota={"networks": 0})
    refused = witness.run(1, "up", "--yes", "--only", STACK, "--events", "events.jsonl")
    assert "uota" in refused.err
    witness.tenant.edit(f"tenants/{SLUG}.yaml", quota={})


def test_no_secret_is_in_what_a_tenants_life_leaves_says_or_shows(
    witness: Witness, places: Places, request: pytest.FixtureRequest
) -> None:
    tenant, run = witness.tenant, witness.run
    only, events = ("--only", STACK), ("--events", "events.jsonl")
    passphrase = places.passphrase.read_text(encoding="utf-8").strip()
    clouds = yaml.safe_load(places.clouds.read_text(encoding="utf-8"))
    password = clouds["clouds"]["lab"]["auth"]["password"]
    fail_in_all_ways(witness, places)
    run(2, "plan", *only)
    run(0, "up", "--yes", "--json", *only, *events)
    run(0, "up", "--yes", "--refresh", *only, *events)
    run(0, "plan", "--json", *only)
    run(0, "verify", "--no-standards", "--json", "--junit", "proof.xml", *only)
    run(0, "drift", "--json", *only, *events)
    run(0, "outputs", "--json", *only)
    run(0, "state", "export", STACK)
    run(0, "state", "export", STACK, "--file", "export.json")
    stored = secrets_in_state(tenant, passphrase)
    assert len(stored) >= 2  # the service user's password, the application credential's secret
    canaries = [passphrase, password, *witness.planted.values(), *stored]
    assert any(path.name == f"{tenant.name}.t{CODE}.json" for path in places.searched)
    assert places.with_any(canaries) == []
    run(0, "down", "--yes", "--json", *only, *events)
    assert places.with_any(canaries) == []
    assert found_in("\n".join(witness.said).encode(), canaries) == []
    engine = request.node.callspec.params["witness"]
    assert any(PROGRAM[engine] in command for command, _variables in witness.environments)
    assert found_in("\n".join(witness.commands).encode(), canaries) == []
    shown = [
        command
        for command, variables in witness.environments
        if found_in(variables.encode(), canaries)
    ]
    assert shown == []
