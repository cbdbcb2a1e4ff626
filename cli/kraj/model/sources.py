"""Which file says what, and where in it: the way back from a model to `file:line:column`.

Files are read again when a place is asked for, so that thousands of good files cost no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kraj.errors import KrajError, KrajErrors, Location
from kraj.model.yaml_files import PathPart, read_document

REGION_FILE = "region.yaml"
TENANTS_FOLDER = "tenants"
CARD_FILE = "service.yaml"

Kind = Literal["region", "tenant", "service"]


@dataclass(frozen=True, slots=True)
class Sources:
    """The folders of a region and of the catalogue of services."""

    folder: Path
    roles: Path

    def path_of(self, kind: Kind, name: str = "") -> Path:
        """The file that says what a region, tenant (by slug) or service (by name) is."""
        if kind == "region":
            return self.folder / REGION_FILE
        if kind == "tenant":
            return self.folder / TENANTS_FOLDER / f"{name}.yaml"
        return self.roles / name / CARD_FILE

    def locate(
        self, kind: Kind, name: str = "", path: Sequence[PathPart] = (), *, key: bool = False
    ) -> Location:
        """Place of a value, for example `locate("tenant", "liberec", ("services", 0, "size"))`.

        The place of the nearest part that is written where the value is a default, of the key with
        `key`; the whole file where it can no longer be read.
        """
        file = self.path_of(kind, name)
        try:
            return read_document(file, display(file)).locate(path, key=key)
        except (KrajError, KrajErrors):
            return Location(display(file))


def display(path: Path) -> str:
    """A path as people see it: relative to the current folder where it is below it."""
    absolute = path.absolute()
    try:
        return str(absolute.relative_to(Path.cwd()))
    except ValueError:
        return str(absolute)
