"""Drift as an admin reads it."""

from __future__ import annotations

import io

from rich.console import Console

from kraj.drift.inventory import CloudObject
from kraj.drift.witness import Witness
from kraj.engine.base import Operation, PropertyChange, Step
from kraj.operations.drift import Finding, StackDrift
from kraj.report.drift import print_drift


def printed(*stacks: StackDrift) -> list[str]:
    out = io.StringIO()
    print_drift(stacks, Console(file=out, width=200))
    return out.getvalue().splitlines()


def step(operation: Operation, kind: str, name: str, *changes: PropertyChange) -> Step:
    return Step(operation, "urn", f"openstack:x/y:{kind}", name, "1", changes=changes)


def test_a_stack_without_drift_is_not_mentioned() -> None:
    assert printed(StackDrift("centre")) == []


def test_each_kind_of_drift_has_its_mark() -> None:
    gone = Finding(
        step(Operation.DELETE, "Instance", "map/1"),
        Witness("delete", "2026-11-23T10:48:20Z", "admin"),
    )
    quota = step(Operation.UPDATE, "QuotaSetV2", "tenant", PropertyChange("cores", 8, 99))
    rule = CloudObject("security group rule", "7", "web: ingress", "2026-11-23T10:48:20Z")
    assert printed(StackDrift("tenant:bela", (gone, Finding(quota, Witness())), (rule,))) == [
        "tenant:bela",
        "  - Instance map/1 is gone (last action: delete 2026-11-23T10:48:20Z by admin)",
        "  ~ QuotaSetV2 tenant differs",
        "      cores: 8 → 99",
        "  ? security group rule web: ingress is in no plan (made 2026-11-23T10:48:20Z)",
    ]
