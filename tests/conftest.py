"""What all tests share: Ctrl-C works in them, also where they run in the background."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """A shell lets its background jobs ignore Ctrl-C, and all processes below them inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
