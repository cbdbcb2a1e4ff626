"""Images that are really built: one base for all tests, in a folder of the run's own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.events import Event, ignore
from kraj.images.building import Sources
from kraj.images.finishing import Version, build_version
from kraj.images.manifest import Format, Manifest, Trial
from kraj.images.store import ImageStore
from kraj.images.tools import check_machine
from kraj.images.trial import try_image
from kraj.model.service import HealthCheck

PLAYBOOK = Path(__file__).parents[2] / "playbooks" / "image.yml"


@dataclass(frozen=True)
class Workshop:
    """Where images are built, from roles that a test writes."""

    store: ImageStore
    roles: Path

    @property
    def sources(self) -> Sources:
        return Sources(self.roles, PLAYBOOK)

    def write(self, name: str, text: str) -> None:
        """A file of a role."""
        path = self.roles / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def build(
        self, image: str, events: list[Event] | None = None, formats: Sequence[Format] = ("root",)
    ) -> Version:
        report = ignore if events is None else events.append
        return build_version(image, formats, self.sources, self.store, report)

    def try_(self, manifest: Manifest, health: HealthCheck | None = None) -> Trial:
        tests = self.roles / manifest.image / "tests"
        return try_image(manifest, self.store, health, tests, ignore)


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """An empty one; skips where images cannot be built."""
    try:
        check_machine()
    except KrajError as error:
        pytest.skip(f"images cannot be built here: {error.message}")
    given = os.environ.get("KRAJ_IMAGES_TEST_DIR")  # for machines with a small /tmp
    folder = Path(given) if given else tmp_path_factory.mktemp("images")
    return Workshop(ImageStore(folder / "store"), folder / "roles")


@pytest.fixture(scope="session")
def base(workshop: Workshop) -> Version:
    """Debian without a role, built once."""
    return workshop.build("base")
