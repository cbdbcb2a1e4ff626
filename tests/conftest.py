"""What all tests share: Ctrl-C works in them, and slow ones wait for `make test-all`."""

from __future__ import annotations

import os
import signal

import pytest


def pytest_configure() -> None:
    """A shell lets its background jobs ignore Ctrl-C, and all processes below them inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests with the marker `slow`, and say so, where not all were asked for."""
    if os.environ.get("KRAJ_ALL_STEPS"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: only with KRAJ_ALL_STEPS=1"))
