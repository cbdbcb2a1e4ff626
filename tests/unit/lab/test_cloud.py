"""What the lab reads out of OpenStack's answers."""

from __future__ import annotations

import pytest

from kraj.lab.cloud import WORKERS, moment_of
from kraj.lab.services import all_services
from kraj.lab.settings import LabSettings


@pytest.mark.parametrize("text", ["2026-11-23T10:49:27.000000", "2026-11-23T10:49:27Z"])
def test_openstacks_times_are_universal_time(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Prague")
    assert moment_of(text) == 1795430967.0


def test_workers_that_a_start_waits_for_are_processes_of_the_lab(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    names = {service.name for service in all_services(LabSettings(tmp_path_factory.mktemp("lab")))}
    assert set(WORKERS) <= names
