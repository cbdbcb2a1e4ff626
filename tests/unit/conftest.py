"""Settings of all unit tests: no network, no state of the user's, the same output everywhere."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KRAJ_REGION", "KRAJ_ENGINE", "KRAJ_PROJECT", "KRAJ_STATE_DIR", "KRAJ_LAB_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
