"""Proofs from inside: real tests, run by real pytest and testinfra; `ssh` runs commands here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kraj.verify.checks import Check, Status
from kraj.verify.inside import Inside, look_inside, ssh_settings

NAME = "lib-563871-map-1"
TESTS = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_numbers(host, number):
    assert host.run(f"echo {number}").stdout.strip() == "1", "only one is right"

def test_the_kernel(host):
    pytest.skip("the kernel is the machine's")

@pytest.fixture
def broken(host):
    raise RuntimeError("no such thing")

def test_with_a_broken_fixture(broken):
    pass
"""


@pytest.fixture
def server(tmp_path: Path) -> Inside:
    """A server with one role whose tests are those above, and one that has none."""
    tests = tmp_path / "roles" / "map" / "tests"
    tests.mkdir(parents=True)
    (tests / "test_map.py").write_text(TESTS, encoding="utf-8")
    (tests / "test_image.py").write_text("raise SystemExit", encoding="utf-8")
    return Inside(NAME, "debian", ("base", "map"), {"ansible_host": "192.0.2.7"})


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs `ssh` and `sudo` that run commands on this machine; the file is SSH's last words."""
    programs, words = tmp_path / "bin", tmp_path / "refused"
    programs.mkdir()
    refuse = f"[ -e {words} ] && {{ cat {words} >&2; exit 255; }}"
    for name, script in (("ssh", f'{refuse}; eval "${{@: -1}}"'), ("sudo", 'exec "$@"')):
        (programs / name).write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return words


def looked(server: Inside, folder: Path) -> dict[str, Check]:
    settings = folder / "ssh_config"
    settings.write_text(ssh_settings([server], folder), encoding="utf-8")
    checks = look_inside(server, folder / "roles", settings, folder)
    assert {check.subject for check in checks} == {NAME}
    return {check.id: check for check in checks}


@pytest.mark.usefixtures("ssh")
def test_each_test_of_a_role_is_a_check_under_its_own_name(server: Inside, tmp_path: Path) -> None:
    found = looked(server, tmp_path)
    assert {name: check.status for name, check in found.items()} == {
        "inside.reachable": Status.PASSED,
        "inside.map.numbers[1]": Status.PASSED,
        "inside.map.numbers[2]": Status.FAILED,
        "inside.map.the_kernel": Status.SKIPPED,
        "inside.map.with_a_broken_fixture": Status.FAILED,
    }
    assert "only one is right" in found["inside.map.numbers[2]"].message
    assert found["inside.map.the_kernel"].message == "the kernel is the machine's"
    assert "no such thing" in found["inside.map.with_a_broken_fixture"].message


def test_a_server_that_cannot_be_reached_is_one_failed_check(
    server: Inside, ssh: Path, tmp_path: Path
) -> None:
    ssh.write_text("Warning: first\nssh: connect to host 192.0.2.7 port 22: No route to host\n")
    (check,) = looked(server, tmp_path).values()
    assert (check.id, check.status) == ("inside.reachable", Status.FAILED)
    assert check.message == "ssh: connect to host 192.0.2.7 port 22: No route to host"


@pytest.mark.usefixtures("ssh")
def test_tests_that_cannot_be_read_are_a_failure_with_the_reason(
    server: Inside, tmp_path: Path
) -> None:
    file = tmp_path / "roles" / "map" / "tests" / "test_map.py"
    file.write_text("import nothing_of_that_name\n", encoding="utf-8")
    failures = [check for check in looked(server, tmp_path).values() if check.status == "failed"]
    assert len(failures) == 1


@pytest.mark.usefixtures("ssh")
def test_a_server_without_tests_is_said_to_be_skipped(server: Inside, tmp_path: Path) -> None:
    bare = Inside(NAME, "debian", (), server.connection)
    found = looked(bare, tmp_path)
    assert found["inside.tests"].status is Status.SKIPPED
    assert found["inside.tests"].message == "no tests: no role"


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh in PATH")
def test_openssh_reads_the_way_to_each_server(tmp_path: Path) -> None:
    arguments = (
        "-o 'UserKnownHostsFile=\"/a folder/known_hosts\"' -o StrictHostKeyChecking=yes "
        "-o 'ProxyCommand=ssh -o HostKeyAlias=bastion -W [%h]:%p debian@198.51.100.7'"
    )
    server = Inside(
        NAME,
        "debian",
        (),
        {"ansible_host": "10.64.16.11", "ansible_ssh_common_args": arguments},
    )
    other = Inside("other", "", (), {"ansible_host": "198.51.100.7"})
    settings = tmp_path / "ssh_config"
    settings.write_text(ssh_settings([server, other], tmp_path), encoding="utf-8")
    done = subprocess.run(
        ["ssh", "-F", settings, "-G", NAME], capture_output=True, text=True, check=True
    )
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert (told["hostname"], told["user"]) == ("10.64.16.11", "debian")
    assert told["stricthostkeychecking"] in ("true", "yes")
    assert told["userknownhostsfile"].strip('"') == "/a folder/known_hosts"
    assert told["proxycommand"].endswith("-W [%h]:%p debian@198.51.100.7")
    assert told["controlpath"] == f"{tmp_path}/p0"
