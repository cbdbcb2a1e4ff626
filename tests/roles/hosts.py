"""What tests of roles do with a host: apply roles by Ansible, look inside by testinfra.

Ansible runs as it does for an operator: over SSH with a known host key, as the image's user that
becomes root by sudo, so that a role which locks its operator out fails here.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import testinfra

from tests.roles.machines import ROOT, USER, Machine

#: By these variables, where the machine has them, programs in a host find registries and mirrors.
_REGISTRIES = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "NPM_CONFIG_REGISTRY",
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip
_CERTIFICATES = (
    "SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
)  # fmt: skip


@dataclass(frozen=True)
class Applied:
    """What a run of Ansible did."""

    ok: int
    changed: int
    tasks_changed: tuple[str, ...]  #: names, in order
    skipped: tuple[str, ...]  #: names of tasks that were not for this host


@dataclass
class Host:
    """A Debian host that roles are applied to."""

    machine: Machine
    folder: Path  #: of its SSH settings, its control socket and Ansible's files
    roles: Sequence[Path] = (ROOT / "roles",)  #: where roles are found

    def __post_init__(self) -> None:
        public = self.machine.root / "etc/ssh/ssh_host_ed25519_key.pub"
        key = " ".join(public.read_text().split()[:2])
        (self.folder / "known_hosts").write_text(f"{self.address} {key}\n")
        self.ssh_config.write_text(
            f"Host {self.name}\n"
            f"  HostName {self.address}\n"
            f"  User {USER}\n"
            f"  IdentityFile {self.folder.parent / 'key'}\n"
            f"  UserKnownHostsFile {self.folder / 'known_hosts'}\n"
            "  HostKeyAlias " + self.address + "\n"
            "  StrictHostKeyChecking yes\n  BatchMode yes\n  LogLevel ERROR\n"
            "  ConnectTimeout 20\n  ServerAliveInterval 10\n"
            f"  ControlMaster auto\n  ControlPath {self.folder / 'ssh'}\n  ControlPersist 120\n"
        )

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def address(self) -> str:
        return self.machine.address

    @property
    def ssh_config(self) -> Path:
        return self.folder / "ssh_config"

    @property
    def testinfra(self) -> Any:
        """The host as testinfra sees it: over SSH, as root by sudo."""
        return testinfra.get_host(f"ssh://{self.name}?sudo=true", ssh_config=str(self.ssh_config))

    def run(self, command: str) -> str:
        """What a shell command prints as root; fails the test where the command fails."""
        done = self.testinfra.run(command)
        if done.rc != 0:
            pytest.fail(f"{self.name}: {command}: {done.stderr or done.stdout}", pytrace=False)
        return str(done.stdout).strip()

    def apply(
        self,
        role: str | Sequence[str],
        variables: Mapping[str, Any] | None = None,
        *,
        check: bool = False,
    ) -> Applied:
        """Run roles. Fails the test with the message of the task that fails."""
        environment = {name: os.environ[name] for name in _REGISTRIES if name in os.environ}
        environment |= dict.fromkeys(_CERTIFICATES, "/etc/ssl/certs/ca-certificates.crt")
        variables = {
            "ansible_user": USER,
            "ansible_ssh_args": f"-F {self.ssh_config}",
            "ansible_python_interpreter": "/usr/bin/python3",
            "kraj_build_environment": environment,
            **(variables or {}),
        }
        roles = [role] if isinstance(role, str) else list(role)
        # The runner writes its environment once, and reads it from there at every later run.
        shutil.rmtree(self.folder / "env", ignore_errors=True)
        done = ansible_runner.run(
            private_data_dir=str(self.folder),
            playbook=[{"hosts": self.name, "become": True, "roles": roles}],
            inventory={"all": {"hosts": {self.name: variables}}},
            cmdline="--check --diff" if check else "--diff",
            envvars={
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "ANSIBLE_ROLES_PATH": ":".join(map(str, self.roles)),
                "ANSIBLE_PIPELINING": "true",
                "ANSIBLE_TIMEOUT": "120",  # a busy machine takes its time
                "ANSIBLE_INJECT_FACT_VARS": "false",
                "ANSIBLE_HOME": str(self.folder / "ansible"),
            },
            quiet=True,
        )
        return self._applied(done)

    def _applied(self, done: Any) -> Applied:
        changed, ok, skipped, failures = [], 0, [], list[str]()
        for event in done.events:
            told = event.get("event_data", {})
            task = told.get("task", "")
            match event["event"]:
                case "runner_on_ok":
                    ok += 1
                    if told["res"].get("changed"):
                        changed.append(task)
                case "runner_on_skipped":
                    skipped.append(task)
                case "runner_on_failed" | "runner_on_unreachable" if not told.get("ignore_errors"):
                    failures.append(f"task {task!r}: {_message(told)}")
        if done.rc != 0:  # else a `rescue` has dealt with what failed
            said = failures or [Path(done.stdout.name).read_text()[-3000:]]
            pytest.fail("\n".join([f"{self.name}:", *said]), pytrace=False)
        return Applied(ok, len(changed), tuple(changed), tuple(skipped))

    def prove(self, role: str) -> None:
        """Run the role's own proofs (`roles/<role>/tests`) on this host, as for a live server."""
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                str(ROOT / "roles" / role / "tests"), "--hosts", f"ssh://{self.name}?sudo=true",
                "--ssh-config", str(self.ssh_config),
            ],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        if done.returncode != 0:
            pytest.fail(f"{self.name}: {done.stdout}{done.stderr}", pytrace=False)

    def reboot(self) -> None:
        """Shut down and boot again; returns when systemd has started everything."""
        self.disconnect()
        self.machine.stop()
        self.machine.start()

    def reaches(self, port: int) -> bool:
        """Whether this machine can connect to a port of the host."""
        try:
            socket.create_connection((self.address, port), timeout=3).close()
        except OSError:
            return False
        return True

    def disconnect(self) -> None:
        """End the SSH connection that is kept open between commands."""
        subprocess.run(
            ["ssh", "-F", str(self.ssh_config), "-O", "exit", self.name],
            capture_output=True,
            check=False,
        )


def _message(told: Mapping[str, Any]) -> str:
    """Why a task failed, with what its program or the items of its loop said."""
    result = told.get("res", {})
    items = [item.get("msg", "") for item in result.get("results", []) if item.get("failed")]
    parts = (result.get("msg"), *items, result.get("stderr"), result.get("stdout"))
    return "\n".join(str(part) for part in parts if part) or str(result)
