"""Proofs that tenants do not reach each other: their servers try to connect to others' servers.

What listens on a server is what the server itself says, so that a port which nobody planned is
tried too. That rules, routers and networks are as planned is another proof; this one sends packets.
Which servers there are and how they are reached is not known here.
"""

from __future__ import annotations

import json
import random
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kraj.verify.checks import Check, Status
from kraj.verify.over_ssh import last_words, run_over_ssh

CHECK: Final = "isolation.tenants"
#: With more tenants than these each is tried with so many others, the next day with different ones.
EVERY_PAIR_UP_TO: Final = 30
_SECONDS: Final = 300  #: for all that one server tries
#: Runs on the server that tries. A port is closed to it where nothing comes back within the time.
#: Its own ports are among the targets: where even those are closed, the rest would prove nothing.
_PROBE: Final = """\
import concurrent.futures, json, socket, sys
def connects(target):
    try:
        socket.create_connection(target, timeout=3).close()
    except OSError:
        return False
    return True
targets = [tuple(target) for target in json.load(sys.stdin)]
with concurrent.futures.ThreadPoolExecutor(64) as pool:
    through = list(pool.map(connects, targets))
print(json.dumps([target for target, yes in zip(targets, through) if yes]))
"""
_LISTENING: Final = "ss --no-header --listening --numeric --tcp"


@dataclass(frozen=True, slots=True)
class Member:
    """A server of a tenant."""

    tenant: str  #: slug
    pool: str  #: the servers of a pool have the same rules
    name: str
    addresses: tuple[str, ...]  #: fixed ones


@dataclass(frozen=True, slots=True)
class Door:
    """A port on which a server takes connections from other hosts."""

    server: str
    address: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port} ({self.server})"


def pairs(tenants: Sequence[str], day: int) -> list[tuple[str, str]]:
    """Who tries to reach whom: every tenant every other; of many tenants, a part for each.

    `day` chooses that part, the same one all day; each tenant then is tried by as many as it tries.
    """
    ring = sorted(tenants)
    if len(ring) <= EVERY_PAIR_UP_TO:
        return [(one, other) for one in ring for other in ring if one != other]
    random.Random(day).shuffle(ring)  # noqa: S311 - a choice that everybody may foresee
    return sorted(
        (one, ring[(place + step) % len(ring)])
        for place, one in enumerate(ring)
        for step in range(1, EVERY_PAIR_UP_TO)
    )


def listens(member: Member, settings: Path) -> list[Door] | None:
    """The doors of a server, as it says itself; None where it cannot be asked."""
    try:
        done = run_over_ssh(member.name, _LISTENING, settings, seconds=_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode != 0:
        return None
    ports = {found for line in done.stdout.splitlines() if (found := _open_port(line))}
    return [
        Door(member.name, address, port) for address in member.addresses for port in sorted(ports)
    ]


def _open_port(line: str) -> int | None:
    """The port in a line of ss; None where only the server itself reaches it."""
    columns = line.split()
    address, _colon, port = columns[3].rpartition(":") if len(columns) > 3 else ("", "", "")
    bare = address.strip("[]").split("%")[0]
    return None if bare.startswith("127.") or bare == "::1" or not port.isdigit() else int(port)


def reached(
    source: Member, own: Sequence[Door] | None, doors: Sequence[Door], settings: Path
) -> list[Door] | str:
    """Those doors that a server gets through; a text says why it could not try.

    `own` are the server's doors, which it has to reach.
    """
    targets = [(door.address, door.port) for door in (*(own or ()), *doors)]
    try:
        command = f"python3 -c {shlex.quote(_PROBE)}"
        done = run_over_ssh(source.name, command, settings, json.dumps(targets), _SECONDS)
        found = {(address, port) for address, port in json.loads(done.stdout or "[]")}
    except subprocess.TimeoutExpired:
        return f"{source.name} did not end within {_SECONDS} s"
    except (ValueError, TypeError):
        return f"{source.name} said {done.stdout[:200]!r}"
    if done.returncode != 0:
        return f"{source.name}: {last_words(done)}"
    if not any((door.address, door.port) in found for door in own or ()):
        return f"{source.name} does not even reach its own ports"
    return [door for door in doors if (door.address, door.port) in found]


def judge(
    pair: tuple[str, str],
    tried: Mapping[str, list[Door] | str],
    doors: Mapping[str, list[Door] | None],
) -> Check:
    """The verdict on one pair of tenants.

    `tried` has, for each server of the first, the doors of the second that it got through, or why
    it could not try; `doors` has the doors of the second's servers, None where one was not asked.
    """
    one, other = pair
    subject = f"{one} → {other}"
    through = [found for found in tried.values() if isinstance(found, list)]
    opened = sorted({str(door) for found in through for door in found})
    if opened:
        told = ", ".join(opened)
        return Check(CHECK, subject, Status.FAILED, [], opened, f"gets through to {told}")
    silent = [name for name, found in doors.items() if found is None]
    reasons = [found for found in tried.values() if isinstance(found, str)]
    if silent:
        reasons.append(f"{', '.join(sorted(silent))} cannot be asked for open ports")
    count = sum(len(found or ()) for found in doors.values())
    if reasons or not tried or not count:
        message = "; ".join(reasons) or "no server that could try, or none to be tried"
        return Check(CHECK, subject, Status.SKIPPED, message=message)
    return Check(CHECK, subject, Status.PASSED, [], [])
