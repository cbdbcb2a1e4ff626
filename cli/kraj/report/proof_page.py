"""Proofs as one HTML page: to be read, kept and handed on, without any other file or server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

from kraj import __version__
from kraj.files import write_atomically
from kraj.report.templating import template_environment
from kraj.verify.checks import Check, Proof, Status

_TEMPLATE: Final = "proof.html.j2"
#: The worst first, as readers look for it.
_ORDER: Final = (Status.FAILED, Status.SKIPPED, Status.PASSED)


class _Group(NamedTuple):
    """Checks of one kind in a stack, for example all of quotas, or of a role's tests."""

    name: str
    counts: dict[Status, int]
    checks: list[Check]


def write_page(region: str, proofs: Sequence[Proof], path: Path, moment: datetime) -> None:
    """Write the page; `moment` is when the proofs were made, with a time zone.

    Raises OSError where the file cannot be written.
    """
    environment = template_environment()
    environment.filters["value"] = _value
    environment.globals["groups_of"] = _groups
    page = environment.get_template(_TEMPLATE).render(
        region=region,
        proofs=proofs,
        moment=moment.isoformat(sep=" ", timespec="seconds"),
        version=__version__,
        statuses=list(Status),
        passed=all(proof.passed for proof in proofs),
        counts={status: sum(proof.count(status) for proof in proofs) for status in Status},
    )
    write_atomically(path, page)


def _groups(proof: Proof) -> list[_Group]:
    """The checks of a stack by kind; those with failures first, else by name."""
    by_kind = sorted(proof.checks, key=lambda check: _kind(check.id))
    groups = [
        _group(kind, list(checks)) for kind, checks in groupby(by_kind, lambda one: _kind(one.id))
    ]
    return sorted(groups, key=lambda group: (not group.counts[Status.FAILED], group.name))


def _group(name: str, checks: list[Check]) -> _Group:
    counts = {status: sum(check.status is status for check in checks) for status in Status}
    return _Group(name, counts, sorted(checks, key=lambda check: _ORDER.index(check.status)))


def _kind(identity: str) -> str:
    """`quota` of `quota.compute`, `inside.base` of `inside.base.hardening[…]`."""
    parts = identity.split(".")
    return ".".join(parts[:2]) if parts[0] == "inside" and len(parts) > 2 else parts[0]


def _value(value: Any) -> str:
    """What was expected or found, as text: lists line by line."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple, set, frozenset)):
        return "\n".join(_value(item) for item in value) or "none"
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, indent=1, default=str)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
