"""Runs stacks: the centre first, then the tenants side by side; one failure stops nobody else.

Planning decides what a stack holds; an engine applies it; this module only joins and orders them.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kraj.engine.base import Engine, Operation, Result, StackSpec, Together
from kraj.engine.errors import interrupted
from kraj.engine.passphrase import derive_secret, resolve_passphrase
from kraj.errors import KrajError, KrajErrors
from kraj.events import Reporter
from kraj.openstack.errors import CONFLICT
from kraj.operations import passes
from kraj.operations.errors import UNKNOWN_TARGET
from kraj.operations.interrupts import Interrupts, heeded
from kraj.operations.region import PlannedRegion
from kraj.planning.documents import CentreDocument, TenantDocument
from kraj.planning.naming import centre_stack_name, tenant_stack_name

CENTRE = "centre"
TENANT_PREFIX = "tenant:"

#: Stacks that run side by side: each is a Python process (about 120 MB) and loads the cloud's API.
DEFAULT_JOBS = 3

#: What every tenant of a cloud shares, by type: the word that says the cloud provides it.
_PROVIDED = {
    "openstack:compute/flavor:Flavor": "flavors",
    "openstack:blockstorage/volumeTypeV3:VolumeTypeV3": "volume-types",
}

_LOOK_SECONDS = 0.2  #: how often the waiting thread looks for Ctrl-C


@dataclass(frozen=True, slots=True)
class StackRun:
    """What came of one stack: a result or an error, never both."""

    label: str
    result: Result | None = None
    error: KrajError | None = None


def select_targets(planned: PlannedRegion, only: Sequence[str]) -> tuple[str, ...]:
    """The labels to work on, centre first: all of the region, or those that were named.

    Raises KRJ703 for a name that is neither `centre` nor a tenant's.
    """
    labels = (CENTRE, *(TENANT_PREFIX + slug for slug in planned.plan.tenants))
    if not only:
        return labels
    unknown = [name for name in only if name not in labels]
    if unknown:
        raise KrajErrors(
            KrajError(UNKNOWN_TARGET, f"no stack {name!r} in region {planned.name}")
            for name in unknown
        )
    return tuple(label for label in labels if label in only)


def stack_spec(planned: PlannedRegion, label: str) -> StackSpec:
    """The stack of that label, ready for an engine."""
    region = planned.name
    document = _document(planned, label)
    if isinstance(document, CentreDocument):
        kind, stack, identity = CENTRE, centre_stack_name(region), CENTRE
    else:
        identity = document.tenant.code
        kind, stack = "tenant", tenant_stack_name(region, identity)
    passphrase = resolve_passphrase(planned.state_dir)
    return StackSpec(
        project=f"kraj-{kind}",
        stack=stack,
        label=label,
        program=planned.project.stacks / kind,
        config={
            "kraj:document": document.model_dump_json(),
            "openstack:cloud": planned.access.cloud.name,
        },
        secret_config={
            "kraj:serviceUserPassword": derive_secret(
                passphrase, f"{region}/{identity}/service-user"
            )
        },
        environment=planned.access.environment,
    )


def _document(planned: PlannedRegion, label: str) -> CentreDocument | TenantDocument:
    if label == CENTRE:
        return planned.plan.centre
    return planned.plan.tenants[label.removeprefix(TENANT_PREFIX)]


def _change_of(planned: PlannedRegion, spec: StackSpec) -> passes.Change:
    return passes.Change(spec, planned.files.region, _document(planned, spec.label))


Action = Callable[[StackSpec, Reporter], Result]


def preview(
    engine: Engine,
    planned: PlannedRegion,
    labels: Sequence[str],
    report: Reporter,
    *,
    refresh: bool = False,
    jobs: int = DEFAULT_JOBS,
) -> list[StackRun]:
    """What `up` would do, stack by stack; all stacks side by side, since nothing is touched."""

    def action(spec: StackSpec, reporter: Reporter) -> Result:
        change = _change_of(planned, spec)
        return passes.preview(engine, change, reporter, refresh=refresh)

    with _crew(engine, planned, report, jobs) as crew:
        return crew.run(action, labels)


def up(
    engine: Engine,
    planned: PlannedRegion,
    labels: Sequence[str],
    report: Reporter,
    *,
    refresh: bool = False,
    jobs: int = DEFAULT_JOBS,
) -> list[StackRun]:
    """Apply: the centre first, because tenants use its networks and images; then the tenants."""

    def action(spec: StackSpec, reporter: Reporter) -> Result:
        change = _change_of(planned, spec)
        return passes.up(engine, change, reporter, refresh=refresh)

    tenants = [label for label in labels if label != CENTRE]
    with _crew(engine, planned, report, jobs) as crew:
        runs = crew.run(action, [CENTRE]) if CENTRE in labels else []
        if any(run.error is not None for run in runs):
            return runs
        return runs + crew.run(action, tenants)


def refresh(
    engine: Engine,
    planned: PlannedRegion,
    labels: Sequence[str],
    report: Reporter,
    *,
    preview_only: bool = False,
    jobs: int = DEFAULT_JOBS,
) -> list[StackRun]:
    """Read every resource back into the state: the next plan shows what was changed by hand."""
    present = existing(engine, planned, labels)
    together = Together(len(present))

    def action(spec: StackSpec, reporter: Reporter) -> Result:
        return engine.refresh(spec, reporter, preview_only=preview_only, together=together)

    with _crew(engine, planned, report, jobs) as crew:
        return crew.run(action, present)


def destroy(
    engine: Engine,
    planned: PlannedRegion,
    labels: Sequence[str],
    report: Reporter,
    *,
    preview_only: bool = False,
    jobs: int = DEFAULT_JOBS,
) -> list[StackRun]:
    """Delete: tenants first, the centre last, and the centre only when no tenant is left."""
    present = existing(engine, planned, labels)

    def action(spec: StackSpec, reporter: Reporter) -> Result:
        result = engine.destroy(spec, reporter, preview_only=preview_only)
        if not preview_only:
            engine.remove(spec)
        return result

    tenants = [label for label in present if label != CENTRE]
    with _crew(engine, planned, report, jobs) as crew:
        runs = crew.run(action, tenants)
        if CENTRE in present and all(run.error is None for run in runs):
            runs += crew.run(action, [CENTRE])
        return runs


def on_each(
    engine: Engine,
    planned: PlannedRegion,
    labels: Sequence[str],
    report: Reporter,
    action: Action,
    *,
    jobs: int = DEFAULT_JOBS,
) -> list[StackRun]:
    """Something else on stacks side by side, in which Ctrl-C stops `engine`."""
    with _crew(engine, planned, report, jobs) as crew:
        return crew.run(action, labels)


def existing(engine: Engine, planned: PlannedRegion, labels: Sequence[str]) -> list[str]:
    """Those of the labels whose stack has state."""
    return [label for label in labels if engine.exists(stack_spec(planned, label))]


@dataclass(frozen=True, slots=True)
class _Crew:
    """Runs an action on several stacks, at most `jobs` at once, until all have ended."""

    engine: Engine
    planned: PlannedRegion
    report: Reporter
    jobs: int
    interrupts: Interrupts

    def run(self, action: Action, labels: Sequence[str]) -> list[StackRun]:
        """One result or error per label, in their order; a stack that never began has an error."""
        if self.interrupts.asked:
            return [_not_begun(label) for label in labels]
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, self.jobs)) as pool:
            futures = {
                label: pool.submit(_one, action, stack_spec(self.planned, label), self.report)
                for label in labels
            }
            self._wait(futures.values())
        return [
            _not_begun(label) if future.cancelled() else future.result()
            for label, future in futures.items()
        ]

    def _wait(self, futures: Iterable[concurrent.futures.Future[StackRun]]) -> None:
        left = set(futures)
        while left:
            left = concurrent.futures.wait(left, timeout=_LOOK_SECONDS).not_done
            for _wish in range(self.interrupts.take()):
                for future in left:
                    future.cancel()
                self.engine.stop()


@contextlib.contextmanager
def _crew(engine: Engine, planned: PlannedRegion, report: Reporter, jobs: int) -> Iterator[_Crew]:
    with heeded() as interrupts:
        yield _Crew(engine, planned, report, jobs, interrupts)


def _not_begun(label: str) -> StackRun:
    return StackRun(label, error=interrupted("the run", label, " before it began"))


def _one(action: Action, spec: StackSpec, report: Reporter) -> StackRun:
    try:
        return StackRun(spec.label, result=action(spec, report))
    except KrajErrors as several:
        first, *others = several.errors
        causes = (*first.causes, *(error.message for error in others))
        whole = KrajError(first.code, first.message, first.location, first.hint, causes)
        return StackRun(spec.label, error=whole)
    except KrajError as error:
        return StackRun(spec.label, error=_with_advice(error))


def _with_advice(error: KrajError) -> KrajError:
    """The error; where the centre would make what the cloud has already, with the way out."""
    kind = str(error.details.get("urn", "")).split("::")[2:3]
    word = _PROVIDED.get(kind[0].rpartition("$")[2]) if kind else None
    if error.code is CONFLICT and word and error.details.get("operation") == "create":
        error.hint = (
            f"The cloud has it already. Add {word!r} to `provides` of this cloud in region.yaml, "
            "and the centre uses what is there; or delete it in the cloud."
        )
    return error


def destructive_steps(runs: Sequence[StackRun]) -> list[tuple[str, str, Operation]]:
    """Stack, resource name and operation of everything that would be deleted or replaced."""
    return [
        (run.label, step.name, step.operation)
        for run in runs
        if run.result is not None
        for step in run.result.steps
        if step.operation in (Operation.DELETE, Operation.REPLACE)
    ]
