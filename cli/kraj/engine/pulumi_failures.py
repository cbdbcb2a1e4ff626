"""What went wrong in a run of Pulumi's command line, as one error of kraj.

First the event stream's word (which resource, what the provider said), then the command's own last
words. The texts matched here are those of pulumi 3.250; where none matches, the error is KRJ355
with the command's words as its causes, so nothing is lost.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from kraj.engine.base import StackSpec
from kraj.engine.errors import (
    BAD_STACK,
    DUPLICATE_RESOURCE,
    INTERRUPTED,
    INVALID_INPUTS,
    LOCKED,
    PROGRAM_FAILED,
    PROTECTED,
    RESOURCE_FAILED,
    RESOURCE_MISSING,
    STACK_NOT_EMPTY,
    STATE_UNREADABLE,
    WRONG_PASSPHRASE,
)
from kraj.engine.local.urns import name_of, type_of
from kraj.engine.pulumi_errors import BACKEND_FAILED, COMMAND_FAILED, PLUGIN_MISSING
from kraj.engine.pulumi_events import Diagnostic, Recorder
from kraj.errors import ErrorCode, ExitCode, KrajError

_NOISE: Final = re.compile(r"^(update|preview|destroy|refresh|BUG|step application) failed")
_LOCK: Final = re.compile(r"created by (\S+?)@(\S+) \(pid (\d+)\) at (\S+)")
_MISSING: Final = re.compile(r"""resource '([^']+)' does not exist|unknown stack "([^"]+)\"""")
_PLUGIN: Final = re.compile(r"no (\S+) plugin '(?:pulumi-\w+-)?([^']+)' found in the workspace")

