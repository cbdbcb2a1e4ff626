"""Proves that tenants do not reach each other, from many of their servers side by side."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kraj.events import Event, EventKind, Reporter
from kraj.operations.interrupts import Interrupts
from kraj.operations.stacks import TENANT_PREFIX
from kraj.planning.documents import StackOutputs
from kraj.verify.checks import Check
from kraj.verify.isolation import Door, Member, judge, listens, pairs, reached

_ACTION: Final = "verify"


def prove_isolation(
    stacks: Iterable[StackOutputs],
    settings: Path,
    report: Reporter,
    interrupts: Interrupts,
    jobs: int,
) -> dict[str, list[Check]]:
    """By the label of the stack, the checks of what its servers reach of the other tenants given.

    `settings` is a file with SSH's way to each of their servers.
    """
    members = [
        Member(stack.stack.removeprefix(TENANT_PREFIX), server.pool, server.name, server.addresses)
        for stack in stacks
        if stack.stack.startswith(TENANT_PREFIX)
        for server in stack.servers
        if server.addresses
    ]
    tried = pairs(sorted({member.tenant for member in members}), datetime.now(UTC).toordinal())
    if not tried or interrupts.asked:
        return {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        asked = pool.map(lambda member: listens(member, settings), members)
        doors = {member.name: found for member, found in zip(members, asked, strict=True)}
        sources = _one_of_each_pool(members)

        def attempt(source: Member) -> list[Door] | str:
            others = {other for one, other in tried if one == source.tenant}
            closed = [
                door
                for member in members
                if member.tenant in others
                for door in doors[member.name] or ()
            ]
            if interrupts.asked:
                return "interrupted"
            report(Event(EventKind.STARTED, _ACTION, source.name, "trying to reach other tenants"))
            began = time.monotonic()
            found = reached(source, doors[source.name], closed, settings)
            report(_told(source, closed, found, time.monotonic() - began))
            return found

        attempts = dict(zip(sources, pool.map(attempt, sources), strict=True))
    checks: dict[str, list[Check]] = {}
    for one, other in tried:
        theirs = {member.name: doors[member.name] for member in members if member.tenant == other}
        found = {
            source.name: _of_servers(theirs, through)
            for source, through in attempts.items()
            if source.tenant == one
        }
        checks.setdefault(f"{TENANT_PREFIX}{one}", []).append(judge((one, other), found, theirs))
    return checks


def _one_of_each_pool(members: Sequence[Member]) -> list[Member]:
    """The servers that try: those of a pool have the same networks and rules."""
    first: dict[tuple[str, str], Member] = {}
    for member in members:
        first.setdefault((member.tenant, member.pool), member)
    return list(first.values())


def _of_servers(servers: Iterable[str], through: list[Door] | str) -> list[Door] | str:
    if isinstance(through, str):
        return through
    return [door for door in through if door.server in servers]


def _told(source: Member, doors: Sequence[Door], found: list[Door] | str, seconds: float) -> Event:
    if isinstance(found, str):
        return Event(EventKind.FAILED, _ACTION, source.name, found, seconds=seconds)
    kind = EventKind.FAILED if found else EventKind.DONE
    said = f"reaches {len(found)} of {len(doors)} open ports of other tenants"
    return Event(kind, _ACTION, source.name, said, seconds=seconds)
