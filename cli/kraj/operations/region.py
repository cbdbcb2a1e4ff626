"""From a region's folder to its plan: read files, learn the cloud, allocate, build documents."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from kraj.engine.base import Engine
from kraj.engine.select import choose_engine
from kraj.errors import KrajError
from kraj.files import write_atomically
from kraj.model.loader import RegionFiles, load_region
from kraj.operations.clouds import CloudAccess, open_cloud
from kraj.operations.errors import LEDGER_OUT_OF_DATE
from kraj.operations.project import Project, find_project, find_region
from kraj.planning.build import RegionPlan, plan_region
from kraj.planning.ledger import ledger_from_text, ledger_to_text

LEDGER_FILE = "addresses.yaml"


@dataclass(frozen=True, slots=True)
class PlannedRegion:
    """A region, read and planned for one cloud."""

    project: Project
    folder: Path
    files: RegionFiles
    access: CloudAccess
    plan: RegionPlan
    state_dir: Path
    ledger_file_written: Path | None

    @property
    def name(self) -> str:
        return self.files.region.name


def read_region(region: str | None) -> tuple[Project, Path, RegionFiles]:
    """Read and check a region's files. Raises KrajErrors with everything that is wrong in them."""
    project = find_project()
    folder = find_region(project, region)
    return project, folder, load_region(folder, project.roles)


def plan_region_files(
    region: str | None, cloud: str | None, *, locked: bool, check_ledger: bool = True
) -> PlannedRegion:
    """Read, sign in, allocate and plan. Writes the address ledger where it changes.

    With `locked` nothing is written, and KRJ708 is raised where the ledger would change, unless
    `check_ledger` is off (for commands that only look). Raises KRJ1xx, KRJ2xx, KRJ4xx.
    """
    project = find_project()
    folder = find_region(project, region)
    use_lab_images(project)
    files = load_region(folder, project.roles)
    name = cloud or files.region.clouds[0].name
    ledger_file = folder / LEDGER_FILE
    text = ledger_file.read_text(encoding="utf-8") if ledger_file.is_file() else ""
    ledger = ledger_from_text(text, str(ledger_file))
    access = open_cloud(project, name)
    plan = plan_region(files, ledger, access.cloud)
    planned_text = ledger_to_text(plan.ledger)
    written = None
    if planned_text != text and not locked:
        write_atomically(ledger_file, planned_text)
        written = ledger_file
    elif planned_text != text and check_ledger:
        raise KrajError(LEDGER_OUT_OF_DATE, f"{ledger_file} does not hold all allocations")
    state_dir = project.region_state(files.region.name)
    return PlannedRegion(project, folder, files, access, plan, state_dir, written)


def pick_engine(planned: PlannedRegion, requested: str | None) -> tuple[Engine, str]:
    """The engine to use and why it was chosen."""
    return choose_engine(requested, planned.state_dir)


def use_lab_images(project: Project) -> None:
    """Let a region that takes its images from `KRAJ_IMAGE_MIRROR` find the lab's own."""
    images = project.lab / "images"
    if images.is_dir():
        os.environ.setdefault("KRAJ_IMAGE_MIRROR", str(images))
