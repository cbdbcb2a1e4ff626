"""Several stacks in order and side by side, and Ctrl-C while they run."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kraj.engine.base import Result, StackSpec
from kraj.engine.errors import RESOURCE_FAILED, interrupted
from kraj.errors import KrajError
from kraj.events import Reporter, ignore
from kraj.openstack.errors import CONFLICT
from kraj.operations import stacks
from kraj.operations.clouds import CloudAccess
from kraj.operations.interrupts import heeded
from kraj.operations.project import Project
from kraj.operations.region import PlannedRegion
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from tests.unit.planning.regions import CLOUD, ROOT, small_region

LABELS = ("centre", "tenant:liberec", "tenant:zelezny-brod")
DEADLINE_SECONDS = 20


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlannedRegion:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse battery staple")
    files = small_region(tmp_path, "liberec", "zelezny-brod")
    access = CloudAccess(CLOUD, tmp_path / "clouds.yaml", is_lab=False)
    plan = plan_region(files, Ledger(), CLOUD)
    return PlannedRegion(Project(ROOT), files.folder, files, access, plan, tmp_path, None)


class Recorder:
    """Stands for an engine where only order and interruption count: it does what a test says.

    What engines themselves do is tested with real ones, in tests/unit/engine and tests/lab.
    """

    name = "recorder"

    def __init__(self, work: Callable[[str], None] = lambda label: None) -> None:
        self.work = work
        self.log: list[str] = []
        self.stopped = threading.Event()
        self.stops = 0
        self.present: set[str] = set(LABELS)

    def _do(self, action: str, spec: StackSpec, _report: Reporter, **_options: object) -> Result:
        self.log.append(f"{action} {spec.label}")
        self.work(spec.label)
        self.log.append(f"end {spec.label}")
        return Result(spec.label, action, (), {}, (), 0.0)

    def up(self, spec: StackSpec, report: Reporter, **options: object) -> Result:
        return self._do("up", spec, report, **options)

    def destroy(self, spec: StackSpec, report: Reporter, **options: object) -> Result:
        return self._do("destroy", spec, report, **options)

    def export_state(self, _spec: StackSpec) -> dict[str, Any]:
        return {"version": 3, "deployment": {}}

    def exists(self, spec: StackSpec) -> bool:
        return spec.label in self.present

    def remove(self, spec: StackSpec) -> None:
        self.present.discard(spec.label)

    def stop(self) -> None:
        self.stops += 1
        self.stopped.set()

    def wait_for_stop(self, label: str) -> None:
        """What a running stack does after Ctrl-C: it ends its steps and says so."""
        assert self.stopped.wait(DEADLINE_SECONDS)
        raise interrupted("up", label)


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    assert {number: signal.getsignal(number) for number in before} == before


def test_the_centre_is_up_before_any_tenant_begins(planned: PlannedRegion) -> None:
    engine = Recorder()
    runs = stacks.up(engine, planned, LABELS, ignore, jobs=2)
    assert engine.log[:2] == ["up centre", "end centre"]
    assert [run.label for run in runs] == list(LABELS)
    assert all(run.error is None for run in runs)


def test_tenants_are_gone_before_the_centre_goes(planned: PlannedRegion) -> None:
    engine = Recorder()
    stacks.destroy(engine, planned, LABELS, ignore, jobs=2)
    assert engine.log[-2:] == ["destroy centre", "end centre"]
    assert engine.present == set()


def test_one_tenants_failure_stops_no_other_but_keeps_the_centre(planned: PlannedRegion) -> None:
    def fail(label: str) -> None:
        if label == "tenant:liberec":
            raise KrajError(RESOURCE_FAILED, "the cloud refused")

    engine = Recorder(fail)
    runs = stacks.destroy(engine, planned, LABELS, ignore, jobs=2)
    assert {run.label: run.error is None for run in runs} == {
        "tenant:liberec": False,
        "tenant:zelezny-brod": True,
    }
    assert engine.present == {"centre", "tenant:liberec"}


def test_without_its_centre_no_tenant_begins(planned: PlannedRegion) -> None:
    def fail(label: str) -> None:
        raise KrajError(RESOURCE_FAILED, f"{label} was refused")

    engine = Recorder(fail)
    runs = stacks.up(engine, planned, LABELS, ignore)
    assert [run.label for run in runs] == ["centre"]
    assert engine.log == ["up centre"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_running_stack_and_begins_no_other(
    planned: PlannedRegion, number: signal.Signals
) -> None:
    engine = Recorder()

    def work(label: str) -> None:
        os.kill(os.getpid(), number)
        engine.wait_for_stop(label)

    engine.work = work
    runs = stacks.up(engine, planned, LABELS[1:], ignore, jobs=1)
    assert engine.log == ["up tenant:liberec"]
    assert [run.error.details["exit_code"] for run in runs if run.error] == [130, 130]
    assert "before it began" in str(runs[1].error)


def test_tenants_do_not_begin_where_the_centre_ended_well_after_ctrl_c(
    planned: PlannedRegion,
) -> None:
    engine = Recorder()

    def work(_label: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert engine.stopped.wait(DEADLINE_SECONDS)

    engine.work = work
    runs = stacks.up(engine, planned, LABELS, ignore)
    assert engine.log == ["up centre", "end centre"]
    assert [run.error is None for run in runs] == [True, False, False]


def test_the_centre_stays_where_ctrl_c_came_while_tenants_went(planned: PlannedRegion) -> None:
    engine = Recorder()

    def work(_label: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert engine.stopped.wait(DEADLINE_SECONDS)

    engine.work = work
    runs = stacks.destroy(engine, planned, LABELS[:2], ignore)
    assert engine.log == ["destroy tenant:liberec", "end tenant:liberec"]
    assert "centre" in engine.present
    assert runs[-1].label == "centre"
    assert runs[-1].error is not None


def test_a_second_ctrl_c_reaches_the_engine_too(planned: PlannedRegion) -> None:
    engine = Recorder()
    second = threading.Event()

    def stop() -> None:
        engine.stops += 1
        (second if engine.stops > 1 else engine.stopped).set()

    def work(label: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert engine.stopped.wait(DEADLINE_SECONDS)
        os.kill(os.getpid(), signal.SIGINT)
        assert second.wait(DEADLINE_SECONDS)
        raise interrupted("up", label)

    engine.stop, engine.work = stop, work  # type: ignore[method-assign]
    stacks.up(engine, planned, LABELS[1:2], ignore)
    assert engine.stops == 2


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with heeded() as interrupts:
            os.kill(os.getpid(), signal.SIGINT)
        assert not interrupts.asked
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_flavour_that_the_cloud_has_already_comes_with_the_way_out(
    planned: PlannedRegion,
) -> None:
    def fail(_label: str) -> None:
        urn = "urn:pulumi:s::p::kraj:centre:Flavors$openstack:compute/flavor:Flavor::SCS-1L-1"
        details = {"urn": urn, "operation": "create", "status": 409}
        raise KrajError(CONFLICT, "Flavor SCS-1L-1 already exists", details=details)

    (run,) = stacks.up(Recorder(fail), planned, LABELS[:1], ignore)
    assert run.error is not None
    assert "Add 'flavors' to `provides`" in run.error.hint


def test_another_conflict_keeps_its_own_advice(planned: PlannedRegion) -> None:
    def fail(_label: str) -> None:
        urn = "urn:pulumi:s::p::openstack:networking/network:Network::services"
        raise KrajError(CONFLICT, "in use", details={"urn": urn, "operation": "create"})

    (run,) = stacks.up(Recorder(fail), planned, LABELS[:1], ignore)
    assert run.error is not None
    assert run.error.hint == CONFLICT.remedy
