"""Objects whose creation did not finish, and what the next run does about them.

A server may be late, a connection may break, a person may press Ctrl-C: then the object is fine,
and what was left to do is done by the next run. A volume may end in an error state: then it is
replaced, since nothing can stand on it yet. Which of the two is kept in the state under
`UNFINISHED`; Pulumi's own provider passes over keys with two underscores.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final

from kraj.openstack import errors
from kraj.openstack.errors import PartialFailure

UNFINISHED: Final = "__unfinished"
#: Failures that say nothing about the object itself.
_OF_THE_MOMENT: Final = frozenset(
    {
        errors.TIMEOUT,
        errors.CLOUD_UNREACHABLE,
        errors.FAILING,
        errors.WRONG_CREDENTIALS,
        errors.CONFLICT,
    }
)


class Remedy(enum.StrEnum):
    """What the next run does."""

    FINISH = "finish"
    REPLACE = "replace"


def mark(failure: PartialFailure) -> None:
    """Write into the outputs of an unfinished creation what the next run has to do."""
    late = failure.error.code in _OF_THE_MOMENT
    failure.outputs[UNFINISHED] = str(Remedy.FINISH if late else Remedy.REPLACE)


def remedy_for(outputs: Mapping[str, Any]) -> Remedy | None:
    """What to do about the object with these outputs; None where its creation finished."""
    found = outputs.get(UNFINISHED)
    return Remedy(found) if found else None
