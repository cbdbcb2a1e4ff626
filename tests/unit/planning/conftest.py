"""Settings of the property tests: a busy machine is slow, which says nothing of the plan."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
