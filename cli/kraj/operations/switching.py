"""Moves a region's stacks to the other engine, and records which engine the region has.

What is moved is noted with the record, so that a run which was stopped half-way goes on. How one
stack is moved stands in `kraj.engine.switching`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kraj.engine.base import Engine, Result, StackSpec
from kraj.engine.choice import Choice, Unfinished, read_choice, write_choice
from kraj.engine.errors import NO_PULUMI
from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.buckets.files import FileBucket
from kraj.engine.local.lock import refuse_if_locked
from kraj.engine.local.state import now
from kraj.engine.local.store import StateStore
from kraj.engine.pulumi_cli import find_cli
from kraj.engine.select import make_engine
from kraj.engine.switching import Moved, Mover, fingerprint, new_backup_folder
from kraj.engine.switching_errors import STATE_ELSEWHERE, WHOLE_REGION
from kraj.errors import KrajError
from kraj.events import Reporter
from kraj.operations.region import PlannedRegion
from kraj.operations.stacks import DEFAULT_JOBS, on_each, select_targets, stack_spec

_Act = Callable[[StackSpec, Reporter], Moved]


@dataclass(frozen=True, slots=True)
class StackSwitch:
    """What came of one stack."""

    label: str
    #: `switched`; `checked` (a rehearsal found nothing to change); `already`; `kept` (see `error`).
    outcome: str
    backup: Path | None = None
    error: KrajError | None = None


@dataclass(frozen=True, slots=True)
class RegionSwitch:
    """What came of a region's stacks, and what is recorded for the region."""

    engine: str  #: to which it is switched
    chosen: str  #: what is recorded now; empty where the choice is automatic
    rehearsed: bool
    stacks: tuple[StackSwitch, ...]
    left: tuple[str, ...]  #: labels of stacks that have not been switched yet


