"""Check and Diff of one resource type, without a cloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from kraj.openstack.checking import check
from kraj.openstack.diffing import Difference, diff
from kraj.openstack.types import resource_type


@dataclass(frozen=True)
class Rules:
    """The pure rules of one type."""

    token: str

    def failures(self, **inputs: Any) -> dict[str, str]:
        return check(resource_type(self.token), inputs, {}, "one").failures

    def inputs(self, **given: Any) -> dict[str, Any]:
        checked = check(resource_type(self.token), given, {}, "one")
        assert not checked.failures
        return checked.inputs

    def diff(self, olds: dict[str, Any], news: dict[str, Any]) -> Difference:
        """`olds` are outputs, `news` what a program gives (defaults are filled in, names kept)."""
        kind = resource_type(self.token)
        checked = check(kind, news, {"name": olds.get("name")}, "one")
        assert not checked.failures
        return diff(kind, olds, checked.inputs)

    def updates(self, olds: dict[str, Any], **news: Any) -> set[str]:
        """Properties that change in place."""
        found = self.diff(olds, news)
        return set(found.changes) - found.replaces

    def replaces(self, olds: dict[str, Any], **news: Any) -> set[str]:
        """Properties whose change needs a new object."""
        return set(self.diff(olds, news).replaces)


@pytest.fixture
def rules_of():
    """Rules of a type by its token."""
    return Rules
