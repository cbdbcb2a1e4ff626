"""Copies of a stack's checkpoint from before each change, with their checksums.

They stand where Pulumi's own backends keep theirs (pulumi/pulumi pkg/backend/diy/state.go):

    .pulumi/backups/<project>/<stack>/<stack>.<ns>.json          a checkpoint as it was
    .pulumi/backups/<project>/<stack>/<stack>.<ns>.json.sha256   its checksum, for `sha256sum -c`

A copy whose checksum does not fit is shown as damaged and never used.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from kraj.engine.errors import BACKUP_DAMAGED, NO_BACKUP
from kraj.engine.local.buckets.base import Bucket
from kraj.errors import KrajError

KEPT: Final = 20  #: copies per stack, where nothing else is said; older ones are deleted
_CHECKSUM: Final = ".sha256"


@dataclass(frozen=True, slots=True)
class Backup:
    """One copy."""

    name: str
    taken_at: str  #: ISO 8601, UTC
    size: int  #: bytes
    whole: bool  #: whether the checksum fits


class Backups:
    """The copies of one stack in a bucket."""

    def __init__(self, bucket: Bucket, project: str, stack: str, kept: int = KEPT) -> None:
        self._bucket = bucket
        self._kept = kept
        self._stack = stack
        self._prefix = f".pulumi/backups/{project}/{stack}/"

    def keep(self, data: bytes) -> None:
        """Keep a copy, unless the newest one is the same; the oldest beyond those that are kept go.

        Raises KRJ308.
        """
        names = self._names()
        if names and self._checksum(names[-1]) == _sha256(data):
            return
        name = f"{self._stack}.{time.time_ns()}.json"
        checksum = f"{_sha256(data)}  {name}\n"
        self._bucket.write(f"{self._prefix}{name}", data)
        self._bucket.write(f"{self._prefix}{name}{_CHECKSUM}", checksum.encode())
        for old in [*names, name][: -self._kept]:
            self._bucket.delete(f"{self._prefix}{old}")
            self._bucket.delete(f"{self._prefix}{old}{_CHECKSUM}")

    def all(self) -> list[Backup]:
        """All copies, newest first."""
        found = []
        for name in reversed(self._names()):
            blob = self._bucket.read(f"{self._prefix}{name}")
            if blob is not None:
                whole = self._checksum(name) == _sha256(blob.data)
                found.append(Backup(name, _moment(name), len(blob.data), whole))
        return found

    def read(self, name: str) -> bytes:
        """A copy's content. Raises KRJ326 where there is none, KRJ327 where it is damaged."""
        blob = self._bucket.read(f"{self._prefix}{name}") if name in self._names() else None
        if blob is None:
            raise KrajError(NO_BACKUP, f"{self._stack} has no backup {name!r}")
        if self._checksum(name) != _sha256(blob.data):
            raise KrajError(BACKUP_DAMAGED, f"the checksum of {name} does not fit its content")
        return blob.data

    def _names(self) -> list[str]:
        """Oldest first."""
        keys = [key for key in self._bucket.list(self._prefix) if key.endswith(".json")]
        return sorted((key.removeprefix(self._prefix) for key in keys), key=_nanoseconds)

    def _checksum(self, name: str) -> str:
        blob = self._bucket.read(f"{self._prefix}{name}{_CHECKSUM}")
        return blob.data.decode("ascii", "replace").partition(" ")[0] if blob else ""


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _nanoseconds(name: str) -> int:
    """Since 1970, from the name; 0 for a file of somebody else's."""
    text = name.removesuffix(".json").rpartition(".")[2]
    return int(text) if text.isdecimal() else 0


def _moment(name: str) -> str:
    seconds = _nanoseconds(name) / 1e9
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