class Switch:
    """A switch of a region to an engine, ready to be rehearsed or carried out."""

    def __init__(self, planned: PlannedRegion, engine: str, only: Sequence[str] = ()) -> None:
        """`engine` is one of `kraj.engine.select.ENGINES`.

        Raises KRJ312 without Pulumi's command where it is needed, KRJ343, KRJ346.
        """
        self.engine = engine
        self._planned = planned
        self._bucket = bucket_of(planned)
        self._choice = read_choice(self._bucket)
        self._lock = threading.Lock()
        self._mover = self._make_mover()
        self._labels = select_targets(planned, only)
        self._all = select_targets(planned, ())
        if self._mover.elsewhere and set(self._labels) != set(self._all):
            raise KrajError(
                WHOLE_REGION,
                f"the states move to {self._mover.target.place}; without `--only`, all of them do",
            )
        self._done = dict(self._begun.done) if self._begun else {}

    @property
    def is_done(self) -> bool:
        """Whether the region has the engine already."""
        return self._choice.engine == self.engine and self._choice.unfinished is None

    @property
    def question(self) -> str:
        """What somebody has to agree to."""
        place = f", and move its states to {self._mover.target.place}" if self._elsewhere else ""
        return f"Switch region {self._planned.name} to the engine {self.engine}{place}?"

    def rehearse(self, report: Reporter, *, jobs: int = DEFAULT_JOBS) -> RegionSwitch:
        """Check what `carry_out` would check; writes nothing and changes nothing."""
        stacks = self._each(self._mover.rehearse, "checked", report, jobs)
        return RegionSwitch(self.engine, self._choice.engine, True, stacks, ())

    def carry_out(self, report: Reporter, *, jobs: int = DEFAULT_JOBS) -> RegionSwitch:
        """Move the stacks; once none is left, the region has the engine."""
        self._record()
        stacks = self._each(self._mover.move, "switched", report, jobs)
        left = tuple(
            label
            for label in self._all
            if self._mover.exists(stack_spec(self._planned, label)) and not self._has(label)
        )
        if not left:
            place = self._mover.target.place
            place = "" if place == self._bucket.url else place
            self._choice = Choice(self.engine, now(), place)
            write_choice(self._bucket, self._choice)
        elif not self._done:  # everything is where it was
            self._choice = replace(self._choice, unfinished=None)
            write_choice(self._bucket, self._choice)
        return RegionSwitch(self.engine, self._choice.engine, False, stacks, left)

    # -- below

    @property
    def _elsewhere(self) -> bool:
        return self._mover.elsewhere

    @property
    def _begun(self) -> Unfinished | None:
        """The switch that this one goes on with."""
        unfinished = self._choice.unfinished
        return unfinished if unfinished and unfinished.to == self.engine else None

    def _make_mover(self) -> Mover:
        state_dir, bucket = self._planned.state_dir, self._bucket
        local = make_engine("local", state_dir, bucket=bucket)
        pulumi = self._pulumi(state_dir, bucket)
        to_pulumi = self.engine == "pulumi"
        return Mover(
            source=local if to_pulumi else pulumi,
            target=pulumi if to_pulumi and pulumi else local,
            exporter=local,
            backups=new_backup_folder(state_dir),
            state_dir=state_dir,
            refuse_locked=lambda spec: refuse_if_locked(
                StateStore(bucket, spec.project, spec.stack, state_dir), lambda _message: None
            ),
        )

    def _pulumi(self, state_dir: Path, bucket: Bucket) -> Engine | None:
        """Pulumi's engine; None where it is not installed and not needed."""
        unfinished = self._choice.unfinished
        place = self._choice.place or (unfinished.place if unfinished else "")
        if find_cli() is None:
            if self.engine == "pulumi":
                raise KrajError(
                    NO_PULUMI, "no `pulumi` command was found on PATH, to which to switch"
                )
            if place:
                raise KrajError(NO_PULUMI, f"the states are at {place}, where `pulumi` put them")
            return None
        engine = make_engine("pulumi", state_dir, bucket=bucket)
        if place and engine.place != place:
            raise KrajError(
                STATE_ELSEWHERE,
                f"the states are at {place}; the engine pulumi would look at {engine.place}",
                hint="Set PULUMI_BACKEND_URL to the place in the message.",
            )
        return engine

    def _each(
        self, act: _Act, outcome: str, report: Reporter, jobs: int
    ) -> tuple[StackSwitch, ...]:
        """Do it on each stack that exists, side by side."""
        specs = {label: stack_spec(self._planned, label) for label in self._labels}
        present = [label for label, spec in specs.items() if self._mover.exists(spec)]
        moved: dict[str, StackSwitch] = {}

        def one(spec: StackSpec, reporter: Reporter) -> Result:
            if self._has(spec.label):
                moved[spec.label] = StackSwitch(spec.label, "already")
            else:
                found = act(spec, reporter)
                moved[spec.label] = StackSwitch(spec.label, outcome, found.backup)
                if outcome == "switched":
                    self._note(spec, found)
            return Result(spec.label, "switch", ())

        runs = on_each(self._mover.target, self._planned, present, report, one, jobs=jobs)
        return tuple(
            moved[run.label]
            if run.error is None
            else StackSwitch(run.label, "kept", error=run.error)
            for run in runs
        )

    def _has(self, label: str) -> bool:
        """Whether a stack was moved by this switch, and is as it was then."""
        spec = stack_spec(self._planned, label)
        noted = self._done.get(_key(spec))
        if noted is None:
            return False
        holder = self._mover.target if self._elsewhere else self._mover.exporter
        return fingerprint(holder.export_state(spec)) == noted

    def _note(self, spec: StackSpec, moved: Moved) -> None:
        with self._lock:
            self._done[_key(spec)] = moved.fingerprint
            self._record()

    def _record(self) -> None:
        place = self._mover.target.place
        if not self._elsewhere:
            place = ""
        elif self._mover.source is not None and place == self._bucket.url:
            place = self._mover.source.place  # on the way back
        unfinished = Unfinished(self.engine, place, dict(self._done))
        self._choice = replace(self._choice, unfinished=unfinished)
        write_choice(self._bucket, self._choice)


def bucket_of(planned: PlannedRegion) -> Bucket:
    """Where the region's states are."""
    return planned.bucket or FileBucket(planned.state_dir)


def _key(spec: StackSpec) -> str:
    return f"{spec.project}/{spec.stack}"
