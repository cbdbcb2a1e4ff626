"""What changed between two images: software added, removed, upgraded, and the known weaknesses.

The data is that of Debian's security tracker, from a file: source package → CVE id → what holds in
each release. Nothing is downloaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kraj.errors import KrajError
from kraj.images.contents import Package
from kraj.images.debian_version import sort_key
from kraj.images.errors import BAD_TRACKER
from kraj.images.manifest import Manifest

#: Source package → CVE id → release → what holds.
Tracker = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """A package in two versions; one is empty where it is not there."""

    kind: str
    name: str
    old: str
    new: str

    @property
    def word(self) -> str:
        if not self.old:
            return "added"
        if not self.new:
            return "removed"
        return "upgraded" if _newer(self.kind, self.new, self.old) else "downgraded"


@dataclass(frozen=True, slots=True)
class Weakness:
    """A known weakness of a source package."""

    cve: str
    source: str


@dataclass(frozen=True, slots=True)
class Difference:
    """From one image to another."""

    changes: tuple[Change, ...]
    fixed: tuple[Weakness, ...] = ()  #: the first has them, the second does not
    introduced: tuple[Weakness, ...] = ()
    open: tuple[Weakness, ...] = field(default=())  #: both have them


def compare(old: Manifest, new: Manifest, tracker: Tracker | None = None) -> Difference:
    """Without tracker data no weaknesses are named."""
    before, after = _by_key(old.packages), _by_key(new.packages)
    changes = []
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if (was and was.version) != (now and now.version):
            versions = (was.version if was else "", now.version if now else "")
            changes.append(Change(key[0], key[1], *versions))
    if tracker is None:
        return Difference(tuple(changes))
    then, today = weaknesses(old, tracker), weaknesses(new, tracker)
    return Difference(
        tuple(changes),
        fixed=_sorted(then - today),
        introduced=_sorted(today - then),
        open=_sorted(then & today),
    )


def weaknesses(manifest: Manifest, tracker: Tracker) -> set[Weakness]:
    """Those that the tracker knows in the versions of an image."""
    found = set()
    versions = {(p.source, p.source_version) for p in manifest.packages if p.kind == "deb"}
    for source, version in versions:
        for cve, entry in tracker.get(source, {}).items():
            state = (entry.get("releases") or {}).get(manifest.release)
            if cve.startswith("CVE-") and state and _affects(state, version):
                found.add(Weakness(cve, source))
    return found


def read_tracker(path: Path) -> Tracker:
    """The tracker's file. Raises KRJ811."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KrajError(BAD_TRACKER, f"cannot read {path}", causes=(str(error),)) from error
    if not isinstance(document, dict) or not all(isinstance(v, dict) for v in document.values()):
        raise KrajError(BAD_TRACKER, f"{path} does not list weaknesses by source package")
    return document


def _affects(state: Mapping[str, Any], version: str) -> bool:
    """`open` is not mended in the release; `resolved` is mended from a version on, 0 is never."""
    if state.get("status") == "open":
        return True
    mended = str(state.get("fixed_version", ""))
    if state.get("status") != "resolved" or mended in ("", "0"):
        return False
    return sort_key(version) < sort_key(mended)


def _by_key(packages: Iterable[Package]) -> dict[tuple[str, ...], Package]:
    return {package.key: package for package in packages}


def _newer(kind: str, one: str, other: str) -> bool:
    if kind == "deb":
        return sort_key(other) < sort_key(one)
    # Loads slowly, and Python packages are few.
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415

    try:
        return Version(other) < Version(one)
    except InvalidVersion:
        return other < one


def _sorted(found: Iterable[Weakness]) -> tuple[Weakness, ...]:
    return tuple(sorted(found, key=lambda weakness: (weakness.source, weakness.cve)))
