"""Writes a sealed tree as the files that servers boot from."""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from pathlib import Path
from typing import Final

from kraj.images.manifest import FILE_NAMES, Format, Output
from kraj.images.tools import run

_MIB: Final = 1 << 20
_CHUNK_BYTES: Final = 1 << 20
#: Room beside the files; a server's disk is larger, and the file system grows with it.
_SPARE_MIB: Final = 256
_INODE_BYTES: Final = 16384


def write_root(tree: Path, identity: str, epoch: int, folder: Path) -> Output:
    """A file system without partitions: a container needs no boot loader."""
    began = time.monotonic()
    raw = folder / "root.raw"
    make_file_system(tree, raw, identity, epoch)
    target = folder / FILE_NAMES["root"]
    convert = ["/usr/bin/qemu-img", "convert", "-W", "-m", "4", "-f", "raw", "-O", "qcow2"]
    run([*convert, str(raw), str(target)])
    raw.unlink()
    return describe("root", target, time.monotonic() - began)


def make_file_system(tree: Path, raw: Path, identity: str, epoch: int) -> None:
    """An ext4 file system labelled `root` with the tree's files, in a new file."""
    size = _mib(tree)
    with raw.open("wb") as file:
        file.truncate((size + size // 16 + _SPARE_MIB) * _MIB)
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, identity))
    run(
        [
            "/usr/sbin/mke2fs", "-q", "-t", "ext4", "-L", "root", "-i", str(_INODE_BYTES),
            "-U", name, "-E", f"hash_seed={name}", "-d", str(tree), str(raw),
        ],
        {"E2FSPROGS_FAKE_TIME": str(epoch)},
    )  # fmt: skip


def describe(kind: Format, path: Path, seconds: float) -> Output:
    """What the manifest says of a finished file."""
    shown = json.loads(run(["/usr/bin/qemu-img", "info", "--output", "json", str(path)]))
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return Output(
        file=FILE_NAMES[kind],
        size_bytes=path.stat().st_size,
        sha256=digest.hexdigest(),
        virtual_gib=-(-int(shown["virtual-size"]) // (1 << 30)),
        seconds=round(seconds, 1),
    )


def _mib(tree: Path) -> int:
    """Space that the files of a tree take, in whole blocks."""
    blocks = 0
    for folder, _names, files in os.walk(tree):
        blocks += 8 + sum((Path(folder) / name).lstat().st_blocks for name in files)
    return blocks * 512 // _MIB + 1
