"""Hosts for tests of roles: `role_host` gives fresh Debian machines that go with the test."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.roles import machines, trees
from tests.roles.hosts import Host

RoleHost = Callable[..., Host]


@pytest.fixture(scope="session")
def base_tree() -> Path:
    """The root file system that all hosts begin with."""
    reason = machines.missing()
    if reason:
        pytest.skip(f"hosts for roles cannot be made here: {reason}")
    machines.remove_leftovers()
    return trees.base_tree()


@pytest.fixture(scope="session")
def ssh_folder() -> Iterator[Path]:
    """Keys and sockets; its path is short, because a socket's may have 108 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="kraj-"))
    machines.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def hosts_that_go(base: Path, folder: Path) -> Iterator[RoleHost]:
    """A maker of hosts; all that it made are removed at the end."""
    made: list[Host] = []
    public_key = (folder / "key.pub").read_text()

    def make(
        name: str, *, memory_mib: int = 1024, disks_mib: Mapping[str, int] | None = None
    ) -> Host:
        """A fresh host with that memory, and empty disks by name (`{"vdb": 64}` is /dev/vdb)."""
        full = f"{name}-{secrets.token_hex(3)}"
        machine = machines.create(full, base, public_key, memory_mib, disks_mib or {})
        (folder / full).mkdir()
        host = Host(machine, folder / full)
        made.append(host)
        machine.start()
        return host

    try:
        yield make
    finally:
        for host in made:
            host.disconnect()
            host.machine.remove()


@pytest.fixture
def role_host(base_tree: Path, ssh_folder: Path) -> Iterator[RoleHost]:
    """`role_host("map", memory_mib=2048)`: a fresh host, removed after the test."""
    with hosts_that_go(base_tree, ssh_folder) as make:
        yield make


@pytest.fixture(scope="module")
def shared_role_host(base_tree: Path, ssh_folder: Path) -> Iterator[RoleHost]:
    """As `role_host`, for a host that all tests of a module look at."""
    with hosts_that_go(base_tree, ssh_folder) as make:
        yield make
