"""A folder as a bucket, laid out as Pulumi's own file backend does (`file://<folder>`).

Every write is a new file that is synced and renamed. Writes that expect something are one at a time
among processes and machines that share the folder, by a lock on a guard file of each key; the
guards, `.pulumi/kraj/guards/`, are none of Pulumi's files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from kraj.engine.errors import STATE_NOT_WRITTEN, STATE_UNREADABLE
from kraj.engine.local.buckets.base import ABSENT, Blob, changed_meanwhile, tag_of
from kraj.errors import ErrorCode, KrajError
from kraj.files import write_atomically

_GUARDS: Final = ".pulumi/kraj/guards"
#: Pulumi's file backend keeps the attributes of a blob in a file beside it.
_ATTRIBUTES: Final = ".attrs"
#: A file that is being written, or was when its writer was killed.
_UNFINISHED: Final = re.compile(r"\..+\.[a-z0-9_]{8}")


class FileBucket:
    """The files below a folder. Implements `kraj.engine.local.buckets.base.Bucket`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    @property
    def url(self) -> str:
        return f"file://{self._folder}"

    @property
    def folder(self) -> Path | None:
        return self._folder

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    def read(self, key: str) -> Blob | None:
        path = self._folder / key
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(STATE_UNREADABLE, "read", path, error) from error
        return Blob(data, tag_of(data))

    def write(self, key: str, data: bytes, *, expect: str | None = None) -> str:
        path = self._folder / key
        if expect is None:
            write_privately(path, data)
        else:
            with self._one_at_a_time(key):
                there = self._tag(key)
                if there not in (expect, tag_of(data)):
                    raise changed_meanwhile(str(path))
                write_privately(path, data)
        return tag_of(data)

    def delete(self, key: str, *, expect: str | None = None) -> None:
        if expect is None:
            self._delete(key)
            return
        with self._one_at_a_time(key):
            if self._tag(key) == expect:
                self._delete(key)

    def list(self, prefix: str) -> list[str]:
        start = self._folder / prefix.rpartition("/")[0]
        found = []
        try:
            for folder, _folders, names in os.walk(start, onerror=_refuse_unreadable):
                place = Path(folder).relative_to(self._folder)
                found += [
                    str(place / name)
                    for name in names
                    if not name.endswith(_ATTRIBUTES) and not _UNFINISHED.fullmatch(name)
                ]
        except OSError as error:
            raise _failed(STATE_UNREADABLE, "list", start, error) from error
        return sorted(key for key in found if key.startswith(prefix))

    def _tag(self, key: str) -> str:
        blob = self.read(key)
        return ABSENT if blob is None else blob.tag

    def _delete(self, key: str) -> None:
        path = self._folder / key
        try:
            path.unlink(missing_ok=True)
            path.with_name(path.name + _ATTRIBUTES).unlink(missing_ok=True)
        except OSError as error:
            raise _failed(STATE_NOT_WRITTEN, "delete", path, error) from error

    @contextlib.contextmanager
    def _one_at_a_time(self, key: str) -> Iterator[None]:
        """Compare and write as one act."""
        guard = self._folder / _GUARDS / key.replace("/", "%")
        try:
            guard.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(guard, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _failed(STATE_NOT_WRITTEN, "write", guard, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def write_privately(path: Path, data: bytes) -> None:
    """Replace a file as a whole, for its owner alone. Raises KRJ308; the old file is untouched."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path, data, mode=0o600)
    except OSError as error:
        raise _failed(STATE_NOT_WRITTEN, "write", path, error) from error


def _refuse_unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _failed(code: ErrorCode, action: str, path: Path, error: OSError) -> KrajError:
    return KrajError(code, f"cannot {action} {path}: {error.strerror or error}")
