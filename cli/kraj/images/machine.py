"""A running machine with systemd from a file system tree, in which roles are installed and tested.

Podman with files of its own below the images' folder, so that containers of the machine's users
are never touched. Ansible reaches it by ssh through `podman exec`, with keys made for this machine
and a host key that is known beforehand. What the build machine lends (keys, name servers,
certificates) is mounted, so that it is not in the tree afterwards.

Why each option stands there: see `kraj_lab_drivers.hosts.guests`.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kraj.errors import KrajError
from kraj.images.errors import MACHINE_FAILED
from kraj.images.store import ImageStore
from kraj.images.tools import PATH, podman_run_folder, run

#: Where the lent files are inside; sealing takes the empty folder away.
LENT: Final = "/kraj-build"
BUNDLE: Final = f"{LENT}/certificates.pem"
#: Where downloads of earlier builds are inside.
CACHE: Final = "/kraj-cache"
_OWN_BUNDLE: Final = "/etc/ssl/certs/ca-certificates.crt"
_CAPABILITIES: Final = ("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "AUDIT_WRITE", "MKNOD")
_BOOT_SECONDS: Final = 180.0
_STOP_SECONDS: Final = 60
_CONSOLE_LINES: Final = 10
_BOOTED: Final = ("running", "degraded")
_SSHD: Final = f"""\
HostKey {LENT}/host_key
AuthorizedKeysFile {LENT}/key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
"""


_APT: Final = f"""\
Acquire::https::CAInfo "{BUNDLE}";
Dir::Cache::archives "{CACHE}/apt";
APT::Sandbox::User "root";
"""


@dataclass
class Machine:
    """A container that boots the tree. Use as a context manager: it runs inside the block."""

    name: str
    tree: Path
    podman_folder: Path
    lent: Path  #: an empty folder for what the machine is lent
    cache: Path | None = None  #: for downloads; without it the machine reaches no network

    @classmethod
    def for_build(cls, name: str, tree: Path, work: Path, store: ImageStore) -> Self:
        """A machine that may use package registries; `work` takes what it is lent meanwhile."""
        return cls(name, tree, store.podman, _made(work / "lent"), _made(store.cache))

    @classmethod
    def for_test(cls, name: str, tree: Path, work: Path, store: ImageStore) -> Self:
        """A machine as in a closed network."""
        return cls(name, tree, store.podman, _made(work / "lent"))

    def __enter__(self) -> Self:
        self._lend()
        self._remove()
        try:
            self._create()
            self._podman("start", self.name)
            self._wait()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._podman("stop", "--time", str(_STOP_SECONDS), self.name)
        finally:
            self._remove()

    def execute(self, *words: str) -> str:
        """Standard output of a command inside. Raises KRJ805."""
        return self._podman("exec", self.name, *words)

    def succeeds(self, *words: str) -> bool:
        """Whether a command inside ends well."""
        return self._ask("exec", self.name, *words).returncode == 0

    def state(self) -> str:
        """systemd's word: `running` where every unit is well, else `degraded`, `starting`, …"""
        return self._ask("exec", self.name, "systemctl", "is-system-running").stdout.strip()

    def failed_units(self) -> list[str]:
        listed = self.execute("systemctl", "list-units", "--failed", "--plain", "--no-legend")
        return [line.split()[0] for line in listed.splitlines() if line.strip()]

    def ssh_options(self) -> list[str]:
        """Options of ssh that reach this machine and no other."""
        proxy = shlex.join([*self._command(), "exec", "-i", self.name, "/usr/sbin/sshd", "-i"])
        return [
            "-o", f"ProxyCommand={proxy} -f {LENT}/sshd_config",
            "-o", f"UserKnownHostsFile={self.lent / 'known_hosts'}",
            "-o", "GlobalKnownHostsFile=/dev/null",
            "-o", "StrictHostKeyChecking=yes",
            "-o", "IdentitiesOnly=yes",
            "-o", "BatchMode=yes",
            "-F", "none",
        ]  # fmt: skip

    @property
    def key(self) -> Path:
        """The private key that lets root in."""
        return self.lent / "key"

    def _lend(self) -> None:
        for name in ("key", "host_key"):
            path = self.lent / name
            if not path.exists():
                make = ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]
                run([*make, str(path)])
        host_key = (self.lent / "host_key.pub").read_text(encoding="utf-8")
        (self.lent / "known_hosts").write_text(f"{self.name} {host_key}", encoding="utf-8")
        (self.lent / "sshd_config").write_text(_SSHD, encoding="utf-8")
        # For the tree's own ssh.service, which does not start without; sealing takes them out.
        run(["/usr/bin/ssh-keygen", "-A", "-f", str(self.tree)])
        if self.cache:
            (self.cache / "apt/partial").mkdir(parents=True, exist_ok=True)
            bundle = Path(os.environ.get("SSL_CERT_FILE") or _OWN_BUNDLE)
            (self.lent / "certificates.pem").write_bytes(bundle.read_bytes())
            (self.lent / "apt.conf").write_text(_APT, encoding="utf-8")

    def _create(self) -> None:
        capabilities = (word for name in _CAPABILITIES for word in ("--cap-add", name))
        volumes = [f"{self.lent}:{LENT}:ro"]
        if self.cache:
            volumes.append(f"{self.cache}:{CACHE}")
            volumes.append(f"{self.lent / 'apt.conf'}:/etc/apt/apt.conf.d/99kraj-build:ro")
        self._podman(
            "create",
            *("--name", self.name, "--hostname", self.name, "--tty", "--systemd", "always"),
            *("--network", "podman" if self.cache else "none"),
            *("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=4096:4096"),
            *("--log-driver", "k8s-file", "--log-opt", f"path={self._console}"),
            *("--security-opt", "seccomp=unconfined"),
            *capabilities,
            *(word for volume in volumes for word in ("--volume", volume)),
            # cloud-init would set up a server that this machine is not.
            *("--rootfs", str(self.tree), "/lib/systemd/systemd", "cloud-init=disabled"),
        )

    @property
    def _console(self) -> Path:
        return self.lent.parent / "console.log"

    def _wait(self) -> None:
        deadline = time.monotonic() + _BOOT_SECONDS
        while (state := self.state()) not in _BOOTED:
            if time.monotonic() > deadline:
                raise KrajError(
                    MACHINE_FAILED,
                    f"systemd is {state or 'not there'} after {_BOOT_SECONDS:.0f} s",
                    causes=tuple(self._last_words()),
                )
            time.sleep(0.3)

    def _last_words(self) -> Sequence[str]:
        if not self._console.exists():
            return ()
        text = self._console.read_text(encoding="utf-8", errors="replace")
        return [line.split(" ", 3)[-1] for line in text.splitlines()[-_CONSOLE_LINES:]]

    def _remove(self) -> None:
        self._podman("rm", "--force", "--time", "0", "--ignore", self.name)

    def _command(self) -> list[str]:
        folder = self.podman_folder
        return [
            "/usr/bin/podman",
            *("--root", str(folder / "storage"), "--runroot", str(podman_run_folder(folder))),
            *("--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "none"),
        ]  # fmt: skip

    def _podman(self, *words: str) -> str:
        return run([*self._command(), *words])

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._command(), *words],
            env={"PATH": PATH},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
