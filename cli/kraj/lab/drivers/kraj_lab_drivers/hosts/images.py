"""Images on the machine that servers and volumes are made from: each is fetched once."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path

from kraj_lab_drivers.hosts.shell import run


def image(folder: Path, identity: str, fetch: Callable[[Path], None]) -> Path:
    """The raw disk of an image, fetched and converted where it is not there yet.

    An image never changes in Glance, so that its id is enough. Cinder and all compute hosts share
    the folder: the first fetches, the others wait for it.
    """
    place = folder / "images"
    place.mkdir(parents=True, exist_ok=True)
    path = place / identity
    with (place / f".{identity}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            partial = place / f".{identity}.partial"
            raw = place / f".{identity}.raw"
            fetch(partial)
            run("qemu-img", "convert", "-O", "raw", str(partial), str(raw))  # leaves holes out
            partial.unlink()
            raw.replace(path)
    return path
