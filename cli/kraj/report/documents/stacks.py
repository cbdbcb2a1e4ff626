"""Documents about stacks: `plan`, `up`, `refresh`, `down`, `status`, `outputs` and events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field

from kraj.engine.base import Operation, Result, Step
from kraj.events import Event, EventKind
from kraj.operations.stacks import StackRun
from kraj.operations.status import StackStatus
from kraj.planning.capacity import CapacityReport
from kraj.planning.documents import StackOutputs
from kraj.report.documents.base import (
    MOMENT,
    REGION,
    Document,
    Part,
    SparseDocument,
    named,
    stack_field,
)
from kraj.report.documents.failures import ErrorEntry

#: Operations that change something; the others are only counted.
CHANGING = (
    Operation.CREATE,
    Operation.UPDATE,
    Operation.REPLACE,
    Operation.DELETE,
    Operation.IMPORT,
)


class Counts(Part):
    """Resources by what happens to them."""

    same: int = Field(default=0, ge=0, description="Stay as they are.")
    create: int = Field(default=0, ge=0, description="Are made.")
    update: int = Field(default=0, ge=0, description="Are changed in place.")
    replace: int = Field(default=0, ge=0, description="Are deleted and made anew.")
    delete: int = Field(default=0, ge=0, description="Are deleted.")

    @classmethod
    def of(cls, result: Result) -> Counts:
        counts = {operation.value: number for operation, number in result.counts.items()}
        return cls(**{name: counts.get(name, 0) for name in cls.model_fields})

    @classmethod
    def total(cls, runs: Iterable[StackRun]) -> Counts:
        """The sum over all stacks that have a result."""
        each = [cls.of(run.result) for run in runs if run.result is not None]
        return cls(**{name: sum(getattr(one, name) for one in each) for name in cls.model_fields})


class ChangeEntry(Part):
    """One property before and after; null where it has no value."""

    path: str = Field(description="As Pulumi writes it: `tags`, `rules[0].port`.")
    before: Any = Field(description="Secrets are `[secret]`.")
    after: Any = Field(description="As `before`; `[unknown]` where only applying tells.")


class StepEntry(Part):
    """One change of one resource."""

    operation: Operation = Field(description="What happens to the resource.")
    name: str = Field(description="Logical name inside the stack.")
    type: str = Field(description="Pulumi type token.")
    urn: str = Field(description="Pulumi's name for the resource.")
    id: str = Field(description="The cloud's id; empty where it is not known yet.")
    changed: tuple[str, ...] = Field(description="Paths of the properties that differ.")
    changes: tuple[ChangeEntry, ...] = Field(description="Values at the paths of `changed`.")
    replaced_by: tuple[str, ...] = Field(description="Paths that force a replacement.")


class StackDone(Part):
    """A stack whose run has ended well."""

    stack: str = stack_field()
    error: None = Field(default=None, description="Nothing failed.")
    has_changes: bool = Field(description="Whether anything is changed.")
    counts: Counts = Field(description="How many resources.")
    seconds: float = Field(ge=0, description="Duration in seconds.")
    steps: tuple[StepEntry, ...] = Field(description="What changes; not what stays the same.")
    diagnostics: tuple[str, ...] = Field(description="Warnings of program and engine.")


class StackFailed(Part):
    """A stack whose run has failed, was stopped, or was never begun."""

    stack: str = stack_field()
    error: ErrorEntry = Field(description="Why.")


def stack_entry(run: StackRun) -> StackDone | StackFailed:
    """What came of one stack."""
    if run.error is not None:
        return StackFailed(stack=run.label, error=ErrorEntry.of(run.error))
    if run.result is None:
        raise ValueError(f"{run.label} has neither a result nor an error")
    return StackDone(
        stack=run.label,
        has_changes=run.result.has_changes,
        counts=Counts.of(run.result),
        seconds=round(run.result.seconds, 3),
        steps=tuple(StepEntry.model_validate(step) for step in changing(run.result.steps)),
        diagnostics=tuple(run.result.diagnostics),
    )


def changing(steps: Iterable[Step]) -> list[Step]:
    """The steps that change something."""
    return [step for step in steps if step.operation in CHANGING]


class RunDocument(Document):
    """Base of the documents of one command over several stacks."""

    region: str = Field(description=REGION)
    cloud: str = Field(description="Entry of clouds.yaml.")
    engine: Literal["local", "pulumi"] = Field(description="What has applied the stacks.")
    totals: Counts = Field(description="Sum over all stacks that did not fail.")
    stacks: tuple[StackDone | StackFailed, ...] = Field(
        description="One entry per stack: the centre first, then the tenants (`down`: last)."
    )

    @classmethod
    def of(
        cls, region: str, cloud: str, engine: str, runs: Sequence[StackRun], **more: Any
    ) -> Self:
        """`more` are the keys that the document has besides those of all runs."""
        return cls.model_validate(
            {
                "region": region,
                "cloud": cloud,
                "engine": engine,
                "totals": Counts.total(runs),
                "stacks": tuple(stack_entry(run) for run in runs),
                **more,
            }
        )


class CapacityRow(Part):
    """One resource of the capacity ledger; all amounts are in `unit`."""

    resource: str = Field(description="`pool:<name>`, `vcpus`, `ram` or `floating_addresses`.")
    unit: Literal["GiB", "MiB", "vCPU", "addresses"] = Field(description="Unit of the amounts.")
    capacity: int = Field(ge=0, description="What is there.")
    overcommit: float = Field(gt=0, description="Promised over real capacity.")
    headroom: int = Field(ge=0, description="Kept free of what may be promised.")
    limit: int = Field(description="capacity × overcommit − headroom: what may be promised.")
    reserved: int = Field(ge=0, description="Promised to the centre and the shared services.")
    allocated: int = Field(ge=0, description="Promised to tenants.")
    free: int = Field(description="What may still be promised; negative where too much was.")
    used_percent: float | None = Field(
        description="Promised share of the limit in per cent; null where the limit is 0."
    )


class Capacity(Part):
    """The capacity ledger now and after the plan."""

    before: tuple[CapacityRow, ...] = Field(description="With the stacks as last applied.")
    after: tuple[CapacityRow, ...] = Field(description="With the planned stacks.")

    @classmethod
    def of(cls, before: CapacityReport, after: CapacityReport) -> Capacity:
        return cls(
            before=tuple(CapacityRow.model_validate(row) for row in before.rows),
            after=tuple(CapacityRow.model_validate(row) for row in after.rows),
        )


class PlanDocument(RunDocument):
    """What `kraj up` would do."""

    schema_: Literal["kraj.plan/1"] = named("kraj.plan/1")
    capacity: Capacity = Field(description="The capacity before and after.")


class UpDocument(RunDocument):
    """What `kraj up` has done."""

    schema_: Literal["kraj.up/1"] = named("kraj.up/1")


class RefreshDocument(RunDocument):
    """What `kraj refresh` has found in the cloud otherwise than in the state."""

    schema_: Literal["kraj.refresh/1"] = named("kraj.refresh/1")


class DownDocument(RunDocument):
    """What `kraj down` has deleted."""

    schema_: Literal["kraj.down/1"] = named("kraj.down/1")


class StatusEntry(Part):
    """What is known of one stack without asking the cloud."""

    stack: str = stack_field()
    exists: bool = Field(description="Whether it is provisioned.")
    updated_at: str | None = Field(description=f"When it was last changed: {MOMENT}.")
    last_operation: str | None = Field(description="`update`, `refresh`, `destroy` or `import`.")
    last_result: str | None = Field(description="`succeeded`, `failed` or `in-progress`.")
    servers: int = Field(ge=0, description="How many it has.")
    floating_addresses: int = Field(ge=0, description="How many it has.")


class StatusDocument(Document):
    """The last update of each stack."""

    schema_: Literal["kraj.status/1"] = named("kraj.status/1")
    region: str = Field(description=REGION)
    engine: Literal["local", "pulumi"] = Field(description="What applies the stacks.")
    stacks: tuple[StatusEntry, ...] = Field(description="One entry per stack, the centre first.")

    @classmethod
    def of(cls, region: str, engine: str, rows: Iterable[StackStatus]) -> StatusDocument:
        entries = tuple(StatusEntry.model_validate(row) for row in rows)
        return cls.model_validate({"region": region, "engine": engine, "stacks": entries})


class StackValues(Part):
    """What one stack exports. A run that failed may have left some out."""

    model_config = ConfigDict(extra="allow", json_schema_serialization_defaults_required=False)

    document: StackOutputs | dict[str, Any] | None = Field(
        default=None,
        description=(
            "Ids and addresses of what stands; of another form where another version of kraj has "
            "made the stack."
        ),
    )
    applicationCredentialSecret: str | None = Field(  # noqa: N815 - as the program exports it
        default=None,
        description=(
            "Tenants only: secret of the credential `document.application_credential_id`; "
            "`[secret]` without --show-secrets."
        ),
    )


class OutputsDocument(SparseDocument):
    """What the stacks export."""

    schema_: Literal["kraj.outputs/1"] = named()
    region: str = Field(description=REGION)
    stacks: dict[str, StackValues] = Field(
        description="By label (`centre`, `tenant:<slug>`): those that are provisioned."
    )

    @classmethod
    def of(cls, region: str, values: Mapping[str, Mapping[str, Any]]) -> OutputsDocument:
        return cls.model_validate({"schema": "kraj.outputs/1", "region": region, "stacks": values})


class EventDocument(SparseDocument):
    """One line of the file that `--events` names; keys without a value are left out."""

    schema_: Literal["kraj.event/1"] = named()
    kind: EventKind = Field(description="Where in its life the action is.")
    action: str = Field(description="The long action: `preview`, `up`, `configure`, `lab up`, …")
    subject: str = Field(description="What it acts on: a stack, a server, a service of the lab.")
    at: str = Field(description=f"When: {MOMENT}, in milliseconds.")
    message: str = Field(default="", description="For people.")
    resource: str = Field(
        default="",
        description="URN of one resource of a stack; role and name of one task on a server.",
    )
    resource_type: str = Field(default="", description="Pulumi type token; Ansible's module.")
    operation: str = Field(
        default="", description="What happens to the resource; what became of the task."
    )
    completed: int | None = Field(default=None, ge=0, description="Steps done.")
    total: int | None = Field(default=None, ge=0, description="Steps in all, where known.")
    seconds: float | None = Field(default=None, ge=0, description="Duration in seconds.")
    details: dict[str, Any] = Field(default={}, description="Further facts.")

    @classmethod
    def of(cls, event: Event) -> EventDocument:
        return cls.model_validate({"schema": "kraj.event/1", **event.as_dict()})
