"""Fresh Debian machines for tests of roles: containers with systemd, made in a second each.

All share one root file system, built once by mmdebstrap and kept in the checkout's `.kraj`; a
machine writes into a layer of its own above it. Containers, storage and network are the checkout's
own: nothing of another podman is touched. What a killed run leaves behind, the next one removes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from pathlib import Path

import psutil
import pytest

from kraj.images.tools import podman_run_folder

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".kraj" / "roles"
BOOT_SECONDS = 180.0
#: Debian package → a program of it.
NEEDED = {
    "podman": "/usr/bin/podman",
    "runc": "/usr/sbin/runc",
    "netavark": "/usr/lib/podman/netavark",
    "iptables": "/usr/sbin/iptables",
    "mmdebstrap": "/usr/bin/mmdebstrap",
    "openssh-client": "/usr/bin/ssh",
}
#: The login of a fresh machine, which may do everything by sudo, as in Debian's cloud images.
USER = "debian"
#: See `kraj_lab_drivers.hosts.guests` for why each option stands there.
_CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "AUDIT_WRITE", "MKNOD")
_LOOP_MAJOR = 7
#: Bit of CAP_SYS_RESOURCE (linux/capability.h): the kernel asks for it when a file system grows.
_SYS_RESOURCE = 24


def may_grow_file_systems() -> bool:
    """Whether this machine, which may be a container itself, can let its containers do that."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    bounding = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    return bool(int(bounding.split()[1], 16) >> _SYS_RESOURCE & 1)


def _capabilities() -> Iterator[str]:
    yield from _CAPABILITIES
    if may_grow_file_systems():
        yield "SYS_RESOURCE"


def run(*words: str | Path, check: bool = True) -> str:
    """Standard output of a command; its own words where it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        pytest.fail(f"{' '.join(map(str, words))}: {done.stderr.strip()}", pytrace=False)
    return done.stdout


def podman(*words: str | Path, check: bool = True) -> str:
    """Podman with files of its own in the checkout."""
    place: list[str | Path] = ["--root", FOLDER / "storage"]
    place += ["--runroot", podman_run_folder(FOLDER)]
    place += ["--network-config-dir", FOLDER / "networks", "--tmpdir", FOLDER / "tmp"]
    how = ("--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "none")
    return run("podman", *place, *how, *words, check=check)


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """One process of the checkout at a time; others wait."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def missing() -> str:
    """Why machines cannot be made here; empty where they can."""
    if os.geteuid() != 0:
        return "needs root"
    absent = [package for package, program in NEEDED.items() if not Path(program).exists()]
    return f"not installed: {', '.join(absent)}" if absent else ""


def network() -> IPv4Network:
    """The checkout's network: its addresses follow from its path, so that two do not meet."""
    mark = hashlib.sha256(str(FOLDER).encode()).digest()
    addresses = ip_network(f"10.{130 + mark[0] % 60}.{mark[1]}.0/24")
    wish = {
        "name": "kraj",
        "id": mark.hex(),
        "driver": "bridge",
        "network_interface": f"kraj-{mark.hex()[:6]}",
        "created": "2026-01-01T00:00:00Z",
        "subnets": [{"subnet": str(addresses), "gateway": str(addresses[1])}],
        "ipv6_enabled": False,
        "internal": False,
        "dns_enabled": False,
        "ipam_options": {"driver": "host-local"},
    }
    file = FOLDER / "networks" / "kraj.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(wish))
    assert isinstance(addresses, IPv4Network)
    return addresses


@dataclass
class Machine:
    """A container with its root file system, address and disks."""

    name: str
    address: str
    disks: Mapping[str, str] = field(default_factory=dict)  #: `vdb` → loop device

    @property
    def folder(self) -> Path:
        return FOLDER / "machines" / self.name

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def start(self) -> None:
        """Boot, and wait until systemd has started everything."""
        podman("start", self.name)
        deadline = time.monotonic() + BOOT_SECONDS
        state = ""
        while state not in ("running", "degraded"):
            if time.monotonic() > deadline:
                pytest.fail(f"{self.name} is not up after {BOOT_SECONDS:.0f} s: {state or '?'}")
            time.sleep(0.3)
            state = self.execute("systemctl", "is-system-running", check=False).strip()

    def stop(self) -> None:
        podman("stop", "--time", "30", self.name)

    def execute(self, *words: str, check: bool = True) -> str:
        """Run a command inside, past SSH."""
        return podman("exec", self.name, *words, check=check)

    def grow_disk(self, name: str, mib: int) -> None:
        """Make a disk larger while it is used, as Cinder does."""
        with (self.folder / f"{name}.raw").open("r+b") as file:
            file.truncate(mib << 20)
        run("losetup", "--set-capacity", self.disks[name])

    def remove(self) -> None:
        podman("rm", "--force", "--time", "0", "--ignore", self.name)
        _discard(self.folder)


