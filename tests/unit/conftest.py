"""Settings of all unit tests: no network, no state of the user's, the same output everywhere."""

from __future__ import annotations

import pytest
from hypothesis import settings

# How long one example takes is the machine's business: a busy one must not fail a test.
settings.register_profile("kraj", deadline=None)
settings.load_profile("kraj")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "KRAJ_REGION",
        "KRAJ_ENGINE",
        "KRAJ_PROJECT",
        "KRAJ_STATE_DIR",
        "KRAJ_STATE_URL",
        "KRAJ_LAB_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    # What one test keeps secret, another one says.
    monkeypatch.setattr("kraj.secrecy._known", {})
    monkeypatch.setattr("kraj.engine.keyrings._read", {})
    monkeypatch.setenv("COLUMNS", "100")
