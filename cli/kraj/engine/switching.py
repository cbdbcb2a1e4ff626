"""Moves one stack from an engine to the other: backup, move, check, and back where that fails.

Both engines keep the same format, by default in the same place: then nothing is rewritten, and what
counts is the check. Where Pulumi's states are elsewhere (PULUMI_BACKEND_URL), the state is carried
there by export and import. Which stacks there are, and what is recorded for the region, is not
known here (`kraj.operations.switching`).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kraj.engine.base import Engine, Operation, Result, StackSpec, Step
from kraj.engine.passphrase import resolve_passphrase
from kraj.engine.select import make_engine
from kraj.engine.switching_errors import (
    BACKUP_NOT_WRITTEN,
    ENGINES_DIFFER,
    STEPS_LEFT_OPEN,
    TWO_STATES,
)
from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter, ignore
from kraj.files import write_atomically

Export = dict[str, Any]

#: Operations that a plan may have and still be empty.
_NOTHING = (Operation.SAME, Operation.READ, Operation.REFRESH)
_SHOWN = 5  #: changes in an error's message; all of them are among its causes


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of one stack."""

    backup: Path | None  #: its state as it was before; None in a rehearsal
    fingerprint: str  #: of its state as it is with the other engine


@dataclass(frozen=True, slots=True)
class Mover:
    """Moves stacks from `source` to `target`.

    `source` is None where only that engine's command is missing: both see the same states then.
    `exporter` is the engine that reads states where both have them in one place.
    """

    source: Engine | None
    target: Engine
    exporter: Engine
    backups: Path  #: a folder for this move
    state_dir: Path
    refuse_locked: Callable[[StackSpec], None]  #: raises KRJ306

    @property
    def elsewhere(self) -> bool:
        """Whether the engines keep their states in different places."""
        return self.source is not None and self.source.place != self.target.place

    def exists(self, spec: StackSpec) -> bool:
        """Whether either engine has a state of the stack."""
        if self.source is None or not self.elsewhere:
            return self.exporter.exists(spec)
        return self.source.exists(spec) or self.target.exists(spec)

    def export(self, spec: StackSpec) -> Export:
        """The stack's state, from the engine that has it. Raises KRJ342."""
        if self.source is None or not self.elsewhere:
            return self.exporter.export_state(spec)
        ours, theirs = self.source.export_state(spec), self.target.export_state(spec)
        if not _resources(theirs):
            return ours
        if _resources(ours) and _identities(ours) != _identities(theirs):
            raise KrajError(
                TWO_STATES,
                f"{spec.label} has {len(_resources(ours))} resources in {self.source.place} and "
                f"{len(_resources(theirs))} others in {self.target.place}",
            )
        # An earlier switch has come so far: at most, what it left behind is to be removed.
        return ours if _resources(ours) else theirs

    def move(self, spec: StackSpec, report: Reporter) -> Moved:
        """Raises KRJ306, KRJ340 to KRJ342, KRJ345 and what a preview raises; then all is as before.

        A run that is stopped half-way can be repeated: what it did is found again.
        """
        exported = self._ready(spec)
        backup = self._keep(spec, exported)
        _tell(report, spec, f"backup kept in {backup}")
        if self.source is None or not self.elsewhere:
            self._check(spec, self.target.preview(spec, report, refresh=True))
            return Moved(backup, fingerprint(exported))
        self._carry(self.source, spec, exported, report)
        return Moved(backup, fingerprint(self.target.export_state(spec)))

    def rehearse(self, spec: StackSpec, report: Reporter) -> Moved:
        """As `move`, without a trace: neither state nor cloud is changed."""
        exported = self._ready(spec)
        if self.elsewhere:
            result = rehearse(self.target.name, self.state_dir, spec, exported, report)[0]
        else:
            result = self.target.preview(spec, report, refresh=True)
        self._check(spec, result)
        return Moved(None, fingerprint(exported))

    def _ready(self, spec: StackSpec) -> Export:
        self.refuse_locked(spec)
        exported = self.export(spec)
        refuse_open_steps(spec, exported)
        return exported

    def _carry(self, source: Engine, spec: StackSpec, exported: Export, report: Reporter) -> None:
        """Carry a state to the other place. After an error it is where it was, and only there."""
        try:
            self.target.import_state(spec, exported)
            _tell(report, spec, f"carried to {self.target.place}")
            self._check(spec, self.target.preview(spec, report, refresh=True))
        except KrajError:
            if not source.exists(spec):  # an earlier run had come further: there is no way back
                raise
            forget(self.target, spec, exported)
            _tell(report, spec, f"taken back from {self.target.place}")
            raise
        if source.exists(spec):
            forget(source, spec, exported)

    def _keep(self, spec: StackSpec, exported: Export) -> Path:
        path = self.backups / f"{spec.project}.{spec.stack}.json"
        try:
            write_atomically(path, json.dumps(exported, ensure_ascii=False), mode=0o600)
        except OSError as error:
            raise KrajError(
                BACKUP_NOT_WRITTEN, f"cannot write {path}: {error.strerror or error}"
            ) from error
        return path

    def _check(self, spec: StackSpec, result: Result) -> None:
        """Raises KRJ341 where the plan is not empty, and tells whose changes these are."""
        found = [step for step in result.steps if step.operation not in _NOTHING]
        if not found:
            return
        error = differing(spec, self.target.name, found)
        if self.source is not None and not self.elsewhere:
            before = self.source.preview(spec, ignore, refresh=True)
            if _signs(found) <= _signs(before.steps):
                error.hint = (
                    f"The engine {self.source.name} would change the same: apply that first with "
                    f"`kraj up --refresh --only {spec.label} --engine {self.source.name}`, and run "
                    "the same command again."
                )
        raise error