def create(
    name: str, base: Path, public_key: str, memory_mib: int, disks_mib: Mapping[str, int]
) -> Machine:
    """Make a machine that has never run; its disks are empty."""
    with alone("machines"):
        addresses = network()
        taken = {item["Labels"]["address"] for item in _containers()}
        address = next(str(a) for a in list(addresses)[2:-1] if str(a) not in taken)
        machine = Machine(name, address)
        _make_root(machine, base, public_key)
        machine.disks = {disk: _make_disk(machine, disk, mib) for disk, mib in disks_mib.items()}
        devices = [f"--device={loop}:/dev/{disk}" for disk, loop in machine.disks.items()]
        owner = psutil.Process()
        podman(
            "create", "--name", name, "--hostname", name, "--tty", "--systemd", "always",
            "--network", "kraj", "--ip", address, "--mac-address", _hardware_address(address),
            "--dns", "none", "--no-hosts",
            "--memory", f"{memory_mib}m", "--label", f"address={address}",
            "--label", f"owner={owner.pid} {owner.create_time()}",
            "--ulimit", "nofile=20000:20000", "--ulimit", "nproc=4096:4096",
            "--security-opt", "seccomp=unconfined",
            "--device-cgroup-rule", f"b {_LOOP_MAJOR}:* rmw",
            *(f"--cap-add={capability}" for capability in _capabilities()), *devices,
            "--rootfs", machine.root, "/lib/systemd/systemd",
        )  # fmt: skip
    return machine


def _hardware_address(address: str) -> str:
    """Ever the same for an address: neighbours remember the pair beyond a reboot."""
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def _make_root(machine: Machine, base: Path, public_key: str) -> None:
    """The machine's own layer above the base, with its host key and its first login."""
    for part in ("upper", "work", "root"):
        (machine.folder / part).mkdir(parents=True)
    layers = f"lowerdir={base},upperdir={machine.folder}/upper,workdir={machine.folder}/work"
    run("mount", "-t", "overlay", "-o", layers, "overlay", machine.root)
    host_key = machine.root / "etc/ssh/ssh_host_ed25519_key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", machine.name, "-f", host_key)
    ssh = machine.root / "home" / USER / ".ssh"
    ssh.mkdir(mode=0o700)
    (ssh / "authorized_keys").write_text(public_key)
    home = ssh.parent.stat()
    for path in (ssh, ssh / "authorized_keys"):
        os.chown(path, home.st_uid, home.st_gid)
    (machine.root / "etc/hosts").write_text(
        f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
        f"{machine.address} {machine.name}\n"
    )
    resolver = machine.root / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    shutil.copyfile("/etc/resolv.conf", resolver)


def _make_disk(machine: Machine, name: str, mib: int) -> str:
    image = machine.folder / f"{name}.raw"
    with image.open("wb") as file:
        file.truncate(mib << 20)
    return run("losetup", "--find", "--show", image).strip()


def remove_leftovers() -> None:
    """Remove machines whose test run has ended without removing them."""
    with alone("machines"):
        kept = set()
        for item in _containers():
            pid, started = item["Labels"]["owner"].split()
            with contextlib.suppress(psutil.NoSuchProcess):
                if psutil.Process(int(pid)).create_time() == float(started):
                    kept.add(item["Names"][0])
                    continue
            podman("rm", "--force", "--time", "0", "--ignore", item["Names"][0])
        folders = (FOLDER / "machines").glob("*")
        for folder in [folder for folder in folders if folder.name not in kept]:
            _discard(folder)


def _containers() -> Sequence[Mapping[str, object]]:
    return json.loads(podman("ps", "--all", "--format", "json") or "[]") or []


def _discard(folder: Path) -> None:
    """Unmount a machine's files, give its disks back and delete everything."""
    if os.path.ismount(folder / "root"):
        run("umount", folder / "root")
    for image in folder.glob("*.raw"):
        for line in run("losetup", "--noheadings", "--output", "NAME", "-j", image).split():
            run("losetup", "--detach", line)
    shutil.rmtree(folder, ignore_errors=True)
