"""Room on the disk that a run keeps for its last write of the state.

A step may have made something in the cloud when the disk is found full. What it made must get into
the state all the same, or the next run makes it again: a run holds a file that it can give up then.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from kraj.engine.errors import STATE_NOT_WRITTEN
from kraj.errors import KrajError

#: Beyond the state as it is: for the outputs of all steps that are under way at one time.
_MARGIN_BYTES: Final = 64 * 1024


class Spare:
    """A file of zeros that grows with the state. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = 0

    def hold(self, state_bytes: int) -> None:
        """Have room for a state of that size. Raises KRJ308 where there is none."""
        needed = state_bytes + _MARGIN_BYTES
        if self._size >= needed:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._path.open("wb") as file:
                file.write(bytes(needed + state_bytes))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            message = f"cannot keep room at {self._path}: {error.strerror or error}"
            raise KrajError(STATE_NOT_WRITTEN, message) from error
        self._size = needed + state_bytes

    def give_up(self) -> None:
        """Free the room."""
        self._size = 0
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