#: Words of the command → code and what kraj says; `{label}` is the stack's.
_TEXTS: Final[Sequence[tuple[re.Pattern[str], ErrorCode, str]]] = (
    (
        re.compile(r"incorrect passphrase|message authentication failed"),
        WRONG_PASSPHRASE,
        "the passphrase does not fit the secrets of {label}",
    ),
    (
        re.compile(r"still has resources"),
        STACK_NOT_EMPTY,
        "{label} still has resources in its state",
    ),
    (
        re.compile(
            r"PULUMI_ACCESS_TOKEN must be set|unable to open bucket|problem logging in|blob \("
        ),
        BACKEND_FAILED,
        "the state of {label} cannot be reached",
    ),
    (
        re.compile(r"does not match the stack|is from a different stack"),
        BAD_STACK,
        "the state is of another stack than {label}",
    ),
    (
        re.compile(r"deployment .*version|could not deserialize|unmarshal|snapshot integrity"),
        STATE_UNREADABLE,
        "the state of {label} cannot be read",
    ),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """All that is known of a run that failed."""

    spec: StackSpec
    action: str
    words: str  #: what the command printed last
    interrupted: bool = False
    recorder: Recorder | None = None


def explain(failure: Failure) -> KrajError:
    """The error to be shown."""
    readers: Sequence[Callable[[Failure], KrajError | None]] = (
        _plugin,
        _resources,
        _program,
        _interruption,
        _lock,
        _known_words,
    )
    for reader in readers:
        error = reader(failure)
        if error is not None:
            if failure.interrupted:
                error.details.update(_INTERRUPTED)
            return error
    return KrajError(
        COMMAND_FAILED,
        f"`pulumi` failed at {failure.action} of {failure.spec.label}",
        causes=_lines(failure.words) or [item.message for item in _errors(failure)],
    )


#: How the command line learns that the exit code is that of Ctrl-C.
_INTERRUPTED: Final = {"interrupted": True, "exit_code": int(ExitCode.INTERRUPTED)}


def _errors(failure: Failure) -> list[Diagnostic]:
    found = failure.recorder.errors if failure.recorder else []
    return [item for item in found if not _NOISE.match(item.message)]


def _plugin(failure: Failure) -> KrajError | None:
    for text in (*(item.message for item in _errors(failure)), failure.words):
        match = _PLUGIN.search(text)
        if match:
            kind, name = match.groups()
            version = re.search(r"at version v?([^\s,]+)", text)
            wanted = f"{name} {version.group(1)}" if version else name
            return KrajError(
                PLUGIN_MISSING,
                f"the {kind} plugin {wanted} is not installed",
                details={"plugin": name, "version": version.group(1) if version else ""},
            )
    return None


def _resources(failure: Failure) -> KrajError | None:
    """One error for the first resource that failed, the others among its details."""
    by_urn: dict[str, list[str]] = {}
    for item in _errors(failure):
        if item.urn:
            by_urn.setdefault(item.urn, []).append(item.message)
    operations = {step.urn: step for step in (failure.recorder.failed if failure.recorder else ())}
    found = [
        _resource(urn, operations[urn].operation.value if urn in operations else "", messages)
        for urn, messages in by_urn.items()
    ]
    if not found:
        return None
    first, *others = found
    if others:
        first.causes = [*first.causes, *(f"also: {other.message}" for other in others)]
        first.details["also"] = [other.as_dict() for other in others]
    return first


def _resource(urn: str, operation: str, messages: Sequence[str]) -> KrajError:
    said = tuple(dict.fromkeys(messages))
    where = f"{type_of(urn)} {name_of(urn)!r}"
    text = said[0]
    details = {"urn": urn, "operation": operation}
    if "Duplicate resource URN" in text:
        return KrajError(DUPLICATE_RESOURCE, f"there are two of {where}", details=details)
    if "protect" in text and ("delete" in text or "replace" in text):
        verb = "delete" if "delete" in text else "replace"
        return KrajError(
            PROTECTED,
            f"the change would {verb} what is protected: {where}",
            details={**details, "urns": [urn]},
        )
    if missing := _MISSING.search(text):
        message = f"{where}: there is no {(missing.group(1) or missing.group(2))!r}"
        return KrajError(RESOURCE_MISSING, message, details=details)
    if operation:
        message = f"cannot {operation} {where}: {text}"
        return KrajError(RESOURCE_FAILED, message, causes=said[1:], details=details)
    # Before any step of it began, it was the provider's check that refused.
    return KrajError(INVALID_INPUTS, f"{where}: {text}", causes=said[1:], details=details)


def _program(failure: Failure) -> KrajError | None:
    """The program's own error, with the lines of the program that led there."""
    if failure.interrupted:
        return None
    for item in _errors(failure):
        if item.urn:
            continue
        said = failure.recorder.remarks[-5:] if failure.recorder else ()
        return KrajError(
            PROGRAM_FAILED,
            f"the program of {failure.spec.label} failed: {_exception(item.message)}",
            causes=_frames(item.message) or said,
        )
    return None


def _frames(traceback: str) -> list[str]:
    """The places in the program of a traceback of Python, outermost first."""
    lines = [line.strip() for line in traceback.splitlines() if line.strip(" ~^")]
    return [
        f"{line}: {code}"
        for line, code in pairwise(lines)
        if line.startswith('File "') and not any(part in line for part in _NOT_OURS)
    ]


def _exception(traceback: str) -> str:
    """What is said after the frames of a traceback, in one line."""
    lines = traceback.splitlines()
    frames = [at for at, line in enumerate(lines) if line.startswith('  File "')]
    start = frames[-1] + 1 if frames else 0
    while frames and start < len(lines) and lines[start].startswith(" "):
        start += 1
    text = " ".join(line.strip() for line in lines[start:] if line.strip())
    text = text.removeprefix(_UNHANDLED).removeprefix("Exception: ")
    return _INVOKE.sub(lambda match: f"{match.group(1)}: ", text)


_UNHANDLED: Final = "an unhandled error occurred: "
#: A look-up in the cloud that failed, as the SDK, the engine and the provider each wrap it.
_INVOKE: Final = re.compile(
    r"invoke of (\S+) failed: .*?invoking \1: (?:\d+ errors? occurred: )?(?:\* )?"
)
#: Places of a traceback that say nothing about the program.
_NOT_OURS: Final = (
    "site-packages",
    '"<frozen',
    "pulumi-language-python-exec",
    sysconfig.get_paths()["stdlib"],
)


def _interruption(failure: Failure) -> KrajError | None:
    if not failure.interrupted:
        return None
    return KrajError(INTERRUPTED, f"{failure.action} of {failure.spec.label} was interrupted")


def _lock(failure: Failure) -> KrajError | None:
    if "the stack is currently locked" not in failure.words:
        return None
    spec = failure.spec
    match = _LOCK.search(failure.words)
    holder = (
        dict(zip(("username", "hostname", "pid", "timestamp"), match.groups(), strict=True))
        if match
        else {}
    )
    who = (
        f"{holder['username']}@{holder['hostname']} (process {holder['pid']}, since "
        f"{holder['timestamp']})"
        if holder
        else "another process"
    )
    return KrajError(
        LOCKED,
        f"stack {spec.project}/{spec.stack} is being worked on by {who}",
        details={"holder": holder},
    )


def _known_words(failure: Failure) -> KrajError | None:
    for pattern, code, message in _TEXTS:
        if pattern.search(failure.words):
            return KrajError(
                code, message.format(label=failure.spec.label), causes=_lines(failure.words)
            )
    return None


def _lines(words: str) -> list[str]:
    """The last lines that say something."""
    lines = [line.strip().removeprefix("error: ") for line in words.splitlines()]
    return [line for line in lines if line][-8:]
