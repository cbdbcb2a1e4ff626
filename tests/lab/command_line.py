"""The command line on a project folder with a region of its own, as tests use it. Not a test.

What a region is for, which faults it meets and what must come of it is said by the tests.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.documents import validate_document
from tests.lab.conftest import LabCloud

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "inventories" / "liberecky"
KRAJ = (str(Path(sys.executable).parent / "kraj"),)
SECONDS = 300  #: that a command may take on a loaded machine


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document that it printed, which its schema accepts."""
        return validate_document(json.loads(self.out))


def end(process: subprocess.Popen[str]) -> Finished:
    """Wait for a command; it must not end in a traceback."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert "Traceback" not in err, err
    return Finished(process.returncode, out, err)


def wait_for(what: Callable[[], Any], process: subprocess.Popen[str], missing: str) -> None:
    """Wait until something is so, while the command runs."""
    deadline = time.monotonic() + SECONDS
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, missing
        time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Region:
    """A project folder with one region, and the command line on it."""

    name: str
    folder: Path
    environment: dict[str, str]
    connection: Any  #: the administrator's, to the cloud itself

    def start(
        self, *arguments: str, program: Sequence[str] = KRAJ, **variables: str
    ) -> subprocess.Popen[str]:
        """Begin a command, with more variables of the environment."""
        return subprocess.Popen(
            [*program, *arguments],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def kraj(self, *arguments: str, **variables: str) -> Finished:
        """Run a command to its end."""
        return end(self.start(*arguments, **variables))

    def good(self, *arguments: str, **variables: str) -> Finished:
        """Run a command that must succeed."""
        finished = self.kraj(*arguments, **variables)
        assert finished.code == 0, finished.out + finished.err
        return finished

    def file(self, name: str) -> Path:
        """One of the region's own files."""
        return self.folder / "inventories" / self.name / name

    def edit(self, name: str, **changes: Any) -> None:
        """Set top-level keys of one of its YAML files."""
        path = self.file(name)
        write_yaml(path, yaml.safe_load(path.read_text(encoding="utf-8")) | changes)

    def projects(self, label: str = "") -> list[Any]:
        """Those of the region in the cloud, or that of the tenant with this label."""
        slug = label.partition(":")[2]
        return [
            project
            for project in self.connection.identity.projects()
            if project.name.startswith(f"{self.name}-") and project.name.endswith(slug)
        ]


def write_yaml(path: Path, content: Any) -> None:
    """Write a YAML file as JSON, which quotes every text, as codes with leading zeros need."""
    path.write_text(json.dumps(content, default=str), encoding="utf-8")


def begin_region(
    folder: Path, name: str, tenants: Iterable[str], *, linked: Iterable[str] = ("roles", "stacks")
) -> dict[str, Any]:
    """Make the example region's folder under another name, with these tenants.

    `linked` are folders of this project that the new one shares. Returns what is to be changed and
    then written as its region.yaml.
    """
    target = folder / "inventories" / name
    (target / "tenants").mkdir(parents=True)
    shutil.copy(EXAMPLE / "operators.pub", target)
    for slug in tenants:
        shutil.copy(EXAMPLE / "tenants" / f"{slug}.yaml", target / "tenants")
    for shared in linked:
        (folder / shared).symlink_to(ROOT / shared)
    content: dict[str, Any] = yaml.safe_load((EXAMPLE / "region.yaml").read_text(encoding="utf-8"))
    del content["prices"]  # they name services, and some tests have roles of their own
    content["name"] = name
    content["dns"]["zone"] = f"{name}.example."
    return content


def make_small(content: dict[str, Any]) -> None:
    """Give a region.yaml volume types of the region's own, and a centre of two single servers."""
    for pool in content["storage"]["pools"]:
        pool["volume_type"] = f"{content['name']}-{pool['name']}"
    for group in ("load_balancer", "database"):
        one = {"servers": 1, "size": "small", "boot_volume": "8 GiB", "pool": "fast"}
        content["centre"][group] = one
    del content["centre"]["bastion"]


def environment_on(cloud: LabCloud, **variables: str) -> dict[str, str]:
    """The environment of commands: nothing of the caller's own clouds, engines and places."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KRAJ_", "OS_", "PULUMI_"))
    }
    return {
        **kept,
        "OS_CLIENT_CONFIG_FILE": str(cloud.clouds_file),
        "KRAJ_IMAGE_MIRROR": str(cloud.image_dir),
        "COLUMNS": "200",
        **variables,
    }