def rehearse(
    name: str, state_dir: Path, spec: StackSpec, exported: Export, report: Reporter
) -> tuple[Result, Export]:
    """What an engine would change if it had that state, and how it gives the state back.

    The state is imported into a folder that is gone afterwards; nothing else is written.
    """
    with tempfile.TemporaryDirectory(prefix="kraj-") as folder:
        environ = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": resolve_passphrase(state_dir)}
        environ.pop("PULUMI_BACKEND_URL", None)
        engine = make_engine(name, Path(folder), environ=environ)
        engine.import_state(spec, exported)
        return engine.preview(spec, report, refresh=True), engine.export_state(spec)


def new_backup_folder(state_dir: Path) -> Path:
    """A folder for the backups of one switch; it is made with its first file."""
    return state_dir / "switched" / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def forget(engine: Engine, spec: StackSpec, like: Mapping[str, Any]) -> None:
    """Remove a stack's state from an engine, not its resources from the cloud."""
    inner = {**like["deployment"], "resources": [], "pending_operations": []}
    engine.import_state(spec, {**like, "deployment": inner})
    engine.remove(spec)


def refuse_open_steps(spec: StackSpec, exported: Mapping[str, Any]) -> None:
    """Raises KRJ340 where the state has pending operations."""
    pending = exported["deployment"].get("pending_operations") or ()
    names = [f"{item['type']} {item['resource']['urn'].rpartition('::')[2]}" for item in pending]
    if names:
        raise KrajError(
            STEPS_LEFT_OPEN,
            f"{spec.label} has {len(names)} steps that were left open: {', '.join(names)}",
        )


def differing(spec: StackSpec, engine: str, steps: list[Step]) -> KrajError:
    """KRJ341 with the steps, and each property before and after as a cause."""
    told = [line for step in steps for line in _lines(step)]
    names = [f"{step.operation.value} {step.name}" for step in steps]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return KrajError(
        ENGINES_DIFFER,
        f"the engine {engine} would change {spec.label}: {', '.join(names[:_SHOWN])}{more}",
        causes=told,
        details={"steps": [{"urn": step.urn, "operation": step.operation.value} for step in steps]},
    )


def fingerprint(exported: Mapping[str, Any]) -> str:
    """The same for the same resources and open steps, whoever wrote them when."""
    inner = exported["deployment"]
    parts = {key: inner.get(key) or [] for key in ("resources", "pending_operations")}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _lines(step: Step) -> list[str]:
    head = f"{step.operation.value} {step.type.rpartition(':')[2]} {step.name!r}"
    if not step.changes:
        return [head]
    return [f"{head}: {item.path}: {item.before!r} → {item.after!r}" for item in step.changes]


def _signs(steps: Iterable[Step]) -> set[tuple[str, Operation]]:
    return {(step.urn, step.operation) for step in steps if step.operation not in _NOTHING}


def _resources(exported: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(exported["deployment"].get("resources") or ())


def _identities(exported: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(item["urn"], item.get("id", "")) for item in _resources(exported)}


def _tell(report: Reporter, spec: StackSpec, message: str) -> None:
    report(Event(EventKind.PROGRESS, "switch", spec.label, message))
