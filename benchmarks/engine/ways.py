"""Four ways to the same tenants: kraj with either engine, a loop of `pulumi up`, a playbook.

Each way does an action on all tenants as a user would start it: as processes of its own, whose time
is taken from start to end. What a user does once (a stack, a collection) is not timed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
PORTS: Final = (22, 80, 443, 5432)
#: What `change` adds to the first tenant.
NEW_PORT: Final = 8443
ACTIONS: Final = ("preview", "up", "no change", "refresh", "change", "down")
PUBLIC_KEY: Final = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2qKC9aKn1Ue5h1y4mPRkC5Y0o0m8kC7b1nTfWl0WfB benchmark"
)
_PASSPHRASE: Final = "benchmark"  # noqa: S105 - protects no secret
#: PyPI's package `ansible` carries the collections as they are on Galaxy.
_ANSIBLE: Final = "ansible==12.3.0"
_COLLECTION: Final = "ansible_collections/openstack/cloud/"
#: The collection's modules ask for `openstack.version`, which later releases load no more.
_SDK: Final = "openstacksdk==4.4.0"


@dataclass(frozen=True)
class Tenant:
    """One tenant as the program and the playbook get it."""

    name: str
    ports: tuple[int, ...] = PORTS


def tenants_of(way: str, count: int, action: str) -> list[Tenant]:
    """The tenants as an action finds them asked for."""
    tenants = [Tenant(f"kraj-bench-{way}-{number:03d}") for number in range(count)]
    if action in ("change", "down"):
        tenants[0] = Tenant(tenants[0].name, (*PORTS, NEW_PORT))
    return tenants


class FailedError(Exception):
    """A process ended with an error; the text is the end of what it printed."""


class Way(ABC):
    """How tenants are made."""

    name: str
    actions: Sequence[str] = ACTIONS

    def __init__(self, folder: Path, cloud: str) -> None:
        self.folder = folder
        self.cloud = cloud
        folder.mkdir(parents=True, exist_ok=True)

    def prepare(self, tenants: Sequence[Tenant]) -> None:  # noqa: ARG002 - for some ways
        """What a user does once: here, begin with no state at all."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()

    @abstractmethod
    def act(self, action: str, tenants: Sequence[Tenant]) -> None:
        """Do an action on all tenants. Raises FailedError."""

    def run(
        self, *command: str, environment: dict[str, str] | None = None, folder: Path | None = None
    ) -> None:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        log = self.folder / "log"
        with log.open("a+b") as output:
            start = output.seek(0, os.SEEK_END)
            done = subprocess.run(
                command,
                cwd=folder or self.folder,
                env={**os.environ, "PATH": path, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
            if done.returncode:
                output.seek(start)
                said = output.read().decode(errors="replace")
                # Ansible's last words are a table of all hosts; why one failed stands above it.
                faults = [line for line in said.splitlines() if line.startswith("fatal:")]
                words = "\n".join(faults)[-4000:] or said[-4000:]
                raise FailedError(f"{' '.join(command)} ended with {done.returncode}:\n{words}")


class Kraj(Way):
    """One process that works on several stacks side by side, as `kraj up` does."""

    def __init__(self, folder: Path, cloud: str, engine: str) -> None:
        super().__init__(folder, cloud)
        self.name = f"kraj-{engine}"
        self._engine = engine

    def act(self, action: str, tenants: Sequence[Tenant]) -> None:
        orders = {
            "engine": self._engine,
            "action": action,
            "folder": str(self.folder),
            "cloud": self.cloud,
            "tenants": [{"name": one.name, "ports": one.ports} for one in tenants],
        }
        self.run(sys.executable, str(HERE / "worker.py"), json.dumps(orders))


class PulumiLoop(Way):
    """`pulumi …` for one tenant after the other, with states in files."""

    name = "pulumi-loop"
    commands: Final = {
        "preview": ("preview",),
        "up": ("up", "--yes"),
        "no change": ("up", "--yes"),
        "refresh": ("refresh", "--yes"),
        "change": ("up", "--yes"),
        "down": ("destroy", "--yes"),
    }

    def prepare(self, tenants: Sequence[Tenant]) -> None:
        super().prepare(tenants)
        (self.folder / "state").mkdir()
        shutil.copytree(HERE / "tenant", self.folder / "program")
        for tenant in tenants:
            self._pulumi("stack", "init", tenant.name, "--no-select")
            self._configure(tenant, {"openstack:cloud": self.cloud, "benchmark:name": tenant.name})
            self._configure(tenant, {"benchmark:publicKey": PUBLIC_KEY})
            self._configure(tenant, _ports(tenant))

    def act(self, action: str, tenants: Sequence[Tenant]) -> None:
        for tenant in tenants:
            if action == "change" and tenant.ports != PORTS:
                self._configure(tenant, _ports(tenant))
            verb, *options = self.commands[action]
            self._pulumi(verb, *options, "--non-interactive", "--stack", tenant.name)

    def _configure(self, tenant: Tenant, values: dict[str, str]) -> None:
        pairs = [
            part for key, value in values.items() for part in ("--plaintext", f"{key}={value}")
        ]
        self._pulumi("config", "set-all", "--stack", tenant.name, *pairs)

    def _pulumi(self, *arguments: str) -> None:
        environment = {
            "PULUMI_BACKEND_URL": (self.folder / "state").as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": _PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        self.run("pulumi", *arguments, environment=environment, folder=self.folder / "program")


class Playbook(Way):
    """`ansible-playbook` with the collection `openstack.cloud`, all tenants in one run.

    It has no state: its run without changes is its refresh. With `--check` it cannot show a tenant
    that is not there, because later tasks look up what earlier ones would have made.
    """

    name = "ansible"
    actions = tuple(action for action in ACTIONS if action not in ("preview", "refresh"))

    def __init__(self, folder: Path, cloud: str, collections: Path) -> None:
        super().__init__(folder, cloud)
        self._collections = collections

    def act(self, action: str, tenants: Sequence[Tenant]) -> None:
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps(self._inventory(action, tenants), indent=1))
        environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(self._collections),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
        }
        self.run(
            *("ansible-playbook", "-i", str(inventory), str(HERE / "tenant.yml")),
            environment=environment,
        )

    def _inventory(self, action: str, tenants: Sequence[Tenant]) -> dict[str, Any]:
        shared = {
            "ansible_python_interpreter": str(self._collections / "python" / "bin" / "python"),
            "cloud": self.cloud,
            "public_key": PUBLIC_KEY,
            "state": "absent" if action == "down" else "present",
        }
        hosts = {tenant.name: {"rules": _rules(tenant)} for tenant in tenants}
        return {"all": {"hosts": hosts, "vars": shared}}


def _ports(tenant: Tenant) -> dict[str, str]:
    return {"benchmark:ports": ",".join(map(str, tenant.ports))}


def _rules(tenant: Tenant) -> list[dict[str, Any]]:
    """Neutron's own rules for what goes out, and the tenant's for what comes in."""
    outward = [{"direction": "egress", "ether_type": kind} for kind in ("IPv4", "IPv6")]
    inward = [
        {"protocol": "tcp", "port_range_min": port, "port_range_max": port} for port in tenant.ports
    ]
    return [*outward, *inward]


def collections_in(folder: Path) -> Path:
    """A folder with the collection `openstack.cloud`, and a Python that its modules run in."""
    python = folder / "python"
    if not python.is_dir():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, python], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, _SDK], check=True)
    if not (folder / _COLLECTION).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                *("--only-binary", ":all:", "--dest", str(folder), _ANSIBLE),
            ],
            check=True,
        )
        (wheel,) = folder.glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith(_COLLECTION)]
            archive.extractall(folder, members)
        wheel.unlink()
    return folder
