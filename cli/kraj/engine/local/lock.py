"""The lock of a stack: one worker at a time, over processes and machines that share the folder.

A lock is a JSON file as Pulumi's file backend writes it (pid, username, hostname, timestamp), with
the command added, so that the real command line respects it and we respect its own. A lock of this
machine whose process is dead is taken over; one of another machine never is.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import json
import os
import shlex
import socket
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from kraj.engine.errors import LOCKED, STATE_NOT_WRITTEN
from kraj.engine.local.state import now
from kraj.engine.local.store import StateStore, write_atomically
from kraj.errors import KrajError

_COMMAND_LENGTH = 200  #: characters of the command line that a lock keeps
_CLOCK_SLACK_SECONDS = 2.0  #: a lock may be written this long before its process seems to start


@contextlib.contextmanager
def stack_lock(store: StateStore, note: Callable[[str], None]) -> Iterator[None]:
    """Hold a stack's lock. `note` is told of a dead process's lock. Raises KRJ306."""
    path = store.locks / f"{uuid.uuid4()}.json"
    with _one_at_a_time(store):
        _refuse_or_clear(store, note)
        write_atomically(path, json.dumps(_content()).encode())
    try:
        # Pulumi's command line writes its lock without our guard: look again.
        _refuse_or_clear(store, note, own=path)
        yield
    finally:
        path.unlink(missing_ok=True)


def refuse_if_locked(store: StateStore, note: Callable[[str], None]) -> None:
    """For a worker that writes its lock itself (Pulumi's command line). Raises KRJ306."""
    with _one_at_a_time(store):
        _refuse_or_clear(store, note)


def break_lock(store: StateStore) -> int:
    """Remove all locks of a stack; returns how many there were."""
    with _one_at_a_time(store):
        locks = list(store.locks.glob("*.json"))
        for lock in locks:
            lock.unlink(missing_ok=True)
    return len(locks)


@contextlib.contextmanager
def _one_at_a_time(store: StateStore) -> Iterator[None]:
    """Look and lock as one act among processes of kraj (the guard is none of Pulumi's files)."""
    guard = store.root / "kraj" / f"{store.project}.{store.stack}.guard"
    try:
        guard.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(guard, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise KrajError(STATE_NOT_WRITTEN, f"cannot write {guard}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _content() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "username": getpass.getuser(),
        "hostname": socket.gethostname(),
        "timestamp": now(),
        "command": shlex.join(sys.argv)[:_COMMAND_LENGTH],
    }


def _refuse_or_clear(
    store: StateStore, note: Callable[[str], None], own: Path | None = None
) -> None:
    for path in sorted(store.locks.glob("*.json")):
        holder = _read(path)
        if path == own or holder is None:
            continue
        if _is_dead(holder):
            path.unlink(missing_ok=True)
            note(f"took over the lock of {_describe(holder)}: that process is dead")
            continue
        raise KrajError(
            LOCKED,
            f"stack {store.project}/{store.stack} is being worked on by {_describe(holder)}",
            details={"holder": holder, "lock": str(path)},
        )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        content = None
    return content if isinstance(content, dict) else {"path": str(path)}


def _describe(holder: dict[str, Any]) -> str:
    if "pid" not in holder:
        return f"the holder of the unreadable lock {holder.get('path')}"
    command = f", `{holder['command']}`" if holder.get("command") else ""
    return (
        f"{holder.get('username')}@{holder.get('hostname')} (process {holder['pid']}, "
        f"since {holder.get('timestamp')}{command})"
    )


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
    try:
        locked = datetime.fromisoformat(str(holder.get("timestamp"))).timestamp()
    except ValueError:
        return False
    return started > locked + _CLOCK_SLACK_SECONDS
