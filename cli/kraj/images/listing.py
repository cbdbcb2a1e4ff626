"""The content of a tree as a list with one digest: what two builds are compared by."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def listing(tree: Path) -> Iterator[str]:
    """One line per file: path, mode, owner, group, time, and its content's digest or target."""
    for place, folders, names in os.walk(tree):
        folders.sort()
        for name in sorted([*names, *folders]):
            path = Path(place) / name
            yield _line(path, str(path.relative_to(tree)))


def digest_of_listing(lines: Iterator[str]) -> str:
    digest = hashlib.sha256()
    for line in lines:
        digest.update(f"{line}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _line(path: Path, shown: str) -> str:
    found = path.lstat()
    content = "-"
    if stat.S_ISREG(found.st_mode):
        content = _digest_of_file(path)
    elif stat.S_ISLNK(found.st_mode):
        content = str(path.readlink())
    elif stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode):
        content = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    owner = f"{found.st_uid}:{found.st_gid}"
    return f"{shown}\t{found.st_mode:o}\t{owner}\t{int(found.st_mtime)}\t{content}"


def _digest_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
