"""What Ansible says when a task fails or a server is lost, as errors with place, reason and hint.

Only the words are read here; that a run has failed, `kraj.configure.following` knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kraj.configure.errors import HOST_KEY_UNKNOWN, TASK_FAILED, UNREACHABLE
from kraj.configure.host_keys import changed_key
from kraj.configure.results import Task
from kraj.errors import KrajError
from kraj.secrecy import without_secrets

_LINES: Final = 8  #: of a program's output that an error shows
#: OpenSSH's words, in the language that the runner asks for.
_NO_KEY: Final = re.compile(r"host key is known for (\S+) and you have requested strict checking")
_OTHER_KEY: Final = re.compile(
    r"host key for (\S+) has changed|REMOTE HOST IDENTIFICATION HAS CHANGED", re.IGNORECASE
)
#: Lines that say that a way has ended, and not why.
_NO_REASON: Final = re.compile(
    r"stdio forwarding failed|Connection (closed|reset) by UNKNOWN|kex_exchange_identification"
    r"|during banner exchange|^Connection to .+ timed out$"
)
#: What stands around SSH's own words.
_AROUND: Final = re.compile(r"^(Task failed: )?(Failed to connect to the host via ssh: )?")


def words_of(answer: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """A module's reason for its failure, and the last lines of what its program said."""
    if answer.get("censored"):
        return "not shown, because the task handles secrets (no_log)", ()
    items = answer.get("results")
    failed = [one for one in items if one.get("failed")] if isinstance(items, list) else []
    one = failed[0] if failed else answer
    reason = str(one.get("msg") or one.get("reason") or one.get("skip_reason") or "")
    label = one.get("_ansible_item_label", one.get("item")) if failed else None
    said = next(
        (
            one[key]
            for key in ("stderr", "module_stderr", "stdout", "module_stdout")
            if one.get(key)
        ),
        "",
    )
    lines = tuple(without_secrets(line) for line in str(said).splitlines()[-_LINES:])
    words = f"item {label}: {reason}" if label is not None else reason
    return without_secrets(words), lines


def failed_task(host: str, task: Task, answer: Mapping[str, Any]) -> KrajError:
    """KRJ843: a task that ended a server's part of the run."""
    reason, lines = words_of(answer)
    return KrajError(
        TASK_FAILED,
        f"{host}: {task.title}: {reason or 'failed without a word'}",
        task.place,
        causes=lines,
        details={"server": host, "role": task.role, "task": task.name, "module": task.module},
    )


def lost_server(host: str, answer: Mapping[str, Any], known_hosts: Path) -> KrajError:
    """KRJ842, or KRJ844 and KRJ845 where SSH refused the server for its key."""
    words = _AROUND.sub("", str(answer.get("msg") or "")).replace("\r", "").strip()
    lines = [line for line in words.splitlines() if line.strip() and not line.startswith("@@@")]
    unknown, other = _NO_KEY.search(words), _OTHER_KEY.search(words)
    if unknown:
        return KrajError(
            HOST_KEY_UNKNOWN,
            f"{host}: no host key of {unknown[1]} in {known_hosts}",
            causes=tuple(lines[-_LINES:]),
            details={"server": host},
        )
    if other:
        error = changed_key(other[1] or host, known_hosts, lines[-1] if lines else "")
        error.details["server"] = host
        return error
    reasons = [line for line in lines if not _NO_REASON.search(line)] or lines
    return KrajError(
        UNREACHABLE,
        f"{host}: {reasons[-1] if reasons else 'no answer'}",
        causes=tuple(line for line in lines[-_LINES:] if line not in reasons[-1:]),
        details={"server": host},
    )
