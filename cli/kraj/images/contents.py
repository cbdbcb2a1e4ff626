"""Which software is in a tree: Debian's packages and Python's, with their licences.

Python packages that came as Debian packages are counted once, as those.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

_STATUS: Final = "var/lib/dpkg/status"
_INSTALLED: Final = "install ok installed"
#: Where Debian's own packages keep Python modules.
_DEBIANS: Final = "usr/lib/python3/dist-packages"
_SOURCE: Final = re.compile(r"(\S+)(?: \((\S+)\))?")
_MACHINE_READABLE: Final = re.compile(r"\AFormat(-Specification)?:\s*\S*copyright", re.IGNORECASE)
_LICENCE: Final = re.compile(r"^License:[ \t]*(\S[^\n]*)$", re.MULTILINE)
_CLASSIFIER: Final = "License :: OSI Approved :: "
_LONGEST_NAME: Final = 80


class Package(BaseModel):
    """A piece of software in one version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["deb", "pypi"]
    name: str
    version: str
    architecture: str = ""
    source: str = ""  #: Debian's source package, by which security advice is given
    source_version: str = ""
    licences: tuple[str, ...] = ()
    place: str = ""  #: of a Python package: the folder that it is installed in

    @property
    def key(self) -> tuple[str, ...]:
        """What stays when the version changes."""
        return (self.kind, self.name, self.architecture, self.place)


def packages_of(tree: Path) -> tuple[Package, ...]:
    """All software that package managers know of, sorted."""
    return tuple(sorted([*_debian(tree), *_python(tree)], key=lambda package: package.key))


def _debian(tree: Path) -> Iterator[Package]:
    text = (tree / _STATUS).read_text(encoding="utf-8", errors="replace")
    for stanza in text.split("\n\n"):
        fields = HeaderParser().parsestr(stanza)
        if fields.get("Status") != _INSTALLED:
            continue
        name, version = str(fields["Package"]), str(fields["Version"])
        source = _SOURCE.match(str(fields.get("Source", name)))
        yield Package(
            kind="deb",
            name=name,
            version=version,
            architecture=str(fields["Architecture"]),
            source=source[1] if source else name,
            source_version=(source[2] if source else None) or version,
            licences=_licences(tree / "usr/share/doc" / name / "copyright"),
        )


def _licences(path: Path) -> tuple[str, ...]:
    """The short names in a copyright file that is written for machines; empty for others."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # a link out of the tree, or cut off by the administrator
        return ()
    if not _MACHINE_READABLE.match(text):
        return ()
    return tuple(sorted({name.strip() for name in _LICENCE.findall(text)}))


def _python(tree: Path) -> Iterator[Package]:
    for place, folders, _files in os.walk(tree):
        relative = Path(place).relative_to(tree)
        if relative.as_posix() == _DEBIANS:
            folders.clear()
            continue
        for name in folders:
            if name.endswith(".dist-info"):
                found = importlib.metadata.Distribution.at(Path(place) / name)
                if found.metadata["Name"]:
                    yield Package(
                        kind="pypi",
                        name=re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower(),
                        version=found.version,
                        licences=_declared(found),
                        place=relative.as_posix(),
                    )


def _declared(found: importlib.metadata.Distribution) -> tuple[str, ...]:
    """What a Python package says of its licence: an expression, else classifiers, else a name."""
    headers = found.metadata
    for expression in headers.get_all("License-Expression") or []:
        return (expression,)
    classifiers = headers.get_all("Classifier") or []
    named = [c.removeprefix(_CLASSIFIER) for c in classifiers if c.startswith(_CLASSIFIER)]
    if named:
        return tuple(sorted(named))
    text = "".join(headers.get_all("License") or []).strip()
    return (text,) if text and len(text) <= _LONGEST_NAME and "\n" not in text else ()
