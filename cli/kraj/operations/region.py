"""From a region's folder to its plan: read files, learn the cloud, allocate, build documents."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from kraj.engine.base import Engine
from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.buckets.places import STATE_URL, open_bucket
from kraj.engine.select import choose_engine
from kraj.errors import KrajError, KrajErrors, Location
from kraj.files import write_atomically
from kraj.model.loader import RegionFiles, load_region
from kraj.model.region import Region
from kraj.model.sources import display
from kraj.operations.clouds import CloudAccess, open_cloud
from kraj.operations.errors import LEDGER_OUT_OF_DATE
from kraj.operations.project import Project, find_project, find_region
from kraj.planning.addresses import Ledger
from kraj.planning.build import RegionPlan, plan_region
from kraj.planning.errors import LEDGER_CONFLICT
from kraj.planning.ledger import ledger_from_text, ledger_to_text, locate_entry

LEDGER_FILE = "addresses.yaml"
_SHOWN_ENTRIES = 5


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
    #: Where states are kept by KRAJ_STATE_URL or region.yaml; None: in files below `state_dir`.
    bucket: Bucket | None = None

    @property
    def name(self) -> str:
        return self.files.region.name


def read_region(region: str | None) -> tuple[Project, Path, RegionFiles]:
    """Read and check a region's files. Raises KrajErrors with everything that is wrong in them."""
    project = find_project()
    folder = find_region(project, region)
    return project, folder, load_region(folder, project.roles)


def plan_region_files(
    region: str | None,
    cloud: str | None,
    *,
    locked: bool,
    check_ledger: bool = True,
    may_exceed: bool = False,
) -> PlannedRegion:
    """Read, sign in, allocate and plan. Writes the address ledger where it changes.

    With `locked` nothing is written, and KRJ708 is raised where the ledger would change, unless
    `check_ledger` is off; with `may_exceed` orders may be too large (both for commands that only
    look). Raises KRJ1xx, KRJ2xx, KRJ4xx.
    """
    project = find_project()
    folder = find_region(project, region)
    use_lab_images(project)
    files = load_region(folder, project.roles)
    name = cloud or files.region.clouds[0].name
    ledger_file = folder / LEDGER_FILE
    text, shown = ledger_text(folder)
    ledger = ledger_from_text(text, shown)
    access = open_cloud(project, name)
    try:
        plan = plan_region(files, ledger, access.cloud, may_exceed=may_exceed)
    except KrajErrors as errors:
        for error in errors.errors:
            if error.code is LEDGER_CONFLICT:
                error.location = locate_entry(text, shown, error.details["entry"])
        raise
    planned_text = ledger_to_text(plan.ledger)
    written = None
    if planned_text != text and not locked:
        write_atomically(ledger_file, planned_text)
        written = ledger_file
    elif planned_text != text and check_ledger:
        raise _out_of_date(plan.ledger, ledger, Location(shown))
    state_dir = project.region_state(files.region.name)
    bucket = state_bucket(folder, files.region)
    return PlannedRegion(project, folder, files, access, plan, state_dir, written, bucket)


def ledger_text(folder: Path) -> tuple[str, str]:
    """The recorded ledger, empty where there is none yet, and what its file is called."""
    file = folder / LEDGER_FILE
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return text, display(file)


def _out_of_date(planned: Ledger, recorded: Ledger, place: Location) -> KrajError:
    """KRJ708 with the slugs and codes whose entries would change."""
    sections = ((planned.tenants, recorded.tenants), (planned.released, recorded.released))
    names = [
        f"{item.name} ({code})"
        for new, old in sections
        for code, item in new.items()
        if old.get(code) != item
    ]
    names += ["the centre"] if planned.centre != recorded.centre else []
    shown = ", ".join(names[:_SHOWN_ENTRIES]) or "its text"
    more = f" and {len(names) - _SHOWN_ENTRIES} more" if len(names) > _SHOWN_ENTRIES else ""
    return KrajError(
        LEDGER_OUT_OF_DATE, f"the recorded addresses would change: {shown}{more}", place
    )


def pick_engine(planned: PlannedRegion, requested: str | None) -> tuple[Engine, str]:
    """The engine to use and why it was chosen."""
    backups = planned.files.region.state_backups
    return choose_engine(requested, planned.state_dir, planned.bucket, backups=backups)


def state_bucket(folder: Path, region: Region) -> Bucket | None:
    """The place that KRAJ_STATE_URL or else `region.yaml` names; None where neither does.

    Raises KRJ320 for a URL that is of no use. Nothing is connected to.
    """
    named = os.environ.get(STATE_URL)
    if named:
        return open_bucket(named)
    if region.state is None or region.state.url is None:
        return None
    try:
        return open_bucket(region.state.url)
    except KrajError as error:
        error.location = Location(display(folder / "region.yaml"))
        raise


def use_lab_images(project: Project) -> None:
    """Let a region that takes its images from `KRAJ_IMAGE_MIRROR` find the lab's own."""
    images = project.lab / "images"
    if images.is_dir():
        os.environ.setdefault("KRAJ_IMAGE_MIRROR", str(images))
