"""Takes out of a tree what belongs to one machine alone, so that every server makes its own.

Keys and identities (two servers with one host key could speak for each other), what a build leaves
behind, and times: no file is younger than the archive's state, so that builds can be compared.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from kraj.images.machine import CACHE, LENT

#: Removed, whatever it is: patterns below the root, and why.
_REMOVED: Final = (
    # Keys and identities.
    "etc/ssh/ssh_host_*_key", "etc/ssh/ssh_host_*_key.pub",
    "var/lib/dbus/machine-id", "var/lib/systemd/random-seed", "var/lib/systemd/credential.secret",
    "root/.ssh", "root/.bash_history", "root/.ansible", "home/*/.ansible",
    # Of the build machine: cloud-init and systemd write these on the server.
    "etc/resolv.conf", "etc/hostname", LENT.lstrip("/"), CACHE.lstrip("/"),
    "etc/apt/apt.conf.d/99kraj-build",
    "var/lib/cloud/*", "run/*", "tmp/*", "tmp/.*", "var/tmp/*", "var/tmp/.*",
    # Caches: they are made anew, and the next build would find others.
    "var/lib/apt/lists/*", "var/cache/apt/*", "var/cache/debconf/*-old", "var/cache/ldconfig/*",
    "var/lib/dpkg/*-old", "var/cache/man/*", "root/.cache", "root/.npm",
    # Copies that tools keep of what they change.
    "etc/passwd-", "etc/group-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-",
    # What the first start would take for things of its own past.
    "etc/.updated", "var/.updated", "var/lib/systemd/timers/*", "var/lib/systemd/timesync/*",
    "var/lib/systemd/deb-systemd-helper-masked/*.old", "var/lib/private/systemd/timesync/*",
)  # fmt: skip
#: Folders whose files go; the folders stay, because services expect them with their owners.
_EMPTIED: Final = ("var/log",)
_EMPTY_FILES: Final = (
    # Empty, so that every server makes its own: machine-id(5).
    "etc/machine-id",
)


def seal(tree: Path, epoch: int) -> None:
    """Make a stopped machine's tree ready to be given to many. Can be run again."""
    for pattern in _REMOVED:
        for path in tree.glob(pattern):
            if path.name not in (".", ".."):
                _remove(path)
    for name in _EMPTIED:
        for path in list(_files_below(tree / name)):
            path.unlink()
    for name in _EMPTY_FILES:
        (tree / name).write_bytes(b"")
    _cap_times(tree, epoch)


def leftovers(tree: Path) -> list[str]:
    """What sealing would still remove: empty for a sealed tree."""
    found = [path for pattern in _REMOVED for path in tree.glob(pattern)]
    found += [path for name in _EMPTIED for path in _files_below(tree / name)]
    found += [tree / n for n in _EMPTY_FILES if (tree / n).exists() and (tree / n).stat().st_size]
    return sorted(str(path.relative_to(tree)) for path in found)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _files_below(folder: Path) -> Iterator[Path]:
    for place, _folders, names in os.walk(folder):
        for name in names:
            yield Path(place) / name


def _cap_times(tree: Path, epoch: int) -> None:
    """Give everything that is younger than the archive's state the time of that state."""
    moment = epoch * 10**9
    for place, folders, names in os.walk(tree, topdown=False):
        for name in (*names, *folders):
            path = Path(place) / name
            found = path.lstat()
            if found.st_mtime_ns > moment and not stat.S_ISSOCK(found.st_mode):
                os.utime(path, ns=(moment, moment), follow_symlinks=False)
    os.utime(tree, ns=(moment, moment))
