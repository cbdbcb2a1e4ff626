"""Proves services as people use them: from this machine, at their addresses from outside."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Mapping, Sequence
from typing import Final

from kraj.configure.authority import CERTIFICATE_FILE, FOLDER
from kraj.configure.inventory import role_of
from kraj.events import Event, EventKind, Reporter
from kraj.model.roles import roles_with_tasks
from kraj.operations.inventory import read_exports
from kraj.operations.states import RegionStates
from kraj.planning.documents import StackOutputs
from kraj.verify.checks import Check, Proof, Status, with_checks
from kraj.verify.services import CHECK, PublicService, ask_service

_ACTION: Final = "verify"


def prove_services(
    region: str | None, proofs: Sequence[Proof], report: Reporter, *, jobs: int = 3
) -> list[Proof]:
    """The proofs with whether the services of their stacks answer people.

    Raises KRJ1xx, KRJ3xx; that a service does not answer is a failed check.
    """
    states = RegionStates(region)
    authority = states.state_dir / FOLDER / CERTIFICATE_FILE
    labels = {proof.stack for proof in proofs}
    asked: list[tuple[str, str, PublicService | None]] = [
        (stack.stack, name, service)
        for stack in read_exports(states)
        if stack.stack in labels
        for name, service in _public_services(stack, states).items()
    ]

    def ask(one: tuple[str, str, PublicService | None]) -> Check:
        _stack, name, service = one
        if service is None:
            return Check(CHECK, name, Status.SKIPPED, message="its service has no role yet")
        check = ask_service(service, authority)
        kind = EventKind.FAILED if check.status is Status.FAILED else EventKind.DONE
        report(Event(kind, _ACTION, name, check.message or f"answers {check.actual}"))
        return check

    more: dict[str, list[Check]] = {label: [] for label in labels}
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        for (stack, _name, _service), check in zip(asked, pool.map(ask, asked), strict=True):
            more[stack].append(check)
    return with_checks(proofs, more)


def _public_services(
    stack: StackOutputs, states: RegionStates
) -> Mapping[str, PublicService | None]:
    """By name, those with an address from outside; None where nothing is installed yet."""
    cards = states.files.services
    roles = roles_with_tasks(states.project.roles)
    found: dict[str, PublicService | None] = {}
    for key, address in stack.floating_addresses.items():
        name = stack.service_name(key)
        if key not in cards or not name:
            continue  # a server's own, such as a bastion's
        check = cards[key].health_check
        service = PublicService(name, address, check.port, check.protocol, check.path)
        found[name] = service if role_of(key, roles) else None
    return found
