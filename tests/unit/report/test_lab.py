"""How the state of a lab is told to a person."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from kraj.lab.status import LabStatus, ServiceStatus
from kraj.report.lab import print_lab_status

NAMES = ("mariadb", "glance-api", "nova-api")


def _told(states: dict[str, str], *, exists: bool = True) -> str:
    services = tuple(
        ServiceStatus(name, states.get(name, "RUNNING"), 3307, 100) for name in NAMES if exists
    )
    status = LabStatus(Path("/srv/lab"), exists, services, Path("/srv/lab/clouds.yaml"))
    output = io.StringIO()
    print_lab_status(status, Console(file=output, width=80, highlight=False))
    return output.getvalue()


def test_a_running_lab_names_its_cloud() -> None:
    told = _told({})
    assert told.splitlines()[-1] == (
        "Lab running: 3 services, 300 MiB, cloud `lab` in /srv/lab/clouds.yaml"
    )


@pytest.mark.parametrize("state", ["BACKOFF", "STARTING", "FATAL"])
def test_a_service_that_does_not_run_is_named_with_what_to_do(state: str) -> None:
    told = _told({"glance-api": state})
    assert f"glance-api  {state.lower()}" in told
    assert told.splitlines()[-1] == (
        "Lab incomplete, 1 of 3 services are down: glance-api. "
        "Why: `kraj lab logs glance-api`; again: `kraj lab up`."
    )


def test_a_lab_that_is_down_is_told_how_to_start() -> None:
    told = _told(dict.fromkeys(NAMES, "STOPPED"))
    assert told.splitlines()[-1] == "Lab not running: start it with `kraj lab up`."


def test_no_lab_is_told_with_its_folder() -> None:
    assert _told({}, exists=False) == "No lab in /srv/lab: start one with `kraj lab up`.\n"
