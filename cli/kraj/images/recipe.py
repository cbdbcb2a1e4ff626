"""What an image is made of, as plain values with digests; nothing is read or run here.

An image is a pile of layers: Debian's packages, then the role `base` where it has tasks, then the
role of the service, whose programs may be a layer of their own below it. A layer's digest covers
its inputs and the layer below it, so that a layer is made again exactly when something under it has
changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from kraj.lab.bootable import PACKAGES

DEBIAN: Final = "debian"
#: Tasks of a role that install what takes long and seldom changes.
PROGRAMS_TASKS: Final = "programs"


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Debian."""

    codename: str
    version: str
    support_ends: str  #: last day of security updates, those of Debian LTS included

    @property
    def suites(self) -> tuple[str, ...]:
        """Its parts in the archive: the release, what was updated since, security."""
        return (self.codename, f"{self.codename}-updates", f"{self.codename}-security")


BOOKWORM: Final = Release("bookworm", "12", "2028-06-30")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the archive that packages came from: the date of each suite's Release file."""

    suites: Mapping[str, datetime]

    @property
    def date(self) -> datetime:
        """The newest of the dates."""
        return max(self.suites.values())

    @property
    def epoch(self) -> int:
        """The date for SOURCE_DATE_EPOCH: no file of an image is younger."""
        return int(self.date.timestamp())

    def as_dict(self) -> dict[str, str]:
        return {name: moment.isoformat() for name, moment in sorted(self.suites.items())}

    @classmethod
    def of(cls, document: Mapping[str, str]) -> Snapshot:
        return cls({name: datetime.fromisoformat(text) for name, text in document.items()})


@dataclass(frozen=True, slots=True)
class Layer:
    """One step of an image: a file system tree that is kept under its digest."""

    name: str  #: `debian`, the role that is applied, or `<role> programs`
    digest: str
    role: str | None = None
    tasks: str = "main"  #: which tasks of the role


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what is in an image."""

    image: str  #: `base`, or a service
    builder: str  #: digest of the code that builds
    snapshot: Snapshot
    roles: Mapping[str, str]  #: roles that are applied, in order → digest of all their files
    #: Roles of which a part that takes long is a layer of its own → digest of what decides it.
    programs: Mapping[str, str] = field(default_factory=dict)
    release: Release = BOOKWORM
    packages: Sequence[str] = PACKAGES

    @property
    def layers(self) -> tuple[Layer, ...]:
        """From the lowest to the highest."""
        debian: dict[str, Any] = {
            "builder": self.builder,
            "release": self.release.codename,
            "packages": sorted(self.packages),
            "snapshot": self.snapshot.as_dict(),
        }
        pile = [Layer(DEBIAN, digest_of(debian))]
        for role, files in self.roles.items():
            if role in self.programs:
                inputs = {"role": role, "programs": self.programs[role]}
                pile.append(_layer(f"{role} programs", inputs, pile[-1], role, PROGRAMS_TASKS))
            pile.append(_layer(role, {"role": role, "files": files}, pile[-1], role))
        return tuple(pile)

    @property
    def digest(self) -> str:
        """That of the highest layer."""
        return self.layers[-1].digest


def _layer(
    name: str, inputs: Mapping[str, str], below: Layer, role: str, tasks: str = "main"
) -> Layer:
    return Layer(name, digest_of({"below": below.digest, **inputs}), role, tasks)


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of a document, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
