"""Starting and stopping with a real supervisord and small programs instead of OpenStack."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jinja2
import psutil
import pytest

from kraj.lab.services import STORES, WORKERS, Service
from kraj.lab.settings import LabSettings
from kraj.lab.supervision import Supervision, last_lines

SERVICES = (
    Service("mariadb", "sleep 600", STORES),
    Service("nova-api", "sh -c 'echo ready; exec sleep 600'", WORKERS),
    # Hides its environment, as programs do that write a title over it.
    Service("nova-conductor", "env -i sleep 600", WORKERS),
    # Does not listen to TERM.
    Service(
        "nova-compute1",
        "sh -c 'trap : TERM; while :; do sleep 0.1; done'",
        WORKERS,
        stop_seconds=1,
    ),
    Service("nova-scheduler", "sh -c 'echo cannot read it; exit 3'", WORKERS),
)
QUIET = {service.name: service for service in SERVICES[:4]}


@pytest.fixture
def settings(tmp_path: Path) -> LabSettings:
    made = LabSettings(tmp_path / "lab")
    made.claim()
    for folder in (made.etc, made.run, made.log):
        folder.mkdir()
    _write(made, SERVICES)
    return made


def _write(settings: LabSettings, services: tuple[Service, ...]) -> None:
    loader = jinja2.PackageLoader("kraj.lab")
    templates = jinja2.Environment(loader=loader)  # noqa: S701 - not HTML
    text = templates.get_template("supervisord.conf.j2").render(
        state=str(settings.folder),
        log=str(settings.log),
        run=str(settings.run),
        socket=settings.socket("supervisor.sock"),
        services=services,
    )
    (settings.etc / "supervisord.conf").write_text(text)


@pytest.fixture
def supervision(settings: LabSettings) -> Iterator[Supervision]:
    made = Supervision(settings)
    made.start()
    yield made
    made.stop()


def _wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)


def _start_quiet(supervision: Supervision) -> list[psutil.Process]:
    supervision.start_services(QUIET)
    _wait_until(lambda: all(supervision.states()[name].state == "RUNNING" for name in QUIET))
    return [psutil.Process(supervision.states()[name].pid) for name in QUIET]


def _lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_nothing_runs_before_it_is_started(settings: LabSettings) -> None:
    supervision = Supervision(settings)
    assert not supervision.running()
    assert supervision.states() == {}
    supervision.stop()


def test_a_service_that_runs_is_not_started_twice(supervision: Supervision) -> None:
    before = _start_quiet(supervision)
    supervision.start_services(QUIET)
    assert [psutil.Process(supervision.states()[name].pid) for name in QUIET] == before


def test_a_service_that_ends_at_once_is_not_running_and_its_words_are_kept(
    supervision: Supervision,
) -> None:
    supervision.start_services(["nova-scheduler"])
    _wait_until(lambda: supervision.states()["nova-scheduler"].state in ("BACKOFF", "FATAL"))
    assert supervision.log_tail("nova-scheduler", 1) == ["cannot read it"]


def test_the_file_written_last_is_shown_last(
    supervision: Supervision, settings: LabSettings
) -> None:
    _start_quiet(supervision)
    (settings.log / "nova.log").write_text("one\ntwo\nthree\n")
    assert supervision.log_tail("nova-api", 3) == ["one", "two", "three"]
    assert supervision.log_tail("nova-api", 4) == ["ready", "one", "two", "three"]


def test_stopping_ends_all_side_by_side_and_supervisord_too(
    supervision: Supervision, settings: LabSettings
) -> None:
    processes = _start_quiet(supervision)
    supervision.stop()
    assert not any(_lives(process) for process in processes)
    assert not supervision.running()
    assert list(settings.run.iterdir()) == []


def test_after_a_crash_of_supervisord_its_children_are_found_and_ended(
    supervision: Supervision, settings: LabSettings
) -> None:
    processes = _start_quiet(supervision)
    supervisord = psutil.Process(int((settings.run / "supervisord.pid").read_text()))
    supervisord.send_signal(signal.SIGKILL)
    _wait_until(lambda: not supervision.running())
    assert all(_lives(process) for process in processes)
    supervision.stop()
    assert not any(_lives(process) for process in processes)


def test_a_stranger_in_the_labs_folder_is_left_alone(
    supervision: Supervision, settings: LabSettings
) -> None:
    with psutil.Popen(["sleep", "600"], cwd=settings.folder) as stranger:
        supervision.stop()
        assert _lives(stranger)
        stranger.kill()


def test_a_changed_service_is_read_again_while_supervisord_runs(
    supervision: Supervision, settings: LabSettings
) -> None:
    before = _start_quiet(supervision)
    _write(settings, (*SERVICES[1:], Service("memcached", "sleep 599", STORES)))
    supervision.start()
    assert supervision.states().keys() == {*(s.name for s in SERVICES[1:]), "memcached"}
    assert [_lives(process) for process in before] == [False, True, True, True]


@pytest.mark.parametrize("length", [10, 5000])
@pytest.mark.parametrize("lines", [1, 3, 40])
def test_the_last_lines_of_a_log_are_whole(tmp_path: Path, length: int, lines: int) -> None:
    written = [f"{number} {'x' * length}" for number in range(30)]
    log = tmp_path / "nova-api.log"
    log.write_text("\n".join(written) + "\n")
    assert last_lines(log, lines) == written[-lines:]


def test_an_empty_log_has_no_lines(tmp_path: Path) -> None:
    log = tmp_path / "nova-api.log"
    log.touch()
    assert last_lines(log, 5) == []
