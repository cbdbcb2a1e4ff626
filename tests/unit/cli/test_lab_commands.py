"""The commands of `kraj lab` as far as they go without starting OpenStack."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from kraj.lab.settings import LARGEST_OFFSET, LabSettings
from tests.unit.cli.conftest import Outcome

Kraj = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the lab is."""
    for name in ("DATABASE_URL", "TRANSPORT_URL", "MEMCACHED"):
        monkeypatch.delenv(f"KRAJ_LAB_{name}", raising=False)
    monkeypatch.setenv("KRAJ_LAB_DIR", str(tmp_path / "lab"))
    return tmp_path / "lab"


def test_the_port_offset_ends_where_that_of_the_settings_ends(kraj: Kraj) -> None:
    beyond = kraj("lab", "up", "--port-offset", str(LARGEST_OFFSET + 1))
    assert beyond.code == 64
    assert "KRJ701" in beyond.err
    # The largest is taken: it is the other option that is refused.
    largest = kraj("lab", "up", "--port-offset", str(LARGEST_OFFSET), "--memcached", "no-port")
    assert largest.code == 1
    assert "'no-port' is not host:port" in largest.err


def test_the_users_servers_come_from_the_environment_and_no_password_is_shown(
    kraj: Kraj, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_server(("127.0.0.1", 0)) as closed,
    ):
        port, closed_port = server.getsockname()[1], closed.getsockname()[1]
        closed.close()
        account = "kraj:pass-word@127.0.0.1"
        monkeypatch.setenv("KRAJ_LAB_DATABASE_URL", f"mysql://{account}:{port}/town_")
        monkeypatch.setenv("KRAJ_LAB_TRANSPORT_URL", f"rabbit://{account}:{closed_port}/town")
        outcome = kraj("lab", "up", "--port-offset", "17621")
    assert outcome.code == 1
    assert f"your message queue at 127.0.0.1:{closed_port} does not answer" in outcome.err
    assert "KRJ513" in outcome.err
    assert "pass-word" not in outcome.out + outcome.err


@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_memcached_of_the_users_comes_as_option_or_from_the_environment(
    kraj: Kraj, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    if way == "environment":
        monkeypatch.setenv("KRAJ_LAB_MEMCACHED", "no-port")
    outcome = kraj("lab", "up", *(("--memcached", "no-port") if way == "option" else ()))
    assert outcome.code == 1
    assert "'no-port' is not host:port" in outcome.err
    assert "KRJ510" in outcome.err


def test_where_there_is_no_lab_every_command_says_so_and_makes_nothing(
    kraj: Kraj, folder: Path
) -> None:
    status, logs = kraj("lab", "status"), kraj("lab", "logs", "nova-api")
    down, destroy = kraj("lab", "down"), kraj("lab", "destroy")
    assert (status.code, logs.code, down.code, destroy.code) == (1, 1, 0, 0)
    for said in (status.out, logs.err, down.err, destroy.err):
        assert f"lab in {folder}" in said.replace("\n", "")
    assert list(folder.parent.iterdir()) == []


def test_a_lab_is_not_destroyed_where_nobody_answers(
    kraj: Kraj, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LabSettings(folder).claim()
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    outcome = kraj("lab", "destroy")
    assert outcome.code == 1
    assert "KRJ704" in outcome.err
    assert "kraj lab destroy --yes" in outcome.err
    assert (folder / "lab.json").exists()


def test_destroying_a_lab_tells_it_as_json(kraj: Kraj, folder: Path) -> None:
    LabSettings(folder).claim()
    outcome = kraj("lab", "destroy", "--yes", "--json")
    assert outcome.code == 0
    assert outcome.json == {"schema": "kraj.lab.destroy/1", "destroyed": True}
    assert not folder.exists()
