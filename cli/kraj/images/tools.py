"""Runs the machine's own programs for a build, and says which of them are missing."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from kraj.errors import KrajError
from kraj.images.errors import IMAGES_IMPOSSIBLE, STEP_FAILED

#: What building needs: package of Debian → its program.
PROGRAMS: Final = {
    "mmdebstrap": "/usr/bin/mmdebstrap",
    "podman": "/usr/bin/podman",
    "runc": "/usr/sbin/runc",
    "netavark": "/usr/lib/podman/netavark",
    "iptables": "/usr/sbin/iptables",
    "openssh-client": "/usr/bin/ssh",
    "e2fsprogs": "/usr/sbin/mke2fs",
    "qemu-utils": "/usr/bin/qemu-img",
}
PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
_LAST_LINES: Final = 10


def check_machine(also: Mapping[str, str] | None = None) -> None:
    """Raise KRJ800 where images cannot be built, with what to install; `also` are more programs."""
    if platform.system() != "Linux":
        raise KrajError(IMAGES_IMPOSSIBLE, f"images are built on Linux, not {platform.system()}")
    if os.geteuid() != 0:
        raise KrajError(IMAGES_IMPOSSIBLE, "only root may make the files of an image")
    wanted = {**PROGRAMS, **(also or {})}
    absent = missing(wanted)
    if absent:
        raise KrajError(
            IMAGES_IMPOSSIBLE,
            f"not installed: {', '.join(absent)}",
            hint=f"apt-get install --no-install-recommends {' '.join(absent)}",
        )


def missing(programs: Mapping[str, str]) -> list[str]:
    """Packages of Debian that are not installed, of those with a program or file each."""
    return [package for package, program in programs.items() if not Path(program).exists()]


def podman_run_folder(folder: Path) -> Path:
    """Where podman keeps what is true until the next boot, for files of its own in that folder.

    Podman takes no path of more than 50 characters here, wherever the project is.
    """
    return Path("/run") / f"kraj-{hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]}"


def run(words: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Standard output of a program. Raises KRJ805 with its last lines where it fails."""
    done = subprocess.run(
        list(words),
        env={"PATH": PATH, "LC_ALL": "C.UTF-8", **proxies(), **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise KrajError(
            STEP_FAILED,
            f"{Path(words[0]).name} ended with {done.returncode}",
            causes=tuple(lines[-_LAST_LINES:]),
        )
    return done.stdout


def proxies() -> dict[str, str]:
    """The variables of this process that name a proxy."""
    return {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
