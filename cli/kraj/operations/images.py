"""Builds, tests, publishes and retires images, with the roles and regions of the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter
from kraj.images.building import Sources
from kraj.images.comparing import Difference, compare, read_tracker
from kraj.images.errors import NOT_TESTED, UNKNOWN_IMAGE
from kraj.images.finishing import Version, build_version
from kraj.images.lifecycle import Overdue, Published, Step, decide, overdue
from kraj.images.manifest import FILE_NAMES, Format, Manifest, Trial
from kraj.images.publishing import (
    Promise,
    carry_out,
    is_as_signed,
    publish,
    read_published,
    read_uses,
    today,
)
from kraj.images.recipe import BOOKWORM
from kraj.images.signing import Signer, open_signer
from kraj.images.store import ImageStore
from kraj.images.trial import try_image
from kraj.model.loader import load_region
from kraj.model.service import HealthCheck
from kraj.operations.clouds import connect, open_cloud
from kraj.operations.project import Project, find_project, find_region
from kraj.planning.boot_images import BASE


def image_store(project: Project | None = None) -> ImageStore:
    """The project's folder of images."""
    return ImageStore((project or find_project()).images.resolve())


def build_images(
    names: Sequence[str], formats: Sequence[Format], report: Reporter, *, fresh: bool = False
) -> list[Version]:
    """Build one after another; `base` where none is named. Raises KRJ800 to KRJ808."""
    project = find_project()
    sources = Sources(project.roles, project.playbooks / "image.yml")
    store = image_store(project)
    made = []
    for name in names or (BASE,):
        try:
            made.append(build_version(name, formats, sources, store, report, fresh=fresh))
        except KrajError as error:
            report(Event(EventKind.FAILED, "image build", name, message=error.message))
            raise
    return made


def try_built_image(wanted: str, report: Reporter) -> tuple[Manifest, Trial]:
    """Boot a built image and check it. Raises KRJ800, KRJ801, KRJ805, KRJ808."""
    project = find_project()
    store = image_store(project)
    manifest = store.find(wanted)
    role = project.roles / manifest.image
    tests = role / "tests" if (role / "tests").is_dir() else None
    return manifest, try_image(manifest, store, _health_of(role), tests, report)


def compare_images(old: str, new: str, tracker: Path | None) -> Difference:
    """What changed between two built images. Raises KRJ801, KRJ811."""
    store = image_store()
    data = read_tracker(tracker) if tracker else None
    return compare(store.find(old), store.find(new), data)


@dataclass(frozen=True, slots=True)
class Signing:
    """By which key images are signed."""

    file: Path | None = None  #: of key and certificate; None: the project's own
    passphrase: str = ""

    def open(self, store: ImageStore, *, make: bool = False) -> Signer:
        """The key with its certificate; made where it is not there and may be. Raises KRJ813."""
        return open_signer(self.file or store.signing, self.passphrase, make=make)


@dataclass(frozen=True, slots=True)
class SignatureFound:
    """An image in the cloud, and whether its data is what this key has signed."""

    published: Published
    good: bool


@dataclass(frozen=True, slots=True)
class Publication:
    """An image in the cloud, and what became of its predecessors."""

    published: Published
    steps: tuple[Step, ...]


def publish_image(
    wanted: str,
    region: str | None,
    cloud: str | None,
    *,
    keep: int,
    until: str | None = None,
    share_with: Sequence[str] = (),
    untested: bool = False,
    form: Format = "disk",
    signing: Signing | None = None,
) -> Publication:
    """Upload a tested image; its predecessors are deprecated or hidden.

    Signed with `signing`; unsigned where it is None. Raises KRJ4xx, KRJ801, KRJ809, KRJ810, KRJ813.
    """
    store = image_store()
    manifest = store.find(wanted)
    if form not in manifest.outputs:
        raise KrajError(
            NOT_TESTED,
            f"{manifest.image}@{manifest.version} has no {FILE_NAMES[form]}",
            hint=f"Build it: kraj image build {manifest.image} --format disk --format root",
        )
    if not untested and not (manifest.trial and manifest.trial.passed):
        what = "failed its test" if manifest.trial else "was not tested"
        raise KrajError(NOT_TESTED, f"{manifest.image}@{manifest.version} {what}")
    connection = _connection(region, cloud)
    promise = Promise(until or BOOKWORM.support_ends)
    signer = signing.open(store, make=True) if signing else None
    made = publish(connection, manifest, store.folder(manifest), promise, share_with, form, signer)
    # The new one is there already; nothing is deleted when an image is published.
    steps = [step for step in _decided(connection, keep) if step.published.image == manifest.image]
    done = [step for step in steps if step.changes and step.stage.value != "deleted"]
    for step in done:
        carry_out(connection, step)
    return Publication(made, tuple(done))


def verify_images(
    names: Sequence[str], region: str | None, cloud: str | None, signing: Signing, report: Reporter
) -> tuple[SignatureFound, ...]:
    """Read images of the cloud back and judge their signatures; all where none is named.

    Raises KRJ4xx, KRJ801, KRJ813.
    """
    signer = signing.open(image_store())
    connection = _connection(region, cloud)
    found = [item for item in read_published(connection) if not names or item.image in names]
    missing = sorted(set(names) - {item.image for item in found})
    if missing:
        raise KrajError(UNKNOWN_IMAGE, f"the cloud has no image {', '.join(missing)}")
    judged = []
    for item in found:
        name = f"{item.image}@{item.version}"
        report(Event(EventKind.STARTED, "image verify", name, message="reading it back"))
        good = item.signed and is_as_signed(connection, item, signer)
        kind = EventKind.DONE if good else EventKind.FAILED
        report(Event(kind, "image verify", name, message="as signed" if good else "not as signed"))
        judged.append(SignatureFound(item, good))
    return tuple(judged)


def prune_plan(region: str | None, cloud: str | None, keep: int) -> tuple[Step, ...]:
    """What pruning would do to each image in the cloud. Raises KRJ4xx."""
    return _decided(_connection(region, cloud), keep)


def prune(region: str | None, cloud: str | None, steps: Sequence[Step]) -> None:
    """Do it. Raises KRJ4xx."""
    connection = _connection(region, cloud)
    for step in steps:
        if step.changes:
            carry_out(connection, step)


def image_users(region: str | None, cloud: str | None, near_days: int) -> tuple[Overdue, ...]:
    """Servers and volumes of images whose support is over or near its end. Raises KRJ4xx."""
    connection = _connection(region, cloud)
    found = read_published(connection)
    return overdue(found, read_uses(connection, found), today(), near_days)


def _decided(connection: object, keep: int) -> tuple[Step, ...]:
    found = read_published(connection)
    return decide(found, read_uses(connection, found), keep)


def _connection(region: str | None, cloud: str | None) -> object:
    project = find_project()
    if cloud is None:
        files = load_region(find_region(project, region), project.roles)
        cloud = files.region.clouds[0].name
    return connect(open_cloud(project, cloud))


def _health_of(role: Path) -> HealthCheck | None:
    """That of the catalogue card; the rest of the card is checked where it is planned with."""
    card = role / "service.yaml"
    if not card.is_file():
        return None
    document = yaml.safe_load(card.read_text(encoding="utf-8"))
    return HealthCheck.model_validate(document["health_check"])


def is_day(text: str) -> bool:
    """Whether a text is a day, or one of the words that stand for none."""
    if text in ("none", "notice"):
        return True
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
