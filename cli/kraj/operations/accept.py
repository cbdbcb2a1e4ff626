"""Accepts drift: writes what the cloud has into the region's files and into the stacks' states.

What the files would become is known, and checked as a whole region, before a byte is written. The
cloud is not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kraj.drift.accepting import Edit, Proposal, propose
from kraj.engine.base import Engine
from kraj.engine.local.paths import parse_path
from kraj.errors import KrajError, KrajErrors, Location
from kraj.files import write_atomically
from kraj.model.editing import with_value
from kraj.model.problems import did_you_mean
from kraj.model.sources import display
from kraj.operations.changes import FileChange, changed_region
from kraj.operations.drift import StackDrift
from kraj.operations.errors import FILES_CHANGED, FILES_NOT_WRITTEN, NO_SUCH_DRIFT, NOT_ACCEPTABLE
from kraj.operations.region import PlannedRegion
from kraj.operations.stacks import stack_spec
from kraj.planning.build import plan_region

_STATE_PARTS = ("inputs", "outputs")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What would be written, and what cannot be."""

    accepted: Sequence[Proposal] = ()
    refused: Sequence[Proposal] = ()
    changes: Sequence[FileChange] = ()
    #: By the stack's label, the state of which the accepted is true.
    states: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def plan_acceptance(
    planned: PlannedRegion, stacks: Sequence[StackDrift], selectors: Sequence[str]
) -> Acceptance:
    """What accepting the selected drift (all of it without selectors) would write.

    Raises KRJ710 for a selector that fits nothing, KRJ711 where something that was named cannot be
    accepted, and all errors of the region (KRJ1xx, KRJ2xx) that the change would cause.
    """
    found = [
        part
        for stack in stacks
        for part in propose(
            planned.files, stack.label, (item.step for item in stack.findings), stack.unplanned
        )
    ]
    chosen = _chosen(found, selectors)
    accepted = [part for part in chosen if part.edit is not None]
    refused = [part for part in chosen if part.edit is None]
    if selectors and refused:
        raise KrajErrors(
            KrajError(NOT_ACCEPTABLE, f"{part.stack} {part.label}: {part.reason}")
            for part in refused
        )
    changes = _changed_files(planned, [part.edit for part in accepted if part.edit is not None])
    if changes:
        _check_region(planned, changes)
    states = {stack.label: stack.exported for stack in stacks}
    return Acceptance(accepted, refused, changes, states)


def write_acceptance(engine: Engine, planned: PlannedRegion, acceptance: Acceptance) -> None:
    """Write the files, all or none, then note in the states what the cloud has already.

    Raises KRJ712 where a file is no longer what it was, KRJ713 where one cannot be written, and
    what the engine raises where a state is in use or was changed meanwhile: the files stay, and
    the next `kraj up` sets what is set already.
    """
    for change in acceptance.changes:
        if _text_of(change.path) != change.before:
            place = Location(display(change.path))
            raise KrajError(FILES_CHANGED, "the file has changed since it was read", place)
    _write_all(acceptance.changes)
    for label in dict.fromkeys(part.stack for part in acceptance.accepted):
        spec, exported = stack_spec(planned, label), acceptance.states[label]
        parts = [part for part in acceptance.accepted if part.stack == label]
        try:
            engine.import_state(spec, with_accepted(exported, parts), instead_of=exported)
        except KrajError as error:
            error.hint = (
                f"The files are written; the state of {label} is as it was. When nobody works on "
                "the stack, run the same command again."
            )
            raise


def with_accepted(exported: Mapping[str, Any], parts: Sequence[Proposal]) -> dict[str, Any]:
    """The exported state with what the cloud has at the accepted properties, and nothing else."""
    deployment = dict(exported["deployment"])
    by_urn: dict[str, list[Proposal]] = {}
    for part in parts:
        by_urn.setdefault(part.urn, []).append(part)
    deployment["resources"] = [
        _accepting(resource, by_urn.get(resource["urn"], ()))
        for resource in deployment.get("resources") or ()
    ]
    return {**exported, "deployment": deployment}


def _accepting(resource: Mapping[str, Any], parts: Sequence[Proposal]) -> dict[str, Any]:
    changed = dict(resource)
    for part in parts:
        for half in _STATE_PARTS:
            changed[half] = _set(changed.get(half) or {}, parse_path(part.path), part.after)
    return changed


def _set(value: Any, path: tuple[str | int, ...], after: Any) -> Any:
    if not path:
        return after
    inside = dict(value) if isinstance(value, Mapping) else {}
    inside[str(path[0])] = _set(inside.get(str(path[0])), path[1:], after)
    return inside


def _chosen(found: Sequence[Proposal], selectors: Sequence[str]) -> list[Proposal]:
    labels = [part.label for part in found]
    unknown = [
        selector for selector in selectors if not any(part.selected_by(selector) for part in found)
    ]
    if unknown:
        raise KrajErrors(
            KrajError(NO_SUCH_DRIFT, f"nothing differs in {name!r}{did_you_mean(name, labels)}")
            for name in unknown
        )
    return [
        part
        for part in found
        if not selectors or any(part.selected_by(selector) for selector in selectors)
    ]


def _changed_files(planned: PlannedRegion, edits: Sequence[Edit]) -> list[FileChange]:
    before: dict[Path, str] = {}
    after: dict[Path, str] = {}
    for edit in edits:
        path = planned.files.sources.path_of(edit.kind, edit.name)
        if path not in before:
            before[path] = after[path] = _text_of(path)
        after[path] = with_value(after[path], display(path), edit.path, edit.value)
    return [
        FileChange(path, text, after[path]) for path, text in before.items() if after[path] != text
    ]


def _text_of(path: Path) -> str:
    """The text with its own line ends and byte order mark."""
    return path.read_bytes().decode("utf-8")


def _check_region(planned: PlannedRegion, changes: Sequence[FileChange]) -> None:
    """Read and plan a copy of the region with the changes."""
    with changed_region(planned.folder, planned.project.roles, changes) as files:
        plan_region(files, planned.plan.ledger, planned.access.cloud)


def _write_all(changes: Sequence[FileChange]) -> None:
    written: list[FileChange] = []
    try:
        for change in changes:
            _write(change.path, change.after)
            written.append(change)
    except OSError as error:
        for change in written:
            _write(change.path, change.before)
        reason = error.strerror or str(error)
        raise KrajError(FILES_NOT_WRITTEN, f"no file was changed: {reason}") from error


def _write(path: Path, text: str) -> None:
    real = path.resolve()
    write_atomically(real, text.encode(), mode=real.stat().st_mode & 0o777)
