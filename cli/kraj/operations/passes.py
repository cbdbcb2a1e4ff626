"""Applies a stack in one pass, or in two where its quota has to follow deletions.

Engines update first and delete last, and the cloud counts what is not deleted yet. Where a change
takes something away, the first pass does all of it with limits that have room for the old and the
new, and the second sets the limits that are planned: the program and the state are the same for
both. A run that ends in between has done nothing that the next one would not do; that finds the
limits still to be lowered in the state.

Which limits these are is for `kraj.planning.transition`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from kraj.engine.base import Engine, Operation, PropertyChange, Result, StackSpec, Step
from kraj.events import Event, EventKind, Reporter, ignore
from kraj.model.region import Region
from kraj.planning.documents import Quota
from kraj.planning.limits import LIMITS
from kraj.planning.transition import (
    Document,
    Standing,
    counted,
    differences,
    quota_meanwhile,
)

_DOCUMENT: Final = "kraj:document"
_UNCHANGING: Final = (Operation.SAME, Operation.READ, Operation.REFRESH)


@dataclass(frozen=True, slots=True)
class Change:
    """A stack and what it shall hold."""

    spec: StackSpec
    region: Region
    document: Document

    def with_quota(self, quota: Quota) -> StackSpec:
        """The stack with other limits than those that are planned."""
        other = self.document.model_copy(update={"quota": quota})
        config = {**self.spec.config, _DOCUMENT: other.model_dump_json()}
        return replace(self.spec, config=config)


def preview(engine: Engine, change: Change, report: Reporter, *, refresh: bool) -> Result:
    """What the whole change does; a note says where it takes two passes."""
    meanwhile = _meanwhile(engine, change)
    result = engine.preview(change.spec, report, refresh=refresh)
    if meanwhile == change.document.quota:
        return result
    note = _note(meanwhile, change.document.quota)
    return replace(result, diagnostics=(note, *result.diagnostics))


def up(engine: Engine, change: Change, report: Reporter, *, refresh: bool) -> Result:
    """Apply the whole change; the result is that of both passes together.

    With `refresh`, what somebody has changed by hand is read into the state first: a server made
    larger counts as large until it is small again. Where it cannot be put right (a volume that was
    grown), the state stays as it was, so that `kraj drift` still shows it.
    """
    if refresh and engine.exists(change.spec):
        engine.preview(change.spec, ignore, refresh=True)
        engine.refresh(change.spec, report)
    meanwhile = _meanwhile(engine, change)
    if meanwhile == change.document.quota:
        return engine.up(change.spec, report)
    note = _note(meanwhile, change.document.quota)
    report(Event(EventKind.PROGRESS, "up", change.spec.label, note))
    first = engine.up(change.with_quota(meanwhile), report)
    done = together(first, engine.up(change.spec, report))
    return replace(done, diagnostics=(note, *done.diagnostics))


def _meanwhile(engine: Engine, change: Change) -> Quota:
    deployment = engine.export_state(change.spec)["deployment"]
    standing = _standing(deployment.get("resources") or ())
    return quota_meanwhile(change.region, change.document, standing)


def _standing(resources: Sequence[dict[str, Any]]) -> Iterator[Standing]:
    """What of a state counts, or says what may count."""
    for resource in resources:
        type_ = str(resource["type"])
        if not resource.get("external") and (counted(type_) or type_ in LIMITS):
            yield Standing(
                type_,
                resource["urn"].split("::", 3)[3],
                resource.get("inputs") or {},
                leaving=bool(resource.get("delete")),
            )


def _note(meanwhile: Quota, final: Quota) -> str:
    limits = ", ".join(
        f"{name} {before} → {after}"
        for name, (before, after) in differences(meanwhile, final).items()
    )
    return (
        "in two passes, because what is deleted counts until it is gone; limits during the change "
        f"→ afterwards: {limits}"
    )


def together(first: Result, last: Result) -> Result:
    """Two passes over a stack as one run: each resource once, with what became of it."""
    steps: dict[str, Step] = {}
    for step in (*first.steps, *last.steps):
        earlier = steps.get(step.urn)
        steps[step.urn] = step if earlier is None else _joined(earlier, step)
    return replace(
        last,
        steps=tuple(steps.values()),
        diagnostics=tuple(dict.fromkeys((*first.diagnostics, *last.diagnostics))),
        seconds=first.seconds + last.seconds,
    )


def _joined(earlier: Step, later: Step) -> Step:
    """One step that has the effect of both."""
    if later.operation in _UNCHANGING:
        return earlier
    if earlier.operation in _UNCHANGING:
        return later
    if earlier.operation is not Operation.UPDATE:
        return earlier  # what was created, and then changed, was created
    before = {change.path: change.before for change in earlier.changes}
    after = {change.path: change for change in (*earlier.changes, *later.changes)}
    changes = [
        PropertyChange(path, before.get(path, change.before), change.after)
        for path, change in after.items()
    ]
    changes = [change for change in changes if change.before != change.after]
    return replace(later, changed=tuple(change.path for change in changes), changes=tuple(changes))
