"""Reads roles: whether one can be installed, what it builds upon, and a digest of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from kraj.errors import KrajError, Location
from kraj.images.errors import NOTHING_TO_BUILD, UNKNOWN_IMAGE
from kraj.images.recipe import PROGRAMS_TASKS
from kraj.model.problems import did_you_mean
from kraj.model.roles import TASKS
from kraj.planning.boot_images import BASE

#: What stands in a role's folder and does not come into an image.
_NOT_INSTALLED: Final = ("tests", "molecule", "__pycache__")
#: Tasks for what takes long to install and seldom changes, and which files decide it.
PROGRAMS: Final = Path("tasks") / f"{PROGRAMS_TASKS}.yml"
PROGRAMS_FILES: Final = Path("meta/image.yml")
_CALLS: Final = ("import_role", "include_role")


def has_tasks(roles: Path, name: str) -> bool:
    return (roles / name / TASKS).is_file()


def services_of(roles: Path) -> list[str]:
    """All roles with a catalogue card."""
    return sorted(path.parent.name for path in roles.glob("*/service.yaml"))


def applied_roles(roles: Path, image: str) -> tuple[str, ...]:
    """The roles that are applied one on another for an image. Raises KRJ801, KRJ802."""
    base = (BASE,) if has_tasks(roles, BASE) else ()
    if image == BASE:
        return base
    known = services_of(roles)
    if image not in known:
        raise KrajError(UNKNOWN_IMAGE, f"no service {image!r}{did_you_mean(image, [BASE, *known])}")
    if not has_tasks(roles, image):
        raise KrajError(
            NOTHING_TO_BUILD,
            f"the role of {image!r} cannot be installed: it has no {TASKS}",
            location=Location(str(roles / image / TASKS)),
        )
    return (*base, image)


def with_dependencies(roles: Path, name: str) -> tuple[str, ...]:
    """A role and all that it uses, each once. Raises KRJ802 where one of them is not there."""
    found: list[str] = []
    waiting = [name]
    while waiting:
        role = waiting.pop(0)
        if role in found:
            continue
        if not (roles / role).is_dir():
            raise KrajError(
                NOTHING_TO_BUILD, f"{name!r} uses the role {role!r}, which is not there"
            )
        found.append(role)
        waiting += _used_by(roles / role)
    return tuple(found)


def digest_of_role(roles: Path, name: str) -> str:
    """SHA-256 over the names, modes and content of all files of a role and of those it uses."""
    digest = hashlib.sha256()
    for role in sorted(with_dependencies(roles, name)):
        for path in _files(roles / role):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            executable = bool(path.stat().st_mode & 0o100)
            digest.update(f"{path.relative_to(roles)}\0{executable}\0{content}\n".encode())
    return digest.hexdigest()


def digest_of_programs(roles: Path, name: str) -> str | None:
    """SHA-256 over the files that decide a role's programs; None where they are no layer.

    Which files those are is said in its `meta/image.yml`: patterns below the folder of all roles.
    Raises KRJ802 where one of them names no file.
    """
    place = roles / name / PROGRAMS_FILES
    if not (roles / name / PROGRAMS).is_file() or not place.is_file():
        return None
    digest = hashlib.sha256()
    for pattern in (_read(place) or {}).get("programs") or ():
        found = sorted(path for path in roles.glob(str(pattern)) if path.is_file())
        if not found:
            raise KrajError(
                NOTHING_TO_BUILD, f"{pattern!r} names no file", location=Location(str(place))
            )
        for path in found:
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(roles)}\0{content}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts[0] not in _NOT_INSTALLED and path.suffix not in (".md", ".pyc"):
            yield path


def _used_by(folder: Path) -> Iterator[str]:
    """Names of roles: dependencies of its meta file, and those that its tasks call by name."""
    for entry in (_read(folder / "meta/main.yml") or {}).get("dependencies") or ():
        yield entry if isinstance(entry, str) else str(entry.get("role") or entry.get("name"))
    for path in sorted((folder / "tasks").rglob("*.yml")):
        yield from _called(_read(path))


def _called(tasks: Any) -> Iterator[str]:
    if isinstance(tasks, list):
        for task in tasks:
            yield from _called(task)
    elif isinstance(tasks, dict):
        for key, value in tasks.items():
            if str(key).removeprefix("ansible.builtin.") in _CALLS and isinstance(value, dict):
                name = str(value.get("name", ""))
                if name and "{{" not in name:
                    yield name
            elif key in ("block", "rescue", "always"):
                yield from _called(value)


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Location(str(path), mark.line + 1, mark.column + 1) if mark else Location(str(path))
        raise KrajError(NOTHING_TO_BUILD, "not readable as YAML", location=place) from error
