"""The one error type that kraj shows to people, its codes and the exit codes.

Every code is declared once, by the package that raises it, with `error_code`; the reference page
`docs/errors.md` and `kraj explain` are made from the declarations. Errors are collected where a
user can mend several at once (`KrajErrors`) and carry the place of their cause, never a traceback.

Ranges: KRJ1xx files and model, KRJ2xx planning, KRJ3xx engines and state, KRJ4xx cloud (OpenStack
API), KRJ5xx lab, KRJ6xx verification, KRJ7xx command line, KRJ8xx hosts and images.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kraj.secrecy import cleared, without_secrets


class ExitCode(enum.IntEnum):
    """What the process tells its caller; documented in `docs/cli-rules.md`."""

    OK = 0  #: done, and (for `kraj plan`) nothing to change
    ERROR = 1  #: something failed; the error says what and what to do
    CHANGES = 2  #: `kraj plan` only: there is something to change
    USAGE = 64  #: the command line itself is wrong (EX_USAGE of sysexits.h)
    INTERRUPTED = 130  #: stopped by Ctrl-C (128 + SIGINT)


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """A stable code with its documentation."""

    code: str  #: `KRJ` and three digits; never reused for another meaning
    title: str  #: a few words, for lists
    meaning: str  #: what has happened, in one or two sentences
    remedy: str  #: what a person does next

    def __str__(self) -> str:
        return self.code


_REGISTRY: dict[str, ErrorCode] = {}


def error_code(code: str, title: str, meaning: str, remedy: str) -> ErrorCode:
    """Declare a code. Raises ValueError where the code is taken already."""
    if code in _REGISTRY:
        raise ValueError(f"error code {code} is declared twice")
    declared = ErrorCode(code, title, meaning, remedy)
    _REGISTRY[code] = declared
    return declared


def declared_codes() -> tuple[ErrorCode, ...]:
    """All codes of the packages imported so far, in order."""
    return tuple(_REGISTRY[code] for code in sorted(_REGISTRY))


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; line and column count from 1, 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(eq=False)
class KrajError(Exception):
    """An expected failure, ready to be shown.

    `message` says what is wrong with the offending value in it; `hint` says what to do next (the
    code's remedy where none is given); `causes` is the chain of messages below, outermost first.
    Secrets that the process knows are taken out of all of them.
    """

    code: ErrorCode
    message: str
    location: Location | None = None
    hint: str = ""
    causes: Sequence[str] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.message = without_secrets(self.message)
        causes = map(without_secrets, self.causes)
        self.causes = list(causes) if isinstance(self.causes, list) else tuple(causes)
        Exception.__init__(self, self.message)
        self.hint = self.hint or self.code.remedy

    def __str__(self) -> str:
        place = f"{self.location}: " if self.location else ""
        return f"{place}{self.code} {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """The error as JSON-ready values (as in `docs/schema/output/error.json`)."""
        place = self.location
        return {
            "code": self.code.code,
            "title": self.code.title,
            "message": self.message,
            "file": place.file if place else None,
            "line": place.line if place else None,
            "column": place.column if place else None,
            "hint": self.hint,
            "causes": list(self.causes),
            "details": cleared(self.details),
        }


class KrajErrors(Exception):  # noqa: N818 - a collection, named for what it holds
    """Several errors found in one pass, in the order of their places."""

    def __init__(self, errors: Iterable[KrajError]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(str(error) for error in self.errors))
