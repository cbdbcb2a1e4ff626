"""The lock of a stack: one worker at a time, over processes and machines that share the bucket.

A lock is a JSON blob as Pulumi's state backends write it (pid, username, hostname, timestamp), with
the command added, so that the real command line respects it and we respect its own. kraj's lock has
one key, which is taken by a write that expects it to be free: one taker wins. A lock of this
machine whose process is dead is taken over; one of another machine never is.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import shlex
import socket
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from kraj.engine.errors import LOCKED, STATE_CHANGED
from kraj.engine.local.buckets.base import ABSENT
from kraj.engine.local.state import now
from kraj.engine.local.store import StateStore
from kraj.errors import KrajError

_COMMAND_LENGTH = 200  #: characters of the command line that a lock keeps
_CLOCK_SLACK_SECONDS = 2.0  #: a lock may be written this long before its process seems to start
_ATTEMPTS = 10  #: to take a lock whose holders come and go


@contextlib.contextmanager
def stack_lock(store: StateStore, note: Callable[[str], None]) -> Iterator[None]:
    """Hold a stack's lock. `note` is told of a dead process's lock. Raises KRJ306."""
    key = f"{store.locks}kraj.json"
    tag = _take(store, key, note)
    try:
        # Pulumi's command line looks before it writes its lock: look again after writing ours.
        _refuse_or_clear(store, note, own=key)
        yield
    finally:
        try:
            store.bucket.delete(key, expect=tag)
        except KrajError as error:
            note(f"the lock at {store.place(key)} could not be removed: {error}")


def refuse_if_locked(store: StateStore, note: Callable[[str], None]) -> None:
    """For a worker that writes its lock itself (Pulumi's command line). Raises KRJ306."""
    _refuse_or_clear(store, note)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has locked a stack, as far as it is known."""

    words: str  #: user, machine, process, since when, command
    #: Whether the process runs on this machine; None: it is another machine's, or not told.
    runs: bool | None


def holders(store: StateStore) -> list[Holder]:
    """All who have locked a stack; changes nothing."""
    blobs = {key: store.bucket.read(key) for key in _keys(store)}
    found = [_parse(blob.data, store.place(key)) for key, blob in blobs.items() if blob]
    return [Holder(_describe(item), _runs_here(item)) for item in found]


def _runs_here(holder: dict[str, Any]) -> bool | None:
    if holder.get("hostname") != socket.gethostname():
        return None
    return not _is_dead(holder)


def break_lock(store: StateStore) -> int:
    """Remove all locks of a stack; returns how many there were."""
    locks = _keys(store)
    for key in locks:
        store.bucket.delete(key)
    return len(locks)


def _take(store: StateStore, key: str, note: Callable[[str], None]) -> str:
    """Write our lock where there is none, or in the place of a dead process's; returns its tag."""
    content = json.dumps(_content()).encode()
    for _attempt in range(_ATTEMPTS):
        _refuse_or_clear(store, note, own=key)
        there = store.bucket.read(key)
        dead = _parse(there.data, store.place(key)) if there else None
        if dead is not None:
            _refuse_living(store, key, dead)
        try:
            tag = store.bucket.write(key, content, expect=there.tag if there else ABSENT)
        except KrajError as error:
            if error.code is not STATE_CHANGED:
                raise
            continue  # somebody was faster: look who
        if dead is not None:
            note(_took_over(dead))
        return tag
    raise KrajError(LOCKED, f"the lock of {store.project}/{store.stack} goes from hand to hand")


def _keys(store: StateStore) -> list[str]:
    return [key for key in store.bucket.list(store.locks) if key.endswith(".json")]


def _content() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "username": getpass.getuser(),
        "hostname": socket.gethostname(),
        "timestamp": now(),
        "started": _start_of(os.getpid()),
        "command": shlex.join(sys.argv)[:_COMMAND_LENGTH],
        "id": str(uuid.uuid4()),  # no two locks have the same content
    }


def _refuse_or_clear(
    store: StateStore, note: Callable[[str], None], own: str | None = None
) -> None:
    """Raises KRJ306 for a lock that is not under `own`; removes those of dead processes."""
    for key in _keys(store):
        blob = store.bucket.read(key) if key != own else None
        if blob is None:
            continue
        holder = _parse(blob.data, store.place(key))
        _refuse_living(store, key, holder)
        store.bucket.delete(key, expect=blob.tag)
        note(_took_over(holder))


def _refuse_living(store: StateStore, key: str, holder: dict[str, Any]) -> None:
    if _is_dead(holder):
        return
    elsewhere = holder.get("hostname") not in (None, socket.gethostname())
    raise KrajError(
        LOCKED,
        f"stack {store.project}/{store.stack} is being worked on by {_describe(holder)}",
        hint=f"Whether it still runs can be seen on {holder['hostname']} only. {LOCKED.remedy}"
        if elsewhere
        else "",
        details={"holder": holder, "lock": store.place(key)},
    )


def _parse(data: bytes, place: str) -> dict[str, Any]:
    try:
        content = json.loads(data)
    except ValueError:
        content = None
    return content if isinstance(content, dict) else {"path": place}


def _took_over(holder: dict[str, Any]) -> str:
    return f"took over the lock of {_describe(holder)}: that process is dead"


def _describe(holder: dict[str, Any]) -> str:
    if "pid" not in holder:
        return f"the holder of the unreadable lock {holder.get('path')}"
    command = f", `{holder['command']}`" if holder.get("command") else ""
    return (
        f"{holder.get('username')}@{holder.get('hostname')} (process {holder['pid']}, "
        f"since {holder.get('timestamp')}{_age(holder)}{command})"
    )


def _age(holder: dict[str, Any]) -> str:
    """How long ago a lock was taken, to the minute: `, 2:05 hours ago`."""
    try:
        taken = datetime.fromisoformat(str(holder.get("timestamp")))
        minutes = (datetime.now(UTC) - taken) // timedelta(minutes=1)
    except (ValueError, TypeError):
        return ""
    if minutes < 60:
        return f", {max(minutes, 0)} min ago"
    return f", {minutes // 60}:{minutes % 60:02} hours ago"


def _is_dead(holder: dict[str, Any]) -> bool:
    """Whether the holder was a process of this machine and is gone (or its number reused)."""
    if holder.get("hostname") != socket.gethostname() or not isinstance(holder.get("pid"), int):
        return False
    try:
        process = psutil.Process(holder["pid"])
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        started = process.create_time()
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
    if holder.get("started"):
        return bool(holder["started"] != _start_of(holder["pid"]))
    return _began_later(started, str(holder.get("timestamp")))


def _began_later(started: float, timestamp: str) -> bool:
    """Whether a process began after a lock of Pulumi's was taken, as far as the clock tells."""
    try:
        return started > datetime.fromisoformat(timestamp).timestamp() + _CLOCK_SLACK_SECONDS
    except ValueError:
        return False


def _start_of(pid: int) -> str:
    """When a process began, by what no change of the clock touches; empty where it is not told.

    The boot of the machine and the ticks since then (proc(5): field 22 of /proc/[pid]/stat).
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return f"{boot}:{fields[19].decode()}"
