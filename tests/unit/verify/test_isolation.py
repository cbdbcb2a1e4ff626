"""Tenants that try to reach each other: real sockets; `ssh` runs commands on this machine."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from kraj.verify.checks import Status
from kraj.verify.isolation import Door, Member, judge, listens, pairs, reached

HERE = "127.0.0.1"
ONE = Member("bela", "map", "bela-map-1", (HERE,))
DOOR = Door("turnov-map-1", "10.1.0.7", 443)


@pytest.fixture(autouse=True)
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `ssh` that runs commands on this machine, until the file `gone` is there."""
    program, gone = tmp_path / "bin" / "ssh", tmp_path / "gone"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/bash\n[ -e {gone} ] && {{ echo "No route to host" >&2; exit 255; }}\n'
        'eval "${@: -1}"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return gone


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine that takes connections from everywhere."""
    with socket.create_server(("0.0.0.0", 0)) as listening:  # noqa: S104 - what is to be found
        yield int(listening.getsockname()[1])


def closed_port() -> int:
    with socket.create_server((HERE, 0)) as listening:
        return int(listening.getsockname()[1])


def test_every_tenant_tries_every_other() -> None:
    assert pairs(["b", "a"], 1) == [("a", "b"), ("b", "a")]
    assert pairs(["a"], 1) == []
    assert len(pairs([f"t{number}" for number in range(30)], 1)) == 30 * 29


def test_of_many_tenants_each_tries_as_many_as_try_it_and_others_the_next_day() -> None:
    tenants = [f"t{number:03d}" for number in range(200)]
    today, tomorrow = pairs(tenants, 739_000), pairs(tenants, 739_001)
    assert today == pairs(list(reversed(tenants)), 739_000)
    assert set(Counter(one for one, _other in today).values()) == {29}
    assert set(Counter(other for _one, other in today).values()) == {29}
    assert all(one != other for one, other in today)
    assert len(set(today) & set(tomorrow)) < len(today) / 2


def test_a_server_names_the_ports_that_others_may_reach(port: int, tmp_path: Path) -> None:
    with socket.create_server((HERE, 0)) as own:
        doors = listens(ONE, tmp_path)
        assert doors is not None
        assert Door(ONE.name, HERE, port) in doors
        assert own.getsockname()[1] not in {door.port for door in doors}


def test_a_server_tells_which_ports_it_gets_through(port: int, tmp_path: Path) -> None:
    own, shut = Door(ONE.name, HERE, port), Door("other", HERE, closed_port())
    opened = Door("other", HERE, port)
    assert reached(ONE, [own], [opened, shut], tmp_path) == [opened]


def test_a_server_that_reaches_not_even_itself_proves_nothing(tmp_path: Path) -> None:
    shut = Door(ONE.name, HERE, closed_port())
    for own in ([shut], [], None):
        assert reached(ONE, own, [], tmp_path) == "bela-map-1 does not even reach its own ports"


def test_a_server_that_cannot_be_asked_is_told(ssh: Path, tmp_path: Path) -> None:
    ssh.touch()
    assert listens(ONE, tmp_path) is None
    assert reached(ONE, [], [DOOR], tmp_path) == "bela-map-1: No route to host"


def test_the_verdict_names_tenants_servers_and_ports() -> None:
    check = judge(("bela", "turnov"), {"bela-map-1": [DOOR], "bela-map-2": "lost"}, {"t": [DOOR]})
    assert (check.id, check.subject) == ("isolation.tenants", "bela → turnov")
    assert check.status is Status.FAILED
    assert check.message == "gets through to 10.1.0.7:443 (turnov-map-1)"
    assert check.actual == ["10.1.0.7:443 (turnov-map-1)"]


def test_nothing_reached_is_good_where_something_was_tried() -> None:
    good = judge(("bela", "turnov"), {"bela-map-1": []}, {"turnov-map-1": [DOOR]})
    assert good.status is Status.PASSED


@pytest.mark.parametrize(
    ("tried", "doors", "reason"),
    [
        ({"one": "one is gone"}, {"two": [DOOR]}, "one is gone"),
        ({"one": []}, {"two": None}, "two cannot be asked for open ports"),
        ({"one": []}, {"two": []}, "no server that could try"),
        ({}, {"two": [DOOR]}, "no server that could try"),
    ],
)
def test_what_could_not_be_tried_is_no_proof(
    tried: dict[str, list[Door] | str], doors: dict[str, list[Door] | None], reason: str
) -> None:
    check = judge(("bela", "turnov"), tried, doors)
    assert check.status is Status.SKIPPED
    assert reason in check.message


def test_an_address_of_ipv6_is_written_as_in_an_url() -> None:
    assert str(Door("one", "fd00::7", 22)) == "[fd00::7]:22 (one)"
