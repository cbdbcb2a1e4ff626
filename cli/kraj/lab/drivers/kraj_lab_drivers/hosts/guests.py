"""Servers as containers: systemd from the server's own root file system, by podman.

A guest has its root file system mounted by `disks` and its network namespace from `fabric`; here
it gets a hostname, limits, a console and a life. Podman keeps its files below the lab's folder, so
that containers of the machine's user are never touched.

Why each option stands there: runc, because crun refuses machines with both versions of control
groups; limits of files and processes, because podman's own are above what a container without
CAP_SYS_RESOURCE may ask for; CAP_SYS_ADMIN and loop devices, because a server mounts its volumes.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kraj_lab_drivers.hosts.shell import ToolError, run

_CAPABILITIES: Final = ("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "AUDIT_WRITE", "MKNOD")
_BY_ID: Final = "/dev/disk/by-id"
_LOOP_MAJOR: Final = 7
_STOP_SECONDS: Final = 20
_CONSOLE_BYTES: Final = 256 * 1024

RUNNING: Final = "running"
PAUSED: Final = "paused"


@dataclass(frozen=True, slots=True)
class Guest:
    """What a container is made from."""

    name: str
    root: Path  #: the mounted root file system
    namespace: str  #: its network namespace
    hostname: str
    vcpus: int
    memory_mib: int
    labels: Mapping[str, str]
    devices: Mapping[str, str] = field(default_factory=dict)  #: inside (`/dev/vdb`) → loop device


@dataclass(frozen=True, slots=True)
class Podman:
    """Podman with files of its own in a folder."""

    folder: Path

    def create(self, guest: Guest) -> None:
        """Make the container; replaces one of the same name that is left over."""
        self.remove(guest.name)
        self.console(guest.name).parent.mkdir(parents=True, exist_ok=True)
        labels = (word for pair in guest.labels.items() for word in ("--label", "=".join(pair)))
        devices = (
            word for seen, loop in guest.devices.items() for word in ("--device", f"{loop}:{seen}")
        )
        capabilities = (word for name in _CAPABILITIES for word in ("--cap-add", name))
        self._run(
            "create",
            *("--name", guest.name, "--hostname", guest.hostname, "--tty", "--systemd", "always"),
            *("--network", f"ns:/run/netns/{guest.namespace}", "--no-hosts", "--dns", "none"),
            *("--cpus", str(guest.vcpus), "--memory", f"{guest.memory_mib}m"),
            *("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=4096:4096"),
            *("--log-driver", "k8s-file", "--log-opt", f"path={self.console(guest.name)}"),
            *("--device-cgroup-rule", f"b {_LOOP_MAJOR}:* rmw"),
            *("--security-opt", "seccomp=unconfined"),
            *capabilities,
            *devices,
            *labels,
            *("--rootfs", str(guest.root), "/lib/systemd/systemd"),
        )

    def start(self, name: str) -> None:
        """Boot; nothing where it runs."""
        self._run("start", name)

    def stop(self, name: str, seconds: int = _STOP_SECONDS) -> None:
        """Shut down: systemd is asked, and ended by force after so many seconds."""
        self._run("stop", "--time", str(seconds), name)

    def kill(self, name: str) -> None:
        """Pull the plug; nothing where it does not run."""
        with contextlib.suppress(ToolError):
            self._run("kill", "--signal", "KILL", name)
        self._run("wait", name)

    def pause(self, name: str) -> None:
        self._run("pause", name)

    def unpause(self, name: str) -> None:
        self._run("unpause", name)

    def limit(self, name: str, vcpus: int, memory_mib: int) -> None:
        """Give a container other limits, also while it runs."""
        self._run("update", "--cpus", str(vcpus), "--memory", f"{memory_mib}m", name)

    def remove(self, name: str) -> None:
        """Take the container away, whatever its state; its root file system stays."""
        self._run("rm", "--force", "--time", "0", "--ignore", name)

    def root(self, name: str) -> Path:
        """The `/` that the processes of a running container see."""
        pid = self._run("inspect", "--format", "{{.State.Pid}}", name).strip()
        return Path("/proc") / pid / "root"

    def execute(self, name: str, *words: str) -> str:
        """Run a command inside."""
        return self._run("exec", name, *words)

    def name_disk(self, name: str, device: str, identity: str) -> None:
        """Let a running server find a volume that has just come.

        By programs inside: a path through `/proc/PID/root` would follow links of the guest.
        """
        self.execute(name, "mkdir", "-p", _BY_ID)
        self.execute(name, "ln", "-sfn", f"../../{device[5:]}", disk_link(identity))

    def forget_disk(self, name: str, identity: str) -> None:
        """Take that name away again."""
        self.execute(name, "rm", "-f", disk_link(identity))

    def state(self, name: str) -> str:
        """`running`, `paused`, `exited`, `created`; empty where there is no such container."""
        for item in self.all():
            if item["Names"] == [name]:
                return str(item["State"])
        return ""

    def all(self) -> list[dict[str, Any]]:
        """Every container with its names, state and labels."""
        return list(json.loads(self._run("ps", "--all", "--format", "json") or "[]") or [])

    def console(self, name: str) -> Path:
        """The file that holds what a container wrote to its console."""
        return self.folder / "console" / f"{name}.log"

    def console_text(self, name: str) -> bytes:
        """The last 256 KiB of the console, as the server wrote them."""
        path = self.console(name)
        if not path.exists():
            return b""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _CONSOLE_BYTES))
            return b"".join(_spoken(file.read()))

    def _run(self, *words: str) -> str:
        place = ("--root", str(self.folder / "storage"), "--runroot", str(self.folder / "run"))
        how = ("--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "none")
        return run("podman", *place, *how, *words)


def _spoken(log: bytes) -> Iterator[bytes]:
    """What stands in lines `TIME STREAM P|F TEXT`, where P continues in the next line."""
    for line in log.splitlines():
        parts = line.split(b" ", 3)
        if len(parts) == 4:
            yield parts[3] + (b"\n" if parts[2] == b"F" else b"")


def show_disk(root: Path, loop: str, device: str) -> None:
    """Make a block device visible in a running server; `root` is its `/`."""
    node = root / device.lstrip("/")
    node.unlink(missing_ok=True)
    os.mknod(node, stat.S_IFBLK | 0o600, Path(loop).stat().st_rdev)


def hide_disk(root: Path, device: str) -> None:
    """Take it away again."""
    (root / device.lstrip("/")).unlink(missing_ok=True)


def disk_link(identity: str) -> str:
    """The name by which a server finds a volume, as guests of libvirt do: it carries the first 20
    characters of the volume's id."""
    return f"{_BY_ID}/virtio-{identity[:20]}"


def name_disks(root: Path, disks: Mapping[str, str]) -> None:
    """Let a server find its volumes (device → volume id) when it boots.

    systemd makes the links from a file for systemd-tmpfiles, before it mounts what stands in fstab.
    """
    lines = [f"d {_BY_ID} 0755 root root -"]
    for device, identity in disks.items():
        lines.append(f"L+ {disk_link(identity)} - - - - ../../{device[5:]}")
    path = root / "etc" / "tmpfiles.d" / "kraj-disks.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
