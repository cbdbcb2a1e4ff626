"""Disks of servers: files with bytes, shown to a server as block devices.

A volume is a sparse file; a loop device makes a block device of it. The root disk of a server (a
volume, or a copy of its image) is a file system without partitions, mounted for as long as the
server is there. Every function can be called again.
"""

from __future__ import annotations

import os
from pathlib import Path

from kraj_lab_drivers.hosts.shell import read, run

_CORRECTED = 1  #: exit code of e2fsck: errors were there and are mended


def make(path: Path, gib: int) -> None:
    """An empty disk; takes space only where something is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.truncate(gib << 30)


def copy(source: Path, target: Path, gib: int) -> None:
    """A disk with what another holds, at least as large, holes left out."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    run("cp", "--sparse=always", "--reflink=auto", str(source), str(partial), seconds=600)
    size = max(gib << 30, partial.stat().st_size)
    os.truncate(partial, size)
    partial.replace(target)


def loop_of(path: Path) -> str:
    """The loop device of a disk; empty where it has none."""
    found = read("losetup", "--json", "--list", "--associated", str(path))
    devices = found["loopdevices"] if found else []
    return str(devices[0]["name"]) if devices else ""


def attach(path: Path) -> str:
    """The loop device of a disk, made where it has none."""
    return loop_of(path) or run("losetup", "--find", "--show", str(path)).strip()


def grow(path: Path, gib: int) -> None:
    """Enlarge a disk, and its device where it is in use."""
    os.truncate(path, gib << 30)
    device = loop_of(path)
    if device:
        run("losetup", "--set-capacity", device)


def detach(path: Path) -> None:
    """Give the loop device back."""
    device = loop_of(path)
    if device:
        run("losetup", "--detach", device)


def mount(path: Path, where: Path) -> None:
    """Mount a disk's file system, checked, and grown to the disk's size.

    Both before it is mounted: growing a mounted one wants CAP_SYS_RESOURCE, which root of a
    container or of a small virtual machine may lack.
    """
    where.mkdir(parents=True, exist_ok=True)
    if where.is_mount():
        return
    device = attach(path)
    run("e2fsck", "-f", "-p", device, good=(0, _CORRECTED))
    run("resize2fs", device)
    run("mount", device, str(where))


def unmount(path: Path, where: Path) -> None:
    """Unmount a disk and give its device back."""
    if where.is_mount():
        run("umount", str(where))
    detach(path)
