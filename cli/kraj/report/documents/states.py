"""Documents of `kraj state`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from kraj.report.documents.base import MOMENT, REGION, Document, Part, named, stack_field
from kraj.report.documents.failures import ErrorEntry

if TYPE_CHECKING:
    # Every command loads the documents; the engine's parts are slow to load.
    from kraj.engine.base import HistoryEntry
    from kraj.engine.local.backups import Backup
    from kraj.engine.local.inspection import ResourceDifference
    from kraj.operations.repair import Repair
    from kraj.operations.states import StateCheck, StateSummary

_STATE = "`centre`, `tenant:<slug>`, or `<project>/<stack>` of a state that no file names any more."
_FLAGS = ("protect", "external", "delete", "pendingReplacement")


class StateEntry(Part):
    """One state in figures."""

    stack: str = Field(description=_STATE)
    resources: int = Field(ge=0, description="Resources that it knows, the stack itself included.")
    pending: int = Field(ge=0, description="Steps of which nobody has seen the end.")
    size: int = Field(ge=0, description="Bytes.")
    updated_at: str | None = Field(description=f"End of the last update: {MOMENT}.")
    last_operation: str | None = Field(description="What that update was.")
    locked_by: tuple[str, ...] = Field(description="Who works on the stack.")
    error: ErrorEntry | None = Field(description="Why it cannot be read; null where it can.")

    @classmethod
    def of(cls, state: StateSummary) -> StateEntry:
        return cls(
            stack=state.stack,
            resources=state.resources,
            pending=state.pending,
            size=state.size,
            updated_at=state.updated_at,
            last_operation=state.last_operation,
            locked_by=state.locked_by,
            error=ErrorEntry.of(state.error) if state.error else None,
        )


class StateListDocument(Document):
    """All states of a region."""

    schema_: Literal["kraj.state.list/1"] = named("kraj.state.list/1")
    region: str = Field(description=REGION)
    states: tuple[StateEntry, ...] = Field(description="One entry per state that exists.")

    @classmethod
    def of(cls, region: str, states: Iterable[StateSummary]) -> StateListDocument:
        return cls(region=region, states=tuple(StateEntry.of(state) for state in states))


class ResourceEntry(Part):
    """One resource of a state."""

    type: str = Field(description="Pulumi's type token.")
    name: str = Field(description="Its name in the stack program.")
    id: str = Field(description="Its id in the cloud; empty for components.")
    urn: str = Field(description="Pulumi's URN.")
    parent: str = Field(description="URN of the parent; empty for the stack itself.")
    flags: tuple[Literal["protect", "external", "delete", "pendingReplacement"], ...] = Field(
        description=(
            "`protect`: never deleted; `external`: only read; `delete`: replaced, to be deleted; "
            "`pendingReplacement`: deleted, to be made again."
        )
    )

    @classmethod
    def of(cls, resource: Mapping[str, Any]) -> ResourceEntry:
        urn = str(resource["urn"])
        return cls(
            type=resource["type"],
            name=urn.split("::", 3)[3],
            id=resource.get("id") or "",
            urn=urn,
            parent=resource.get("parent") or "",
            flags=tuple(name for name in _FLAGS if resource.get(name)),
        )


class StateShowDocument(Document):
    """The resources of one state, without their properties."""

    schema_: Literal["kraj.state.show/1"] = named("kraj.state.show/1")
    stack: str = stack_field()
    resources: tuple[ResourceEntry, ...] = Field(description="In the order of the state.")
    pending: tuple[str, ...] = Field(description="URNs of steps whose end nobody has seen.")

    @classmethod
    def of(cls, stack: str, deployment: Mapping[str, Any]) -> StateShowDocument:
        pending = deployment.get("pending_operations") or ()
        return cls(
            stack=stack,
            resources=tuple(ResourceEntry.of(it) for it in deployment.get("resources") or ()),
            pending=tuple(item["resource"]["urn"] for item in pending),
        )


class UpdateEntry(Part):
    """One past update of a stack."""

    version: int = Field(ge=1, description="Counts from the oldest.")
    kind: str = Field(description="`update`, `destroy`, `refresh` or `import`.")
    result: str = Field(description="`succeeded`, `failed` or `in-progress`.")
    started_at: str = Field(description=MOMENT)
    ended_at: str | None = Field(description=f"{MOMENT}; null where it is not known.")
    message: str = Field(description="What was said with it; often empty.")
    changes: dict[str, int] = Field(description="Number of steps by operation.")


class StateHistoryDocument(Document):
    """The past updates of one stack."""

    schema_: Literal["kraj.state.history/1"] = named("kraj.state.history/1")
    stack: str = stack_field()
    updates: tuple[UpdateEntry, ...] = Field(description="Newest first.")

    @classmethod
    def of(cls, stack: str, updates: Sequence[HistoryEntry]) -> StateHistoryDocument:
        return cls(stack=stack, updates=tuple(UpdateEntry.model_validate(it) for it in updates))


class StateCheckEntry(Part):
    """What was found in one state."""

    stack: str = Field(description=_STATE)
    resources: int = Field(ge=0, description="Resources that were looked at.")
    faults: tuple[str, ...] = Field(description="What is wrong, a sentence each; empty: nothing.")


class StateVerifyDocument(Document):
    """Whether states can be read, are sound, and have whole copies."""

    schema_: Literal["kraj.state.verify/1"] = named("kraj.state.verify/1")
    region: str = Field(description=REGION)
    passed: bool = Field(description="Whether there is no fault at all.")
    states: tuple[StateCheckEntry, ...] = Field(description="One entry per state.")

    @classmethod
    def of(cls, region: str, checks: Sequence[StateCheck]) -> StateVerifyDocument:
        return cls(
            region=region,
            passed=not any(check.faults for check in checks),
            states=tuple(StateCheckEntry.model_validate(check) for check in checks),
        )


class BackupEntry(Part):
    """One copy of a state."""

    name: str = Field(description="As `kraj state restore` takes it.")
    taken_at: str = Field(description=MOMENT)
    size: int = Field(ge=0, description="Bytes.")
    whole: bool = Field(description="Whether its checksum fits.")


class StateBackupsDocument(Document):
    """The copies of one state from before its changes."""

    schema_: Literal["kraj.state.backups/1"] = named("kraj.state.backups/1")
    stack: str = stack_field()
    backups: tuple[BackupEntry, ...] = Field(description="Newest first.")

    @classmethod
    def of(cls, stack: str, backups: Sequence[Backup]) -> StateBackupsDocument:
        return cls(stack=stack, backups=tuple(BackupEntry.model_validate(it) for it in backups))


class DifferenceEntry(Part):
    """A resource that differs between the state and what replaces it."""

    change: Literal["add", "remove", "change"] = Field(
        description="What the state gets, loses, or has otherwise afterwards."
    )
    type: str = Field(description="Pulumi's type token.")
    name: str = Field(description="Its name in the stack program.")
    id: str = Field(description="Its id in the cloud.")


class StateReplaceDocument(Document):
    """What importing or restoring a state has changed, or would change."""

    schema_: Literal["kraj.state.replace/1"] = named("kraj.state.replace/1")
    stack: str = stack_field()
    done: bool = Field(description="Whether it was done; false with `--dry-run`.")
    differences: tuple[DifferenceEntry, ...] = Field(description="Resource by resource.")

    @classmethod
    def of(
        cls, stack: str, found: Sequence[ResourceDifference], *, done: bool
    ) -> StateReplaceDocument:
        entries = tuple(DifferenceEntry.model_validate(item) for item in found)
        return cls(stack=stack, done=done, differences=entries)


class StateRepairDocument(Document):
    """What repairing a state has done, or would do."""

    schema_: Literal["kraj.state.repair/1"] = named("kraj.state.repair/1")
    stack: str = stack_field()
    done: bool = Field(
        description="Whether it was done; false with `--dry-run` and without faults."
    )
    source: str = Field(description="The copy that it starts from; empty: the state itself.")
    actions: tuple[str, ...] = Field(description="A sentence each; empty: nothing to repair.")
    differences: tuple[DifferenceEntry, ...] = Field(description="Resource by resource.")

    @classmethod
    def of(cls, stack: str, repair: Repair, *, done: bool) -> StateRepairDocument:
        entries = tuple(DifferenceEntry.model_validate(item) for item in repair.differences)
        return cls(
            stack=stack,
            done=done,
            source=repair.source,
            actions=repair.actions,
            differences=entries,
        )


class RotatedEntry(Part):
    """A state and its secrets."""

    stack: str = Field(description=_STATE)
    secrets: int = Field(ge=0, description="Encrypted values.")
    before: bool = Field(description="Whether it had the new passphrase already.")


class StateSecretsDocument(Document):
    """States whose secrets were encrypted with another passphrase."""

    schema_: Literal["kraj.state.change-secrets-provider/1"] = named(
        "kraj.state.change-secrets-provider/1"
    )
    region: str = Field(description=REGION)
    done: bool = Field(description="Whether it was done; false with `--dry-run`.")
    states: tuple[RotatedEntry, ...] = Field(description="One entry per state.")
    old_passphrase: str | None = Field(
        description="File or keyring entry that keeps the old passphrase; null where kraj does not."
    )


class StateUnlockDocument(Document):
    """A stack whose locks were removed."""

    schema_: Literal["kraj.state.unlock/1"] = named("kraj.state.unlock/1")
    stack: str = stack_field()
    locks: int = Field(ge=0, description="How many there were.")
