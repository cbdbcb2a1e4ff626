"""A check, its evidence, and the collection of them for one stack."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


class Status(enum.StrEnum):
    """The verdict on one check."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  #: could not be judged; the message says why


@dataclass(frozen=True, slots=True)
class Check:
    """One statement about the running cloud, judged, with what was expected and what was found."""

    id: str  #: stable, for example `server.active`
    subject: str  #: name of the resource
    status: Status
    expected: Any = None
    actual: Any = None
    message: str = ""
    source: str = ""  #: standard that asks for it, where one does


def equal(check: str, subject: str, expected: Any, actual: Any, source: str = "") -> Check:
    """Passed where both values are equal."""
    good = expected == actual
    message = "" if good else f"expected {expected}, found {actual}"
    status = Status.PASSED if good else Status.FAILED
    return Check(check, subject, status, expected, actual, message, source)


def present(check: str, subject: str, found: object, source: str = "") -> Check:
    """Passed where something was found."""
    good = found is not None
    return Check(
        check,
        subject,
        Status.PASSED if good else Status.FAILED,
        "exists",
        "exists" if good else "missing",
        "" if good else "missing",
        source,
    )


@dataclass(frozen=True, slots=True)
class Proof:
    """All checks of one stack."""

    stack: str  #: `centre` or `tenant:<slug>`
    checks: tuple[Check, ...]
    seconds: float = 0.0
    evidence: dict[str, Any] = field(default_factory=dict)  #: ids that were looked at

    def count(self, status: Status) -> int:
        return sum(check.status is status for check in self.checks)

    @property
    def passed(self) -> bool:
        return all(check.status is not Status.FAILED for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.status is Status.FAILED)


def with_checks(proofs: Iterable[Proof], more: Mapping[str, Iterable[Check]]) -> list[Proof]:
    """The proofs with further checks, which are given by the label of the stack."""
    return [replace(proof, checks=(*proof.checks, *more.get(proof.stack, ()))) for proof in proofs]


def flatten(groups: Iterable[Iterable[Check]]) -> tuple[Check, ...]:
    """The checks of several groups in one tuple."""
    return tuple(check for group in groups for check in group)
