"""The depth `auto`: servers boot where they can, and else it is said why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.lab import servers
from kraj.lab.errors import HOSTS_IMPOSSIBLE
from kraj.operations.lab import choose_depth


def refuse() -> None:
    raise KrajError(HOSTS_IMPOSSIBLE, "nothing can be mounted", causes=("mount: denied",))


def test_servers_boot_where_the_machine_can_do_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "check_machine", lambda: None)
    assert choose_depth(tmp_path) == ("hosts", "")


def test_elsewhere_nothing_boots_and_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "check_machine", refuse)
    assert choose_depth(tmp_path) == ("api", "nothing can be mounted mount: denied")


def test_a_lab_that_is_there_keeps_its_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "check_machine", lambda: None)
    settings = {"with_services": [], "port_offset": 0, "depth": "api"}
    (tmp_path / "lab.json").write_text(json.dumps(settings), encoding="utf-8")
    depth, why = choose_depth(tmp_path)
    assert depth == "api"
    assert why == "the lab that is here was made so"
