"""A lab as a whole, as far as it goes without starting OpenStack."""

from __future__ import annotations

import fcntl
import socket
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from kraj.errors import KrajError
from kraj.events import Event, EventKind, ignore
from kraj.lab import Lab, LabSettings
from kraj.lab.errors import BUSY, FOREIGN_FOLDER, NOT_CREATED, PORT_TAKEN, UNKNOWN_SERVICE
from kraj.lab.programs import MARK


def test_a_lab_that_was_never_made_has_a_status_but_no_logs(tmp_path: Path) -> None:
    lab = Lab(LabSettings(tmp_path / "lab"))
    status = lab.status()
    assert (status.exists, status.running, status.services) == (False, False, ())
    with pytest.raises(KrajError) as caught:
        lab.logs("nova-api", 10)
    assert caught.value.code is NOT_CREATED


def test_a_lab_that_is_down_names_its_services(tmp_path: Path) -> None:
    settings = LabSettings(tmp_path / "lab", ("swift",))
    settings.claim()
    status = Lab(LabSettings(tmp_path / "lab")).status()
    assert status.exists
    assert not status.running
    assert {service.state for service in status.services} == {"STOPPED"}
    assert "swift-proxy" in {service.name for service in status.services}


def test_logs_of_an_unknown_service_name_those_there_are(tmp_path: Path) -> None:
    LabSettings(tmp_path / "lab").claim()
    with pytest.raises(KrajError) as caught:
        Lab(LabSettings(tmp_path / "lab")).logs("heat", 10)
    assert caught.value.code is UNKNOWN_SERVICE
    assert "'heat'" in caught.value.message
    assert "keystone-api" in caught.value.message


def test_a_folder_that_is_no_lab_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(KrajError) as caught:
        Lab(LabSettings(tmp_path)).destroy(ignore)
    assert caught.value.code is FOREIGN_FOLDER
    assert (tmp_path / "letter.txt").read_text() == "mine"


def test_destroying_what_is_not_there_is_fine(tmp_path: Path) -> None:
    events: list[Event] = []
    Lab(LabSettings(tmp_path / "lab")).destroy(events.append)
    assert [event.kind for event in events] == [EventKind.DONE]


def test_destroying_a_lab_that_is_down_leaves_nothing(tmp_path: Path) -> None:
    LabSettings(tmp_path / "lab").claim()
    (tmp_path / "lab" / "data").mkdir()
    Lab(LabSettings(tmp_path / "lab")).destroy(ignore)
    assert list(tmp_path.iterdir()) == []


def test_a_second_kraj_is_told_who_works_on_the_lab(tmp_path: Path) -> None:
    LabSettings(tmp_path / "lab").claim()
    with (tmp_path / ".lab.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 4711")
        lock.flush()
        with pytest.raises(KrajError) as caught:
            Lab(LabSettings(tmp_path / "lab")).down(ignore)
    assert caught.value.code is BUSY
    assert "process 4711" in caught.value.message


def test_a_failed_start_tells_its_step_and_can_be_counted(tmp_path: Path) -> None:
    lab = Lab(LabSettings(tmp_path / "lab", port_offset=17321))
    events: list[Event] = []
    port = lab.settings.ports["keystone"]
    with socket.create_server(("127.0.0.1", port)), pytest.raises(KrajError) as caught:
        lab.up(events.append)
    assert caught.value.code is PORT_TAKEN
    assert f"port {port} for keystone is held by" in caught.value.message
    assert [event.kind for event in events] == [
        EventKind.STARTED,
        EventKind.PROGRESS,
        EventKind.FAILED,
    ]
    assert events[-1].message == f"checking ports and disk: {caught.value.message}"
    assert all(event.completed == 0 and event.total == 11 for event in events)


def test_what_a_killed_start_left_running_is_ended(tmp_path: Path) -> None:
    settings = LabSettings(tmp_path / "lab")
    settings.claim()
    environment = {"PATH": "/usr/bin:/bin", MARK: str(settings.folder)}
    leftover = psutil.Popen(["sleep", "60"], env=environment)
    try:
        Lab(settings).down(ignore)
        assert leftover.wait(20) != 0
    finally:
        with suppress(psutil.NoSuchProcess):
            leftover.kill()
