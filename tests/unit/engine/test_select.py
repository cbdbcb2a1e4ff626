"""Which engine is taken, and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraj.engine.local.engine import LocalEngine
from kraj.engine.select import choose_engine
from kraj.errors import KrajError


@pytest.fixture
def no_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a pulumi command anywhere."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / ".pulumi"))


def test_without_a_pulumi_command_the_local_engine_is_taken(
    tmp_path: Path, no_pulumi: None
) -> None:
    engine, reason = choose_engine(None, tmp_path)
    assert isinstance(engine, LocalEngine)
    assert reason == "no pulumi command on PATH"


def test_asking_for_pulumi_without_its_command_is_an_error(tmp_path: Path, no_pulumi: None) -> None:
    with pytest.raises(KrajError) as caught:
        choose_engine("pulumi", tmp_path)
    assert caught.value.code.code == "KRJ312"
    assert "--engine local" in caught.value.hint


def test_the_local_engine_can_be_asked_for(tmp_path: Path) -> None:
    engine, reason = choose_engine("local", tmp_path)
    assert isinstance(engine, LocalEngine)
    assert reason == "asked for with --engine local"


def test_an_engine_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KrajError, match="there is no engine 'terraform'; known are local, pulumi"):
        choose_engine("terraform", tmp_path)
