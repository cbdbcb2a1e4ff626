"""The archive that packages come from: a mirror of Debian's, and which state of it is served.

Signatures are checked by apt when it installs; here only the dates are read, so that a recipe
knows which state it is made of before anything is downloaded.
"""

from __future__ import annotations

import email.utils
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kraj.errors import KrajError
from kraj.images.errors import ARCHIVE_UNUSABLE
from kraj.images.recipe import Release, Snapshot

#: Address of a mirror of Debian's packages.
MIRROR_VARIABLE: Final = "KRAJ_DEBIAN_MIRROR"
#: Address of its security updates; the mirror's own with `-security` where it is not given.
SECURITY_VARIABLE: Final = "KRAJ_DEBIAN_SECURITY_MIRROR"
_INSTALLER: Final = Path("/usr/bin/mmdebstrap")
_DEFAULT: Final = re.compile(r"\$mirror\s*=\s*'(https?://[^']+)'")
_SECONDS: Final = 60.0
_DATE: Final = re.compile(r"^Date: (.+)$", re.MULTILINE)
#: A mirror that keeps past states has the moment in its path, as snapshot.debian.org has.
_PAST: Final = re.compile(r"/\d{8}T\d{6}Z(/|$)")


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where the parts of a release are."""

    main: str
    security: str

    @classmethod
    def of_environment(cls, environ: Mapping[str, str] = os.environ) -> Mirror:
        main = (environ.get(MIRROR_VARIABLE) or _installers_own()).rstrip("/")
        security = environ.get(SECURITY_VARIABLE) or f"{main}-security"
        return cls(main, security.rstrip("/"))

    def address(self, suite: str) -> str:
        return self.security if suite.endswith("-security") else self.main

    def sources(self, release: Release) -> tuple[str, ...]:
        """Lines for apt's sources.list."""
        option = "[check-valid-until=no] " if self.is_past else ""
        return tuple(f"deb {option}{self.address(s)} {s} main" for s in release.suites)

    @property
    def is_past(self) -> bool:
        """Whether it serves a moment of the past, whose signatures may be out of date."""
        return bool(_PAST.search(self.main))


def _installers_own() -> str:
    """The mirror that mmdebstrap takes where none is named. Raises KRJ803."""
    found = _DEFAULT.search(_INSTALLER.read_text("utf-8")) if _INSTALLER.exists() else None
    if found is None:
        raise KrajError(ARCHIVE_UNUSABLE, f"no mirror of Debian is known: set {MIRROR_VARIABLE}")
    return found[1]


def read_snapshot(mirror: Mirror, release: Release) -> Snapshot:
    """The state that the mirror serves now. Raises KRJ803."""
    return Snapshot({suite: _date(mirror.address(suite), suite) for suite in release.suites})


def snapshot_of_lists(tree: Path, release: Release) -> Snapshot:
    """The state that the package lists in a file system tree are of. Raises KRJ803."""
    found = {}
    for suite in release.suites:
        lists = list((tree / "var/lib/apt/lists").glob(f"*_dists_{suite}_InRelease"))
        if not lists:
            raise KrajError(ARCHIVE_UNUSABLE, f"apt has no list of {suite}")
        found[suite] = _date_in(lists[0].read_text(encoding="utf-8"), suite)
    return Snapshot(found)


def _date(address: str, suite: str) -> datetime:
    import requests  # noqa: PLC0415 - slow to load

    where = f"{address}/dists/{suite}/InRelease"
    try:
        if urlsplit(where).scheme == "file":
            text = Path(urlsplit(where).path).read_text(encoding="utf-8")
        else:
            answer = requests.get(where, timeout=_SECONDS)
            answer.raise_for_status()
            text = answer.text
    except (requests.RequestException, OSError) as error:
        raise KrajError(ARCHIVE_UNUSABLE, f"cannot read {where}", causes=(str(error),)) from error
    return _date_in(text, where)


def _date_in(text: str, where: str) -> datetime:
    match = _DATE.search(text)
    if match is None:
        raise KrajError(ARCHIVE_UNUSABLE, f"{where} has no date")
    return email.utils.parsedate_to_datetime(match[1].replace("UTC", "+0000"))
