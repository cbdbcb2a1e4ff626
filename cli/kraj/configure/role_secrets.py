"""Passwords that roles need, derived per stack and role: the same ones on every run, kept nowhere.

A role says what it needs in `meta/secrets.yml`, names of variables with a description each. All
servers of one stack with that role get the same values, those of another stack others. They come
from the region's passphrase (`kraj.engine.passphrase`), as the passwords of service users do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from kraj.configure.errors import BAD_SECRETS_FILE
from kraj.engine.passphrase import derive_secret
from kraj.errors import KrajError, Location
from kraj.model.sources import display

FILE: Final = Path("meta") / "secrets.yml"
_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]*__[a-z0-9_]+")

#: The secret of a stack (its identity), a role and a variable.
Secrets = Callable[[str, str, str], str]


@dataclass(frozen=True, slots=True)
class RegionSecrets:
    """All secrets of a region's roles; each is known to `kraj.secrecy` once it was asked for."""

    region: str
    passphrase: str

    def __call__(self, stack: str, service: str, name: str) -> str:
        """The secret `name` of a service in a stack.

        `stack` is what never changes about it: `centre`, or the code of the municipality.
        """
        return derive_secret(self.passphrase, f"{self.region}/{stack}/{service}/{name}")


def secret_names(roles: Path, role: str) -> dict[str, str]:
    """The variables that a role asks for, with what they are; none where it has no such file.

    Raises KRJ847.
    """
    path = roles / role / FILE
    place = Location(display(path))
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        place = Location(display(path), mark.line + 1, mark.column + 1) if mark else place
        raise KrajError(BAD_SECRETS_FILE, f"cannot read it: {error}", place) from error
    if not isinstance(content, dict):
        raise KrajError(BAD_SECRETS_FILE, "names with a description each are expected", place)
    for name, description in content.items():
        if not _VARIABLE.fullmatch(str(name)):
            raise KrajError(BAD_SECRETS_FILE, f"{name!r} is no variable of a role", place)
        if not isinstance(description, str) or not description.strip():
            raise KrajError(BAD_SECRETS_FILE, f"{name} has no description", place)
    return content


def secret_variables(
    secret: Secrets, stack: str, roles: Path, names: Iterable[str]
) -> dict[str, str]:
    """The secret variables of a server of that stack with those roles. Raises KRJ847."""
    return {name: secret(stack, role, name) for role in names for name in secret_names(roles, role)}
