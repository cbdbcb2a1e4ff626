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


def choose_depth(folder: Path | None) -> tuple[str, str]:
    """The depth that this machine can do: `hosts`, or `api` with the reason why not `hosts`.

    A lab that is there already keeps its own.
    """
    from kraj.lab import LabSettings  # noqa: PLC0415
    from kraj.lab.servers import check_machine  # noqa: PLC0415

    saved = LabSettings.load(lab_folder(folder))
    if saved is not None:
        return saved.depth, "" if saved.boots else "the lab that is here was made so"
    try:
        check_machine()
    except KrajError as error:
        return "api", " ".join([error.message, *error.causes])
    return "hosts", ""


def open_lab(
    folder: Path | None = None,
    *,
    with_services: tuple[str, ...] = (),
    port_offset: int = 0,
    database_url: str = "",
    transport_url: str = "",
    memcached: str = "",
    depth: str = "",
) -> Lab:
    """The lab with its remembered settings; services given here are added to them.

    Raises KRJ510 for a setting that cannot be used, KRJ512 for one that an existing lab has fixed
    otherwise.
    """
    # Loads the supervisor and the templates, which no other command needs.
    from kraj.lab import Lab, LabSettings  # noqa: PLC0415

    place = lab_folder(folder)
    return Lab(
        LabSettings(
            place, with_services, port_offset, database_url, transport_url, memcached, depth
        )
    )
