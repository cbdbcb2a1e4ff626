"""Installs a role into a running build machine with Ansible, and tells what happens as events."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter
from kraj.images.errors import ROLE_FAILED
from kraj.images.machine import BUNDLE, CACHE, Machine
from kraj.images.tools import proxies

#: Programs of many kinds, each with a variable of its own for the certificates that it trusts.
_TRUST: Final = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
)  # fmt: skip
#: Where the region's mirrors of package registries are; passed on where kraj itself has them.
_MIRRORS: Final = (
    "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL",
    "NPM_CONFIG_REGISTRY",
)  # fmt: skip
_FAILURES: Final = ("runner_on_failed", "runner_on_unreachable")
_LAST_LINES: Final = 12


def build_environment(epoch: int, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What programs inside an image's build machine are given.

    Byte code then names its source by content, not by the time of its installation, so that two
    builds have the same.
    """
    return {
        **dict.fromkeys(_TRUST, BUNDLE),
        **{name: environ[name] for name in _MIRRORS if environ.get(name)},
        **{name: value for name, value in environ.items() if name in proxies()},
        "PIP_CACHE_DIR": f"{CACHE}/pip",
        "UV_CACHE_DIR": f"{CACHE}/uv",
        "NPM_CONFIG_CACHE": f"{CACHE}/npm",
        "SOURCE_DATE_EPOCH": str(epoch),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DEBIAN_FRONTEND": "noninteractive",
    }


@dataclass
class _Run:
    """What one run of the playbook has told so far."""

    image: str
    report: Reporter
    failures: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    tasks: int = 0

    def take(self, event: dict[str, Any]) -> bool:
        """One event of ansible-runner's; True lets it be kept in the run's folder."""
        kind, data = event.get("event", ""), event.get("event_data", {})
        if event.get("stdout"):
            self.lines.append(event["stdout"])
        if kind in ("playbook_on_task_start", "playbook_on_handler_task_start"):
            self.tasks += 1
            message = str(data.get("name") or data.get("task", ""))
            self.report(
                Event(
                    EventKind.PROGRESS,
                    "image build",
                    self.image,
                    message=message,
                    completed=self.tasks,
                )
            )
        if kind in _FAILURES and not data.get("ignore_errors"):
            self.failures.append(data)
        return True


def install_role(
    machine: Machine,
    image: str,
    role: str,
    *,
    tasks: str,
    roles: Path,
    playbook: Path,
    folder: Path,
    environment: Mapping[str, str],
    report: Reporter,
) -> None:
    """Run the playbook for these tasks of a role. `folder` takes the run's files. Raises KRJ806."""
    # Loads a terminal emulator and more, which no other command needs.
    import ansible_runner  # noqa: PLC0415

    told = _Run(image, report)
    done = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=str(playbook.absolute()),
        inventory={"all": {"children": {"image": {"hosts": {machine.name: _host(machine)}}}}},
        extravars={
            "image_role": role,
            "image_tasks": tasks,
            "kraj_phase": "image",
            "kraj_build_environment": dict(environment),
        },
        envvars=_settings(roles, folder),
        event_handler=told.take,
        quiet=True,
    )
    if done.status != "successful":
        raise _failure(role, done.status, told)


def _host(machine: Machine) -> dict[str, Any]:
    return {
        "ansible_connection": "ssh",
        "ansible_host": machine.name,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(machine.key),
        "ansible_ssh_common_args": shlex.join(machine.ssh_options()),
        "ansible_python_interpreter": "/usr/bin/python3",
    }


def _settings(roles: Path, folder: Path) -> dict[str, str]:
    """Ansible's own settings: none of the user's configuration files has a say in an image."""
    beside = Path(sys.executable).parent
    empty = folder / "ansible.cfg"
    empty.write_text("", encoding="utf-8")
    return {
        "PATH": f"{beside}:{os.environ.get('PATH', '')}",
        "ANSIBLE_CONFIG": str(empty),
        "ANSIBLE_ROLES_PATH": str(roles.absolute()),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
    }


def _failure(role: str, status: str, told: _Run) -> KrajError:
    if not told.failures:
        lines = "\n".join(told.lines).strip().splitlines()
        message = f"Ansible ended with {status} while the role {role!r} was installed"
        return KrajError(ROLE_FAILED, message, causes=tuple(lines[-_LAST_LINES:]))
    first = told.failures[0]
    where = f"task {first.get('task')!r} on {first.get('host')}"
    path = first.get("task_path")
    return KrajError(
        ROLE_FAILED,
        f"role {role!r}: {where}: {_words_of(first.get('res') or {})}",
        causes=(f"in {path}",) if path else (),
    )


def _words_of(result: Mapping[str, Any]) -> str:
    """What a failed task says: its own message, else that of its first failed item."""
    if result.get("censored"):
        return str(result["censored"])
    failed = [item for item in result.get("results") or () if item.get("failed")]
    if failed:
        return _words_of(failed[0])
    said = [str(result[key]).strip() for key in ("msg", "stderr") if result.get(key)]
    return " / ".join(said) or "failed without a message"
