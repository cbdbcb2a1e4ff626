"""Ctrl-C and SIGTERM as a wish that long work looks at, in place of an exception in mid-air.

A KeyboardInterrupt may come between any two steps of the thread that hands out work, for example
while it starts a stack that nobody would then wait for. So signals are only counted here, and the
one loop that waits acts on them. SIGTERM counts as well: that is how CI runners cancel a job.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from kraj.errors import KrajError
from kraj.operations.errors import INTERRUPTED


class Interrupts:
    """How often the user has asked to stop."""

    def __init__(self) -> None:
        self._asked = 0
        self._taken = 0

    @property
    def asked(self) -> bool:
        """Whether nothing new may begin."""
        return self._asked > 0

    def ask(self) -> None:
        """Ask to stop. May be called by a signal handler: it takes no lock."""
        self._asked += 1

    def take(self) -> int:
        """How many wishes have come since the last call."""
        new = self._asked - self._taken
        self._taken += new
        return new


def interrupted(consequence: str) -> KrajError:
    """The error of a command that the user has stopped, with what that means."""
    return KrajError(
        INTERRUPTED, f"stopped before the end; {consequence}", details={"exit_code": 130}
    )


@contextlib.contextmanager
def heeded() -> Iterator[Interrupts]:
    """Count the signals that come while this is entered.

    Other threads than the main one get no signals. A signal that is ignored stays so: shells start
    background jobs with SIGINT ignored.
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return

    def count(_signal: int, _frame: FrameType | None) -> None:
        interrupts.ask()

    before = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, count)
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
