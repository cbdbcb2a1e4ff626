"""Changes of a region's files, tried on a copy before one of them is written."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kraj.errors import KrajError, KrajErrors, Location
from kraj.model.loader import RegionFiles, load_region
from kraj.model.sources import display


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file before and after."""

    path: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """A unified diff with the file's name as people see it."""
        name = display(self.path)
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), name, name
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


@contextmanager
def changed_region(
    folder: Path, roles: Path, changes: Sequence[FileChange]
) -> Iterator[RegionFiles]:
    """The region with the changes, read and checked as a whole.

    Raises KrajErrors, also those of the block, with the places in the real files.
    """
    home = folder.absolute()
    with tempfile.TemporaryDirectory(prefix="kraj-") as temporary:
        copy = Path(temporary) / home.name
        shutil.copytree(home, copy)
        for change in changes:
            target = copy / change.path.absolute().relative_to(home)
            target.write_bytes(change.after.encode())
        try:
            yield load_region(copy, roles)
        except KrajErrors as errors:
            raise KrajErrors(_at_home(error, copy, home) for error in errors.errors) from errors


def _at_home(error: KrajError, copy: Path, home: Path) -> KrajError:
    place = error.location
    if place is not None and Path(place.file).is_relative_to(copy):
        real = display(home / Path(place.file).relative_to(copy))
        error.location = Location(real, place.line, place.column)
    return error
