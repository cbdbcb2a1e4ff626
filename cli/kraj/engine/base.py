"""The contract of an engine: what applies a stack program to a cloud.

Two engines implement `Engine`: `kraj.engine.pulumi` (Pulumi's Automation API with the real CLI)
and `kraj.engine.local` (the same programs and the same state format without the CLI). Callers
choose one with `kraj.engine.select.choose_engine` and use nothing but what stands here.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kraj.events import Reporter
from kraj.secrecy import keep_secret


class Operation(enum.StrEnum):
    """What a step does to one resource; Pulumi's own words."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    READ = "read"
    REFRESH = "refresh"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class StackSpec:
    """One stack: which program, under which name, with which configuration.

    `config` and `secret_config` have full keys (`kraj:document`, `openstack:cloud`); secret
    values are stored encrypted and never reported.
    """

    project: str  #: Pulumi project, as in the program's Pulumi.yaml: `kraj-centre`, `kraj-tenant`
    stack: str  #: Pulumi stack name, for example `liberecky.t563889`
    label: str  #: what people call it: `centre`, `tenant:liberec`
    program: Path  #: folder with Pulumi.yaml and __main__.py
    config: Mapping[str, str] = field(default_factory=dict)
    secret_config: Mapping[str, str] = field(default_factory=dict)
    #: Environment variables of program and provider, for example OS_CLIENT_CONFIG_FILE.
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keep_secret(dict(self.secret_config))


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One property before and after a step; None where it has no value."""

    path: str  #: as Pulumi writes it: `tags`, `rules[0].port`
    before: Any  #: plain values; secrets are `[secret]`, what only applying tells `[unknown]`
    after: Any


@dataclass(frozen=True, slots=True)
class Step:
    """One planned or done change of one resource."""

    operation: Operation
    urn: str
    type: str  #: Pulumi type token
    name: str  #: logical name
    id: str = ""
    changed: Sequence[str] = ()  #: property paths that differ
    replaced_by: Sequence[str] = ()  #: property paths that force the replacement
    protected: bool = False
    changes: Sequence[PropertyChange] = ()  #: the values at the paths of `changed`


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of preview, up, refresh or destroy of one stack."""

    stack: str  #: the spec's label
    operation: str  #: `preview`, `up`, `refresh`, `destroy`
    steps: Sequence[Step]
    #: Plain values; secrets are `[secret]`.
    outputs: Mapping[str, Any] = field(default_factory=dict)
    diagnostics: Sequence[str] = ()  #: warnings and information of program and engine
    seconds: float = 0.0

    @property
    def counts(self) -> dict[Operation, int]:
        """Number of steps per operation, without operations that do not occur."""
        counts: dict[Operation, int] = {}
        for step in self.steps:
            counts[step.operation] = counts.get(step.operation, 0) + 1
        return counts

    @property
    def has_changes(self) -> bool:
        return any(
            step.operation not in (Operation.SAME, Operation.READ, Operation.REFRESH)
            for step in self.steps
        )


@dataclass(frozen=True, slots=True)
class Together:
    """Stacks that are refreshed in one go: what several of them would ask for is asked once."""

    stacks: int  #: how many there are
    shared: dict[Any, Any] = field(default_factory=dict)  #: belongs to the engine's providers


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One past update of a stack."""

    version: int
    kind: str  #: `update`, `destroy`, `refresh`, `import`
    result: str  #: `succeeded`, `failed`, `in-progress`
    started_at: str  #: ISO 8601, UTC
    ended_at: str | None
    message: str = ""
    changes: Mapping[str, int] = field(default_factory=dict)


class Engine(Protocol):
    """Applies stacks. Expected failures are `kraj.errors.KrajError` (KRJ3xx, KRJ4xx).

    Mutating methods hold the stack's lock; a second caller is refused at once with the holder
    named. `report` receives an event for the stack (started, done, failed) and one per resource
    step.
    """

    name: str  #: `local` or `pulumi`
    version: str

    @property
    def place(self) -> str:
        """Where its states are kept, as a URL without a password."""
        ...

    def preview(self, spec: StackSpec, report: Reporter, *, refresh: bool = False) -> Result: ...

    def up(self, spec: StackSpec, report: Reporter, *, refresh: bool = False) -> Result: ...

    def refresh(
        self,
        spec: StackSpec,
        report: Reporter,
        *,
        preview_only: bool = False,
        together: Together | None = None,
    ) -> Result:
        """Read all resources back; `together` is given to each of the stacks of one refresh."""
        ...

    def destroy(
        self, spec: StackSpec, report: Reporter, *, preview_only: bool = False
    ) -> Result: ...

    def outputs(self, spec: StackSpec, *, show_secrets: bool = False) -> dict[str, Any]:
        """Outputs of the last successful or partial update; empty without a stack."""
        ...

    def exists(self, spec: StackSpec) -> bool:
        """Whether the stack has any state."""
        ...

    def history(self, spec: StackSpec) -> list[HistoryEntry]:
        """Newest first."""
        ...

    def export_state(self, spec: StackSpec) -> dict[str, Any]:
        """Pulumi's `stack export` JSON (deployment version 3)."""
        ...

    def import_state(
        self,
        spec: StackSpec,
        deployment: Mapping[str, Any],
        *,
        instead_of: Mapping[str, Any] | None = None,
    ) -> None:
        """Replace the state. KRJ318 where `instead_of` is an export that it does not equal now."""
        ...

    def cancel(self, spec: StackSpec) -> None:
        """Break the stack's lock after the caller has made sure that nobody works on it."""
        ...

    def stop(self) -> None:
        """As Ctrl-C for all stacks, also those yet to begin; a second call abandons them."""
        ...

    def remove(self, spec: StackSpec) -> None:
        """Forget an empty stack: state and history. Refused while it has resources."""
        ...
