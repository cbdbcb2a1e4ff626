"""Changes that take something away: real programs on the local engine, on a cloud that counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from kraj.engine.base import Operation, PropertyChange, Result, Step
from kraj.engine.local.engine import LocalEngine
from kraj.engine.local.hosts import ProgramHosts
from kraj.errors import KrajError
from kraj.events import ignore
from kraj.model.loader import RegionFiles
from kraj.operations import stacks
from kraj.operations.clouds import CloudAccess
from kraj.operations.passes import together
from kraj.operations.project import Project
from kraj.operations.region import PlannedRegion
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from tests.unit.operations.counting_provider import CountingCloud
from tests.unit.planning.regions import CLOUD, ROOT, change_tenant, small_region

SLUG = "zelezny-brod"
LABEL = f"tenant:{SLUG}"
MAP = {"service": "map", "size": "small", "storage": "5 GiB"}
RECORDS = {"service": "records", "size": "medium", "storage": "20 GiB"}
_HOSTS = ProgramHosts()  #: of all tests here: Pulumi's SDK is loaded once


@dataclass
class Bench:
    """One tenant's stack, its engine and its cloud."""

    folder: Path
    files: RegionFiles
    cloud: CountingCloud
    engine: LocalEngine

    def order(self, *services: dict[str, str]) -> PlannedRegion:
        self.files = change_tenant(self.files, SLUG, services=services)
        access = CloudAccess(CLOUD, self.folder / "clouds.yaml", is_lab=False)
        plan = plan_region(self.files, Ledger(), CLOUD)
        project = Project(ROOT)
        return PlannedRegion(
            project, self.files.folder, self.files, access, plan, self.folder, None
        )

    def plan(self, planned: PlannedRegion) -> Result:
        return whole(stacks.preview(self.engine, planned, [LABEL], ignore))

    def up(self, planned: PlannedRegion) -> Result:
        return whole(stacks.up(self.engine, planned, [LABEL], ignore))

    def assert_limits(self, planned: PlannedRegion) -> None:
        """The cloud has the limits that are planned, and nothing is left to do."""
        quota = planned.plan.tenants[SLUG].quota
        limit = self.cloud.limit
        assert (limit["instances"], limit["cores"]) == (quota.instances, quota.cores)
        assert (limit["volumes"], limit["gigabytes"]) == (quota.volumes, quota.gigabytes)
        assert limit["floatingip"] == quota.floating_ips
        again = self.plan(planned)
        assert not again.has_changes, [step for step in again.steps if step.changed]
        assert not again.diagnostics


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse battery staple")
    files = small_region(tmp_path, SLUG)
    sizes = files.region.sizes.values()
    cloud = CountingCloud({size.flavor: size.vcpu_count for size in sizes})
    engine = LocalEngine(tmp_path / "state", providers={"openstack": cloud.provider}, hosts=_HOSTS)
    return Bench(tmp_path, files, cloud, engine)


def whole(runs: list[stacks.StackRun]) -> Result:
    (run,) = runs
    if run.error is not None:
        raise run.error
    assert run.result is not None
    return run.result


def test_limits_are_lowered_after_what_they_were_for_is_gone(bench: Bench) -> None:
    bench.up(bench.order(MAP, RECORDS))
    less = bench.order(MAP)
    (note,) = bench.plan(less).diagnostics
    assert "in two passes" in note
    assert "instances 4 → 2, cores 12 → 4" in note
    with pytest.raises(KrajError, match="already used"):
        bench.engine.up(stacks.stack_spec(less, LABEL), ignore)
    done = bench.up(less)
    assert note in done.diagnostics
    assert done.counts[Operation.DELETE] > 10
    assert done.counts[Operation.UPDATE] == 3
    bench.assert_limits(less)


def test_one_service_takes_the_place_of_another_with_room_for_both(bench: Bench) -> None:
    bench.up(bench.order(MAP))
    other = bench.order({**RECORDS, "size": "small"})
    (note,) = bench.plan(other).diagnostics
    assert "instances 4 → 2" in note
    with pytest.raises(KrajError, match=r"already used|quota exceeded"):
        bench.engine.up(stacks.stack_spec(other, LABEL), ignore)
    bench.up(other)
    bench.assert_limits(other)


def test_a_run_that_ends_between_the_passes_is_finished_by_the_next(bench: Bench) -> None:
    bench.up(bench.order(MAP, RECORDS))
    less = bench.order(MAP)
    bench.cloud.lowest_instances = 3
    with pytest.raises(KrajError, match="on holiday"):
        bench.up(less)
    assert bench.cloud.used()["instances"] == 2, "the first pass has deleted"
    bench.cloud.lowest_instances = 0
    rest = bench.plan(less)
    changing = [step for step in rest.steps if step.operation is not Operation.SAME]
    kinds = {step.type.rpartition(":")[2] for step in changing}
    assert "QuotaSetV2" in kinds
    assert kinds <= {"QuotaSetV2", "QuotaV2", "QuoteSetV3"}
    assert not rest.diagnostics
    bench.up(less)
    bench.assert_limits(less)


def test_two_passes_are_told_as_one_change() -> None:
    def step(name: str, operation: Operation, *changes: tuple[str, int, int]) -> Step:
        found = tuple(PropertyChange(*change) for change in changes)
        changed = tuple(change.path for change in found)
        return Step(operation, f"urn:{name}", "type", name, changed=changed, changes=found)

    first = (
        step("raised and lowered", Operation.UPDATE, ("instances", 2, 4), ("ports", 20, 24)),
        step("made", Operation.CREATE),
        step("lowered", Operation.SAME),
        step("as it was", Operation.SAME),
        step("gone", Operation.DELETE),
    )
    last = (
        step("raised and lowered", Operation.UPDATE, ("instances", 4, 2), ("ports", 24, 22)),
        step("made", Operation.SAME),
        step("lowered", Operation.UPDATE, ("volumes", 8, 2)),
        step("as it was", Operation.SAME),
    )
    whole_change = together(
        Result("tenant:a", "up", first, {"document": 1}, ("a", "b"), 2.0),
        Result("tenant:a", "up", last, {"document": 2}, ("b", "c"), 1.0),
    )
    assert {step.name: step.operation for step in whole_change.steps} == {
        "raised and lowered": Operation.UPDATE,
        "made": Operation.CREATE,
        "lowered": Operation.UPDATE,
        "as it was": Operation.SAME,
        "gone": Operation.DELETE,
    }
    (quota,) = (step for step in whole_change.steps if step.name == "raised and lowered")
    assert quota.changes == (PropertyChange("ports", 20, 22),)
    assert quota.changed == ("ports",)
    assert whole_change.outputs == {"document": 2}
    assert whole_change.diagnostics == ("a", "b", "c")
    assert whole_change.seconds == 3.0
