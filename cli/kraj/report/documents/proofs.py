"""Documents about the cloud as it is: `verify` and `drift`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from kraj.operations.drift import Finding, StackDrift
from kraj.report.documents.base import MOMENT, REGION, Document, Part, named, stack_field
from kraj.report.documents.failures import ErrorEntry
from kraj.report.documents.stacks import ChangeEntry
from kraj.verify.checks import Proof, Status


class CheckCounts(Part):
    """Checks by verdict."""

    passed: int = Field(ge=0, description="Found as planned.")
    failed: int = Field(ge=0, description="Found otherwise, or not found.")
    skipped: int = Field(ge=0, description="Could not be judged.")


class CheckEntry(Part):
    """One statement about the running cloud, judged."""

    id: str = Field(description="Stable name of the check, for example `server.active`.")
    subject: str = Field(description="Name of the resource.")
    status: Status = Field(description="The verdict.")
    expected: Any = Field(description="What the plan says.")
    actual: Any = Field(description="What the cloud says.")
    message: str = Field(description="Why it failed or was skipped; empty where it passed.")
    source: str = Field(description="Standard that asks for it, where one does.")


class ProofEntry(Part):
    """All checks of one stack."""

    stack: str = stack_field()
    passed: bool = Field(description="Whether no check failed.")
    counts: CheckCounts = Field(description="How many checks.")
    seconds: float = Field(ge=0, description="Duration in seconds.")
    checks: tuple[CheckEntry, ...] = Field(description="All checks.")
    evidence: dict[str, Any] = Field(description="Ids that were looked at.")

    @classmethod
    def of(cls, proof: Proof) -> ProofEntry:
        return cls(
            stack=proof.stack,
            passed=proof.passed,
            counts=CheckCounts(**{status.value: proof.count(status) for status in Status}),
            seconds=round(proof.seconds, 3),
            checks=tuple(CheckEntry.model_validate(check) for check in proof.checks),
            evidence=proof.evidence,
        )


class VerifyDocument(Document):
    """The proof that what was planned runs."""

    schema_: Literal["kraj.verify/1"] = named("kraj.verify/1")
    region: str = Field(description=REGION)
    passed: bool = Field(description="Whether all stacks passed.")
    stacks: tuple[ProofEntry, ...] = Field(description="One proof per stack.")

    @classmethod
    def of(cls, region: str, proofs: Iterable[Proof]) -> VerifyDocument:
        entries = tuple(ProofEntry.of(proof) for proof in proofs)
        return cls(region=region, passed=all(entry.passed for entry in entries), stacks=entries)


class WitnessEntry(Part):
    """The last thing that was done to a resource; each key is empty where the cloud is silent."""

    action: str = Field(description="In the cloud's words: `delete`, `resize`, `stop`.")
    at: str = Field(description=f"When: {MOMENT}.")
    user: str = Field(description="Who: a name, or the id of a user that is gone.")


class DriftEntry(Part):
    """A resource of a stack that is gone, or whose properties differ."""

    name: str = Field(description="Logical name inside the stack.")
    type: str = Field(description="Pulumi type token.")
    id: str = Field(description="The cloud's id.")
    gone: bool = Field(description="Whether the cloud has it no more.")
    changes: tuple[ChangeEntry, ...] = Field(
        description="What differs: `before` in the state, `after` in the cloud."
    )
    last_action: WitnessEntry = Field(description="The last thing that was done to it.")

    @classmethod
    def of(cls, finding: Finding) -> DriftEntry:
        return cls(
            name=finding.step.name,
            type=finding.step.type,
            id=finding.step.id,
            gone=finding.gone,
            changes=tuple(ChangeEntry.model_validate(change) for change in finding.step.changes),
            last_action=WitnessEntry.model_validate(finding.witness),
        )


class UnplannedEntry(Part):
    """An object in a stack's project that no stack has made."""

    kind: str = Field(description="In OpenStack's words: `server`, `security group rule`.")
    id: str = Field(description="The cloud's id.")
    name: str = Field(description="Its name, or what it does.")
    created_at: str = Field(description=f"{MOMENT}; empty where the service does not tell.")
    updated_at: str = Field(description="As `created_at`.")


class StackDriftEntry(Part):
    """The drift of one stack."""

    stack: str = stack_field()
    drift: bool = Field(description="Whether there is any.")
    findings: tuple[DriftEntry, ...] = Field(description="What is gone or differs.")
    unplanned: tuple[UnplannedEntry, ...] = Field(description="What is in no plan.")
    error: ErrorEntry | None = Field(description="Why it could not be looked for; else null.")

    @classmethod
    def of(cls, stack: StackDrift) -> StackDriftEntry:
        return cls(
            stack=stack.label,
            drift=stack.found,
            findings=tuple(DriftEntry.of(finding) for finding in stack.findings),
            unplanned=tuple(UnplannedEntry.model_validate(item) for item in stack.unplanned),
            error=ErrorEntry.of(stack.error) if stack.error else None,
        )


class DriftDocument(Document):
    """What was changed by hand, and what is in no plan."""

    schema_: Literal["kraj.drift/1"] = named("kraj.drift/1")
    region: str = Field(description=REGION)
    drift: bool = Field(description="Whether any stack has drift.")
    stacks: tuple[StackDriftEntry, ...] = Field(description="One entry per provisioned stack.")

    @classmethod
    def of(cls, region: str, stacks: Iterable[StackDrift]) -> DriftDocument:
        entries = tuple(StackDriftEntry.of(stack) for stack in stacks)
        return cls(region=region, drift=any(entry.drift for entry in entries), stacks=entries)
