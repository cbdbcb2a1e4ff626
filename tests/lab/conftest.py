"""The OpenStack that tests in this folder use: `kraj lab`, or a cloud that the environment names.

`KRAJ_LAB_CLOUDS` is the path of a clouds.yaml with an administrator's cloud `lab`. Without it the
lab in `KRAJ_LAB_DIR` (default: `.kraj/lab` of the checkout) is brought up; one that did not run
before is stopped after the tests, and keeps its files, so that the next run starts it quickly.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openstack
import pytest

from kraj.errors import KrajError
from kraj.events import ignore
from kraj.lab import Lab, LabSettings
from kraj.lab.qcow2 import ensure_empty_disk
from kraj.lab.startup import IMAGE_GIB, IMAGES

ROOT = Path(__file__).parents[2]
SERVICES = ("designate", "swift")


@dataclass(frozen=True, slots=True)
class LabCloud:
    """A cloud for tests."""

    name: str  #: its entry in the clouds.yaml
    clouds_file: Path
    image_dir: Path  #: image files under the names that the example region asks for

    def connect(self) -> Any:
        """The administrator's connection; variables of the caller's own clouds do not count."""
        files = [str(self.clouds_file)]
        loader = openstack.config.OpenStackConfig(config_files=files, load_envvars=False)
        return openstack.connection.Connection(config=loader.get_one(cloud=self.name))


@pytest.fixture(scope="session")
def lab_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCloud]:
    """A running OpenStack, the same one for all tests and all worker processes."""
    given = os.environ.get("KRAJ_LAB_CLOUDS")
    if given:
        yield LabCloud("lab", Path(given).absolute(), _image_folder(tmp_path_factory))
        return
    lab = Lab(_settings(Path(os.environ.get("KRAJ_LAB_DIR", ROOT / ".kraj" / "lab")).absolute()))
    settings = lab.settings
    with _in_use(lab):
        yield LabCloud("lab", settings.clouds_file, settings.images)


def _settings(folder: Path) -> LabSettings:
    """Those that the lab has, with all services; `KRAJ_LAB_PORT_OFFSET` is for a new one."""
    saved = LabSettings.load(folder)
    offset = saved.port_offset if saved else int(os.environ.get("KRAJ_LAB_PORT_OFFSET", "0"))
    return LabSettings(folder, SERVICES, offset)


def _image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for name in IMAGES:
        ensure_empty_disk(folder / name, IMAGE_GIB)
    return folder


@contextmanager
def _in_use(lab: Lab) -> Iterator[None]:
    """Bring the lab up, once for all worker processes; the last one stops what they started.

    Every process shares a lock while it needs the lab. Who gets it alone at the end was the last.
    """
    folder = lab.settings.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    ours = folder.with_name(f"{folder.name}.started-by-tests")
    users = folder.with_name(f"{folder.name}.tests").open("a")
    starting = folder.with_name(f"{folder.name}.tests-starting").open("a")
    with users, starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        found = lab.status()
        if not found.running:
            if all(service.state == "STOPPED" for service in found.services):
                ours.touch()
            _bring_up(lab)
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield
        fcntl.flock(starting, fcntl.LOCK_EX)
        with suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if ours.exists():
                lab.down(ignore)
                ours.unlink()


def _bring_up(lab: Lab) -> None:
    try:
        lab.up(ignore)
    except KrajError as error:
        lines = [str(error), *error.causes, error.hint]
        pytest.fail("the lab did not start\n" + "\n".join(lines), pytrace=False)
