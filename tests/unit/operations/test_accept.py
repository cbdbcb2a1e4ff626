"""Accepting drift: the region is checked before a byte is written; all files are or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kraj.drift.accepting import Edit, Proposal
from kraj.drift.witness import Witness
from kraj.engine.base import Operation, PropertyChange, Step
from kraj.errors import KrajError, KrajErrors
from kraj.model.loader import load_region
from kraj.operations.accept import (
    Acceptance,
    plan_acceptance,
    with_accepted,
    write_acceptance,
)
from kraj.operations.changes import FileChange
from kraj.operations.clouds import CloudAccess
from kraj.operations.drift import Finding, StackDrift
from kraj.operations.project import Project
from kraj.operations.region import PlannedRegion
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from tests.unit.planning.regions import CLOUD, ROOT, small_region

STACK = "tenant:zelezny-brod"
CORES = "openstack:compute/quotaSetV2:QuotaSetV2"
VOLUME = "openstack:blockstorage/volume:Volume"
GONE = Finding(Step(Operation.DELETE, "urn:gone", VOLUME, "map/2/tiles"), Witness())


def found(kind: str, name: str, path: str, before: Any, after: Any) -> Finding:
    change = PropertyChange(path, before, after)
    return Finding(
        Step(Operation.UPDATE, f"urn:{name}", kind, name, "1", changes=(change,)), Witness()
    )


@pytest.fixture
def planned(tmp_path: Path) -> PlannedRegion:
    small_region(tmp_path / "inventories", "zelezny-brod")
    folder = tmp_path / "inventories" / "liberecky"
    files = load_region(folder, ROOT / "roles", {})
    plan = plan_region(files, Ledger(), CLOUD)
    project = Project(tmp_path)
    (tmp_path / "roles").symlink_to(ROOT / "roles")
    access = CloudAccess(CLOUD, tmp_path / "clouds.yaml", {})
    return PlannedRegion(project, folder, files, access, plan, tmp_path / "state", None)


def drift(*findings: Finding) -> list[StackDrift]:
    return [StackDrift(STACK, findings)]


def test_the_files_change_in_the_plan_and_not_on_the_disk(planned: PlannedRegion) -> None:
    path = planned.files.tenant_file("zelezny-brod")
    before = path.read_text(encoding="utf-8")
    acceptance = plan_acceptance(planned, drift(found(CORES, "tenant", "cores", 8, 99), GONE), [])
    assert [part.label for part in acceptance.accepted] == ["tenant/cores"]
    assert [part.label for part in acceptance.refused] == ["map/2/tiles"]
    (change,) = acceptance.changes
    assert "+quota: {cores: 99}" in change.diff.splitlines()
    assert path.read_text(encoding="utf-8") == before


def test_errors_of_the_changed_region_name_its_real_files(planned: PlannedRegion) -> None:
    too_large = found(VOLUME, "map/1/tiles", "size", 10, 501)
    with pytest.raises(KrajErrors) as caught:
        plan_acceptance(planned, drift(too_large), [])
    (error,) = caught.value.errors
    assert error.code.code == "KRJ122"
    assert error.location is not None
    assert error.location.file == str(planned.files.tenant_file("zelezny-brod"))


@pytest.mark.parametrize(
    ("selector", "code"), [("tenant/coers", "KRJ710"), ("map/2/tiles", "KRJ711")]
)
def test_what_was_named_in_vain_is_an_error(
    planned: PlannedRegion, selector: str, code: str
) -> None:
    with pytest.raises(KrajErrors) as caught:
        plan_acceptance(
            planned, drift(found(CORES, "tenant", "cores", 8, 99), GONE), ["tenant", selector]
        )
    assert [error.code.code for error in caught.value.errors] == [code]


def test_a_file_that_somebody_changed_meanwhile_is_left_alone(
    planned: PlannedRegion, tmp_path: Path
) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("a: 1\n", encoding="utf-8")
    second.write_text("b: 3\n", encoding="utf-8")
    changes = (FileChange(first, "a: 1\n", "a: 2\n"), FileChange(second, "b: 1\n", "b: 2\n"))
    with pytest.raises(KrajError) as caught:
        write_acceptance(_unused(), planned, Acceptance(changes=changes))
    assert caught.value.code.code == "KRJ712"
    assert first.read_text(encoding="utf-8") == "a: 1\n"


def test_where_one_file_cannot_be_written_the_others_are_as_before(
    planned: PlannedRegion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    for path in (first, second):
        path.write_text("x: 1\n", encoding="utf-8")
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target == second:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    changes = tuple(FileChange(path, "x: 1\n", "x: 2\n") for path in (first, second))
    with pytest.raises(KrajError) as caught:
        write_acceptance(_unused(), planned, Acceptance(changes=changes))
    assert caught.value.code.code == "KRJ713"
    assert {path.read_text(encoding="utf-8") for path in (first, second)} == {"x: 1\n"}


def test_the_state_has_what_was_accepted_and_nothing_else_changes() -> None:
    resources = [
        {"urn": "q", "inputs": {"cores": 8, "ram": 1}, "outputs": {"cores": 8, "limits": {"a": 1}}},
        {"urn": "other", "inputs": {"cores": 8}},
    ]
    exported = {"version": 3, "deployment": {"manifest": {}, "resources": resources}}
    edit = Edit("tenant", "bela", ("quota", "cores"), 99)
    parts = [
        Proposal(STACK, "tenant", CORES, path, 8, 99, "q", edit) for path in ("cores", "limits.a")
    ]
    changed = with_accepted(exported, parts)["deployment"]["resources"]
    assert changed[0]["inputs"] == {"cores": 99, "ram": 1, "limits": {"a": 99}}
    assert changed[0]["outputs"] == {"cores": 99, "limits": {"a": 99}}
    assert changed[1] == resources[1]
    assert resources[0]["inputs"] == {"cores": 8, "ram": 1}


def _unused() -> Any:
    """No stack was accepted: an engine is not asked for anything."""
    return None
