"""What a file system refuses, told as an error of the lab: no room, or somebody else's folder."""

from __future__ import annotations

import contextlib
import errno
import getpass
import shutil
from collections.abc import Iterator
from pathlib import Path

from kraj.errors import KrajError
from kraj.lab.errors import NO_ROOM, UNSUPPORTED

GIB = 1024**3

#: A new lab takes 0.7 GiB, with the installer's cache on the same file system 1.7 GiB.
NEW_LAB_BYTES = 2 * GIB
#: What a start writes to logs, tables and configuration, with room for work in the lab.
START_BYTES = GIB // 4

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


@contextlib.contextmanager
def told_plainly(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into KRJ515 (full) and KRJ509 (not ours)."""
    try:
        yield
    except OSError as error:
        place = error.filename or folder
        if error.errno in _FULL:
            raise KrajError(NO_ROOM, f"no room for {place}", causes=(str(error),)) from error
        if error.errno in _DENIED:
            raise KrajError(
                UNSUPPORTED,
                f"{getpass.getuser()} cannot use {place}",
                hint="Name a folder of your own: --state FOLDER or KRAJ_LAB_DIR=FOLDER.",
                causes=(str(error),),
            ) from error
        raise


def check_room(folder: Path, wanted: int) -> None:
    """Raise KRJ515 where the folder's file system has less than so many bytes free."""
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise KrajError(
            NO_ROOM,
            f"{free / GIB:.1f} GiB are free in {folder}; the lab needs {wanted / GIB:.2g} GiB",
        )
