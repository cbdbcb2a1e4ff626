"""Runs a playbook by ansible-runner, in a folder of its own that is gone afterwards.

Ansible gets the inventory, the secrets and the passphrase as files for its owner alone, and of this
process's environment only what programs need: no credential of a cloud, no settings of somebody's
ansible.cfg. What happens comes back as ansible-runner's events. Not here: what they mean
(`kraj.configure.following`), and which servers there are.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kraj.configure.errors import FILES_UNUSABLE, PROGRAM_MISSING
from kraj.engine.inherited import inherited_for_ssh
from kraj.engine.passphrase import FILE_VARIABLE
from kraj.errors import KrajError

#: Takes one event of ansible-runner's.
Take = Callable[[Mapping[str, Any]], None]

_PREFIX: Final = "run-"
_LONGEST: Final = 60  #: characters of a temporary folder; SSH and we add some 42
#: The first event: by then Ansible has read the inventory.
_READ: Final = "playbook_on_start"
_SETTINGS: Final = {
    "ANSIBLE_HOST_KEY_CHECKING": "True",
    "ANSIBLE_PIPELINING": "True",
    "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s -o Compression=yes",
    "ANSIBLE_SSH_RETRIES": "2",
    "ANSIBLE_GATHERING": "smart",
    "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
    "ANSIBLE_NO_TARGET_SYSLOG": "True",  # servers would log what modules are given
    "ANSIBLE_NOCOLOR": "True",
    "ANSIBLE_NOCOWS": "True",
    "LC_ALL": "C.UTF-8",  # SSH's words are read
}


@dataclass(frozen=True, slots=True)
class Play:
    """What is to be run, on which servers."""

    playbook: Path
    roles: Path
    inventory: Mapping[str, Any]  #: as `kraj inventory` prints it, with connection variables
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  #: by server
    passphrase: str = ""  #: of the region, for the certificate authority on this machine
    variables: Path | None = None  #: folder with group_vars and host_vars
    check: bool = False
    diff: bool = False
    forks: int = 10


def find_programs() -> Path:
    """Ansible's command, of kraj's own Python environment. Raises KRJ841."""
    beside = Path(sys.executable).with_name("ansible-playbook")
    found = str(beside) if beside.is_file() else shutil.which("ansible-playbook")
    if found is None:
        raise KrajError(PROGRAM_MISSING, f"no ansible-playbook beside {sys.executable} or in PATH")
    if shutil.which("ssh") is None:
        raise KrajError(PROGRAM_MISSING, "no ssh in PATH")
    return Path(found)


@contextlib.contextmanager
def run_folder(parent: Path) -> Iterator[Path]:
    """A folder for one run, for its owner alone; what dead runs have left is removed first.

    Raises KRJ849.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in parent.glob(f"{_PREFIX}*"):
            with _held(path, wait=False) as free:
                if free:
                    shutil.rmtree(path, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    except OSError as error:
        raise KrajError(FILES_UNUSABLE, f"cannot use the folder {parent}: {error}") from error
    try:
        with _held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _held(folder: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold a folder while its run lives; the kernel lets go of it when the process dies."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


@contextlib.contextmanager
def sockets_folder() -> Iterator[Path]:
    """A folder for SSH's shared connections, which are closed at the end.

    Its path is short, because that of a socket has 108 bytes at most.
    """
    usual = tempfile.gettempdir()
    parent = usual if len(usual) <= _LONGEST else "/tmp"  # noqa: S108 - the folder in it is private
    with tempfile.TemporaryDirectory(
        prefix="kraj-", dir=parent, ignore_cleanup_errors=True
    ) as name:
        folder = Path(name)
        try:
            yield folder
        finally:
            for socket in folder.iterdir():
                subprocess.run(
                    ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "server"],
                    capture_output=True,
                    check=False,
                )


def run_playbook(
    play: Play, folder: Path, sockets: Path, take: Take, stop: Callable[[], bool]
) -> bool:
    """Run it to its end, or until `stop` says so; False where it was stopped.

    `folder` is one of `run_folder`, `sockets` of `sockets_folder`. Raises KRJ841.
    """
    command = find_programs()
    # Slow to load, and needed here alone.
    from ansible_runner import Runner, RunnerConfig  # noqa: PLC0415

    inventory = folder / "inventory"
    _write_inventory(play, inventory)
    _write(folder / "env" / "settings", {"pexpect_timeout": 1, "suppress_output_file": True})
    (folder / "ansible.cfg").touch()  # in place of one that the user or the machine has
    config = RunnerConfig(
        private_data_dir=str(folder),
        project_dir=str(play.playbook.parent),
        playbook=str(play.playbook),
        inventory=str(inventory),
        roles_path=str(play.roles),
        forks=play.forks,
        cmdline=" ".join(["--check"] * play.check + ["--diff"] * play.diff) or None,
        fact_cache_type="memory",
        quiet=True,
    )
    config.prepare()
    config.command[0] = str(command)
    config.env = _environment(config.env, folder, sockets)
    if play.passphrase:
        _write_text(folder / "passphrase", play.passphrase)
        config.env[FILE_VARIABLE] = str(folder / "passphrase")
    failures: list[Exception] = []

    def handle(event: Mapping[str, Any]) -> bool:
        if event["event"] == _READ:
            (inventory / "secrets.json").unlink(missing_ok=True)
        try:
            take(event)
        except Exception as error:
            failures.append(error)  # raised here it would leave Ansible running
        return False  # events are not kept in files

    runner = Runner(config, event_handler=handle, cancel_callback=lambda: bool(failures) or stop())
    runner.run()
    if failures:
        raise failures[0]
    return not runner.canceled


def _write_inventory(play: Play, folder: Path) -> None:
    _write(folder / "servers.json", _as_groups(play.inventory))
    if play.secrets:
        _write(folder / "secrets.json", {"all": {"hosts": play.secrets}})
    for kind in ("group_vars", "host_vars"):
        if play.variables is not None and (play.variables / kind).is_dir():
            (folder / kind).symlink_to((play.variables / kind).absolute())


def _as_groups(inventory: Mapping[str, Any]) -> dict[str, Any]:
    """The form of a file in place of that of a script: no program needs to be run for it."""
    names = inventory["all"]["children"]
    children: dict[str, Any] = {
        name: {"hosts": {host: {} for host in inventory[name]["hosts"]}} for name in names
    }
    return {"all": {"hosts": inventory["_meta"]["hostvars"], "children": children}}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    _write_text(path, json.dumps(content))


def _write_text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)


def _environment(prepared: Mapping[str, str], folder: Path, sockets: Path) -> dict[str, str]:
    """What a program needs, what ansible-runner has set, and our settings."""
    theirs = {name: value for name, value in prepared.items() if os.environ.get(name) != value}
    return {
        **inherited_for_ssh(os.environ),
        **theirs,
        **_SETTINGS,
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),  # templates are filled in there, with secrets
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
    }
