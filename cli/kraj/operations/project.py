"""Where things are: the project folder, its regions, and the state that a region's stacks keep.

A project is a folder with `inventories/`; the stack programs and the catalogue come from it where
it has `stacks/` and `roles/`, else from the installed package.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import kraj
from kraj.errors import KrajError
from kraj.operations.errors import NO_PROJECT, NO_REGION

STATE_FOLDER = ".kraj"


@dataclass(frozen=True, slots=True)
class Project:
    """The folders of one checkout (or of an empty project that uses the installed programs)."""

    root: Path

    @property
    def inventories(self) -> Path:
        return self.root / "inventories"

    @property
    def stacks(self) -> Path:
        return self._own_or_installed("stacks")

    @property
    def roles(self) -> Path:
        return self._own_or_installed("roles")

    @property
    def playbooks(self) -> Path:
        return self._own_or_installed("playbooks")

    @property
    def state(self) -> Path:
        """State of labs and regions; never in git."""
        return Path(os.environ.get("KRAJ_STATE_DIR", self.root / STATE_FOLDER)).absolute()

    @property
    def lab(self) -> Path:
        return Path(os.environ.get("KRAJ_LAB_DIR", self.state / "lab")).absolute()

    @property
    def images(self) -> Path:
        return self.state / "images"

    def region_state(self, region: str) -> Path:
        """State backend of a region's stacks (Pulumi's file backend layout)."""
        return self.state / "regions" / region

    def _own_or_installed(self, name: str) -> Path:
        own = self.root / name
        return own if own.is_dir() else Path(kraj.__file__).parent / "_project" / name


def find_project(start: Path | None = None) -> Project:
    """The project of `KRAJ_PROJECT`, else of the nearest folder upwards with `inventories/`.

    Raises KRJ706 where there is none.
    """
    named = os.environ.get("KRAJ_PROJECT")
    if named:
        start = Path(named)
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / "inventories").is_dir():
            return Project(folder)
    raise KrajError(NO_PROJECT, f"no folder inventories/ in {here} or above it")


def find_region(project: Project, name: str | None) -> Path:
    """The folder of a region, by name or path; the only one there is where none is named.

    Raises KRJ702 where the choice is not clear.
    """
    regions = sorted(path.parent for path in project.inventories.glob("*/region.yaml"))
    if name is None:
        if len(regions) == 1:
            return regions[0]
        known = ", ".join(path.name for path in regions) or "none"
        raise KrajError(NO_REGION, f"no region named, and inventories/ has: {known}")
    as_path = Path(name)
    if (as_path / "region.yaml").is_file():
        return as_path
    folder = project.inventories / name
    if (folder / "region.yaml").is_file():
        return folder
    known = ", ".join(path.name for path in regions) or "none"
    raise KrajError(NO_REGION, f"no region {name!r}; inventories/ has: {known}")
