"""Proofs from inside servers: the testinfra tests of their roles, run over SSH, as checks.

The tests of a role (`roles/<role>/tests`) are run by pytest in a process of its own per server, as
anybody can run them by hand. Which servers there are and how they are reached is not known here.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from junitparser import JUnitXml, Skipped, TestCase, TestSuite

from kraj.secrecy import without_secrets
from kraj.verify.checks import Check, Status
from kraj.verify.over_ssh import last_words, run_over_ssh, ssh_environment

#: Tests of images, which are no configured servers: `kraj image test` runs them.
_OF_IMAGES: Final = "test_image"
_PERSIST_SECONDS: Final = 60
_LONGEST_MESSAGE: Final = 600  #: characters
_LAST_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class Inside:
    """A server that is looked at from inside."""

    name: str
    login: str
    roles: tuple[str, ...]
    connection: Mapping[str, str]  #: Ansible's connection variables


def tests_of(roles: Path, role: str) -> list[Path]:
    """The files with the tests of a role for configured servers, by name."""
    found = (roles / role / "tests").glob("test_*.py")
    return sorted(path for path in found if not path.name.startswith(_OF_IMAGES))


def ssh_settings(servers: Sequence[Inside], sockets: Path) -> str:
    """A file of settings for SSH by which each server is reached under its name."""
    lines: list[str] = []
    for number, server in enumerate(servers):
        lines += [f"Host {server.name}", f"  HostName {server.connection['ansible_host']}"]
        if server.login:
            lines.append(f"  User {server.login}")
        words = shlex.split(server.connection.get("ansible_ssh_common_args", ""))
        options = [word for option, word in pairwise(words) if option == "-o"]
        lines += [f"  {option.replace('=', ' ', 1)}" for option in options]
        lines += [
            "  ControlMaster auto",
            f"  ControlPersist {_PERSIST_SECONDS}",
            f"  ControlPath {sockets}/p{number}",
        ]
    return "\n".join(lines) + "\n"


def look_inside(server: Inside, roles: Path, settings: Path, folder: Path) -> tuple[Check, ...]:
    """Sign in to a server and run the tests of its roles; changes nothing there.

    `settings` is a file with `ssh_settings`, `folder` one of this run's own.
    """
    lost = _no_way_in(server, settings)
    if lost:
        return (_failed("inside.reachable", server.name, lost),)
    reached = Check("inside.reachable", server.name, Status.PASSED, "answers", "answers")
    files = [path for role in server.roles for path in tests_of(roles, role)]
    if not files:
        message = f"no tests: {', '.join(server.roles) or 'no role'}"
        return (reached, Check("inside.tests", server.name, Status.SKIPPED, message=message))
    report = folder / f"{server.name}.xml"
    done = _run_tests(server, files, roles, settings, report)
    found = checks_in(report, server.name) if report.exists() else ()
    if not found:
        lines = (done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:]
        return (reached, _failed("inside.tests", server.name, "\n".join(lines)))
    return (reached, *found)


def checks_in(report: Path, server: str) -> tuple[Check, ...]:
    """The checks in a report of pytest's (JUnit, family xunit1, which names files)."""
    return tuple(_check(case, server) for case in _cases(JUnitXml.fromfile(str(report))))


def _cases(report: JUnitXml) -> Iterator[TestCase]:
    for suite in report:
        if isinstance(suite, TestSuite):
            yield from suite
        else:
            yield suite


def _check(case: TestCase, server: str) -> Check:
    file = Path(str(case._elem.get("file") or ""))
    role = file.parts[-3] if len(file.parts) > 2 else ""
    identity = ".".join(part for part in ("inside", role, _words(str(case.name), server)) if part)
    outcomes = list(case.result)
    if not outcomes:
        return Check(identity, server, Status.PASSED, "holds", "holds")
    message = str(outcomes[0].message or "").strip()
    if all(isinstance(outcome, Skipped) for outcome in outcomes):
        return Check(identity, server, Status.SKIPPED, message=message)
    return _failed(identity, server, message or str(outcomes[0].text or ""))


def _words(name: str, server: str) -> str:
    """A test's name without the server, which testinfra puts among its parameters."""
    bare = re.sub(rf"\[[a-z]+://{re.escape(server)}-?", "[", name)
    return bare.replace("[]", "").removeprefix("test_")


def _failed(identity: str, server: str, message: str) -> Check:
    told = without_secrets(message.removeprefix("AssertionError: "))[:_LONGEST_MESSAGE]
    return Check(identity, server, Status.FAILED, "holds", "does not", told)


def _no_way_in(server: Inside, settings: Path) -> str:
    """Why SSH does not get in; empty where it does."""
    done = run_over_ssh(server.name, "true", settings)
    return last_words(done) if done.returncode else ""


def _run_tests(
    server: Inside, files: Sequence[Path], roles: Path, settings: Path, report: Path
) -> subprocess.CompletedProcess[str]:
    own = report.with_suffix(".ini")
    own.write_text("[pytest]\n", encoding="utf-8")  # in place of the project's settings
    command = [
        sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short", "-c", str(own),
        "-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib",
        "-o", "junit_family=xunit1", f"--rootdir={roles.parent}", f"--junitxml={report}",
        f"--ssh-config={settings}", f"--hosts=ssh://{server.name}?sudo=true", *map(str, files),
    ]  # fmt: skip
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=ssh_environment(),
        cwd=roles.parent,
    )
