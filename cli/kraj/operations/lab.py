"""Opens the lab of the project, or one in another folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kraj.errors import KrajError
from kraj.operations.project import STATE_FOLDER, find_project

if TYPE_CHECKING:
    from kraj.lab import Lab


def lab_folder(folder: Path | None) -> Path:
    """The folder that was named, else the project's, else one below the current folder."""
    if folder is not None:
        return folder.absolute()
    try:
        return find_project().lab
    except KrajError:
        return Path.cwd() / STATE_FOLDER / "lab"


def open_lab(
    folder: Path | None = None,
    *,
    with_services: tuple[str, ...] = (),
    port_offset: int = 0,
) -> Lab:
    """The lab with its remembered settings; what is given here is added to them."""
    # Loads the supervisor and the templates, which no other command needs.
    from kraj.lab import Lab, LabSettings  # noqa: PLC0415

    place = lab_folder(folder)
    saved = LabSettings.load(place)
    if saved is None:
        return Lab(LabSettings(place, with_services, port_offset))
    services = tuple(sorted({*saved.with_services, *with_services}))
    return Lab(LabSettings(place, services, port_offset or saved.port_offset))
