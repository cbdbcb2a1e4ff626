"""`kraj engine conformance`: the suite as a command, where there is no `pulumi` command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from kraj.engine.conformance import records
from kraj.engine.conformance.features import feature
from kraj.engine.conformance.states import places_that_differ
from tests.unit.cli.conftest import Outcome

Kraj = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def no_pulumi(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a pulumi command anywhere."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PULUMI_HOME", str(project / "empty"))


def test_each_feature_is_told_with_a_closing_line(kraj: Kraj) -> None:
    outcome = kraj("engine", "conformance", "names", "invoke_transforms")
    assert outcome.code == 0, outcome.out
    lines = outcome.out.splitlines()
    assert lines[-1] == (
        "2 features: 1 same, 0 differ as documented, 1 refused clearly; 0 unexplained"
    )
    assert any(line.split()[-1] == "refused" for line in lines)


def test_what_is_otherwise_than_recorded_fails_with_its_place(
    kraj: Kraj, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = records.read_record(feature("names"))
    record["pulumi"][0]["run"]["outputs"]["stack"] = "another"
    (tmp_path / "names.json").write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.setattr(records, "RECORDS", tmp_path)
    outcome = kraj("engine", "conformance", "names", "--json")
    assert outcome.code == 1
    assert (outcome.json["passed"], outcome.json["counts"]["unexplained"]) == (False, 1)
    (entry,) = outcome.json["features"]
    assert any("outputs › stack" in line for line in entry["unexplained"]["local"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nonsense",), "KRJ348", "lifecycle"),
        (("--engine", "terraform"), "KRJ313", "local, pulumi"),
        (("--engine", "pulumi"), "KRJ312", "kraj engine install"),
    ],
)
def test_bad_input_is_refused(
    kraj: Kraj, arguments: tuple[str, ...], code: str, words: str
) -> None:
    outcome = kraj("engine", "conformance", *arguments)
    assert outcome.code == 1
    assert code in outcome.err
    assert words in outcome.err


def test_places_name_what_differs_without_the_values() -> None:
    one = {"a:b:C::n": {"inputs": {"x": 1, "secret": {"[secret]": "hush"}, "flag": True}}}
    other = {"a:b:C::n": {"inputs": {"secret": {"[secret]": "other"}, "flag": 1}}, "a:b:C::m": {}}
    assert list(places_that_differ(one, other)) == [
        "a:b:C::m",
        "a:b:C::n › inputs › flag",
        "a:b:C::n › inputs › secret › [secret]",
        "a:b:C::n › inputs › x",
    ]
    assert list(places_that_differ(one, one)) == []
