"""Proves stacks: reads the cloud back and compares it with the plan, tenants side by side."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Sequence

from kraj.engine.base import Engine
from kraj.events import Event, EventKind, Reporter
from kraj.operations.clouds import connect
from kraj.operations.region import PlannedRegion
from kraj.operations.stacks import CENTRE, TENANT_PREFIX, stack_spec
from kraj.verify.centre import compare_offer
from kraj.verify.checks import Check, Proof
from kraj.verify.compare import compare_project
from kraj.verify.reader import read_project
from kraj.verify.standards import Credential, check_standards, connect_as_tenant, skipped


def prove(
    engine: Engine,
    planned: PlannedRegion,
    labels: Sequence[str],
    report: Reporter,
    *,
    standards: bool = True,
    jobs: int = 3,
) -> list[Proof]:
    """One proof per stack, in the order of the labels. Changes nothing in the cloud."""

    def one(label: str) -> Proof:
        report(Event(EventKind.STARTED, "verify", label, "reading back"))
        started = time.monotonic()
        checks = _checks(engine, planned, label, standards=standards)
        proof = Proof(label, checks, time.monotonic() - started)
        report(
            Event(
                EventKind.DONE if proof.passed else EventKind.FAILED,
                "verify",
                label,
                f"{len(checks)} checks, {len(proof.failures)} failed",
                seconds=proof.seconds,
            )
        )
        return proof

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        return list(pool.map(one, labels))


def _checks(
    engine: Engine, planned: PlannedRegion, label: str, *, standards: bool
) -> tuple[Check, ...]:
    connection = connect(planned.access)
    if label == CENTRE:
        document = planned.plan.centre
        found = read_project(connection, document.project)
        return (*compare_project(document, found), *compare_offer(document, connection))
    tenant = planned.plan.tenants[label.removeprefix(TENANT_PREFIX)]
    found = read_project(connection, tenant.project)
    checks = compare_project(tenant, found)
    if standards and found is not None:
        checks += _standards(engine, planned, label)
    return checks


def _standards(engine: Engine, planned: PlannedRegion, label: str) -> tuple[Check, ...]:
    """What the tenant itself can see, with the credential that it was handed."""
    outputs = engine.outputs(stack_spec(planned, label), show_secrets=True)
    identifier = (outputs.get("document") or {}).get("application_credential_id")
    secret = outputs.get("applicationCredentialSecret")
    if not identifier or not secret:
        return skipped("the stack has exported no application credential")
    tenant = connect_as_tenant(planned.access.cloud, Credential(identifier, secret))
    return check_standards(tenant)
