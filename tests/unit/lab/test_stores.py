"""Servers of the user's that the lab shall use: are they looked at before anything is built?"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.events import Event, ignore
from kraj.lab import Lab, LabSettings
from kraj.lab.errors import STORE_UNUSABLE
from kraj.lab.stores import reach, users_stores

DATABASE = "mysql://kraj:pass-word@127.0.0.1:{}/town_"
QUEUE = "rabbit://kraj:pass-word@127.0.0.1:{}/town"


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_lab_with_stores_of_its_own_has_none_of_the_users(tmp_path: Path) -> None:
    settings = LabSettings(tmp_path)
    assert list(users_stores(settings)) == []
    reach(settings)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("database_url", DATABASE, "your database at 127.0.0.1:{} "),
        ("transport_url", QUEUE, "your message queue at 127.0.0.1:{} "),
        ("memcached", "127.0.0.1:{}", "your memcached at 127.0.0.1:{} "),
    ],
)
def test_a_server_that_does_not_answer_is_named_without_its_password(
    tmp_path: Path, closed_port: int, setting: str, value: str, told: str
) -> None:
    settings = LabSettings(tmp_path, **{setting: value.format(closed_port)})
    with pytest.raises(KrajError) as caught:
        reach(settings)
    assert caught.value.code is STORE_UNUSABLE
    assert caught.value.message.startswith(told.format(closed_port))
    assert "pass-word" not in caught.value.message


def test_servers_that_answer_are_let_pass(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        reach(LabSettings(tmp_path, memcached=f"127.0.0.1:{port}"))


def test_a_lab_that_made_no_databases_is_destroyed_without_the_users_server(
    tmp_path: Path, closed_port: int
) -> None:
    settings = LabSettings(tmp_path / "lab", database_url=DATABASE.format(closed_port))
    settings.claim()
    Lab(settings).destroy(ignore)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_installed_before_a_server_of_the_users_answers(
    tmp_path: Path, closed_port: int
) -> None:
    folder, events = tmp_path / "lab", list[Event]()
    offset = 17421
    lab = Lab(LabSettings(folder, (), offset, database_url=DATABASE.format(closed_port)))
    with pytest.raises(KrajError) as caught:
        lab.up(events.append)
    assert caught.value.code is STORE_UNUSABLE
    assert events[-1].message.startswith("reaching your servers: your database at ")
    assert [path.name for path in folder.iterdir()] == ["lab.json"]
