"""Looks after the states of a region's stacks: list, check, copy, take back, unlock.

Works from the region's files and the place of its states alone, without a cloud: that may be what
is broken. What a state means to the cloud is not known here (`kraj refresh`, `kraj drift`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kraj.engine.base import HistoryEntry, StackSpec
from kraj.engine.choice import read_choice
from kraj.engine.errors import LOCKED, NO_BACKUP, STATE_UNREADABLE
from kraj.engine.local.backups import Backup
from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.buckets.files import FileBucket
from kraj.engine.local.crypto import KeyRing
from kraj.engine.local.engine import LocalEngine
from kraj.engine.local.history import history_entry
from kraj.engine.local.inspection import ResourceDifference, differences, faults_in
from kraj.engine.local.lock import Holder, break_lock, holders
from kraj.engine.local.state import crypter_of, read_deployment
from kraj.engine.local.store import STACKS, StateStore, deployment_in
from kraj.engine.passphrase import resolve_passphrase
from kraj.engine.switching_errors import STATE_ELSEWHERE
from kraj.errors import KrajError, KrajErrors
from kraj.files import write_atomically
from kraj.operations.errors import FILE_UNUSABLE, UNKNOWN_TARGET
from kraj.operations.region import read_region, state_bucket
from kraj.operations.stacks import CENTRE, TENANT_PREFIX
from kraj.planning.naming import centre_stack_name, tenant_stack_name


@dataclass(frozen=True, slots=True)
class StateSummary:
    """What a state is, in figures."""

    stack: str  #: `centre`, `tenant:<slug>`; `<project>/<stack>` where no file names it any more
    resources: int
    pending: int  #: steps of which nobody has seen the end
    size: int  #: bytes
    updated_at: str | None  #: ISO 8601, UTC
    last_operation: str | None
    locked_by: tuple[str, ...]
    error: KrajError | None = None  #: why it cannot be read


@dataclass(frozen=True, slots=True)
class StateCheck:
    """What is wrong with a state and its copies."""

    stack: str
    resources: int
    faults: tuple[str, ...]


class RegionStates:
    """The states of one region, by the labels of its stacks."""

    def __init__(self, region: str | None) -> None:
        """Read the region's files. Raises KRJ1xx, KRJ319, KRJ343 where states are elsewhere."""
        project, folder, files = read_region(region)
        self.project, self.folder, self.files = project, folder, files
        self.region = files.region.name
        self.state_dir = project.region_state(self.region)
        self._bucket: Bucket = state_bucket(folder, files.region) or FileBucket(self.state_dir)
        place = read_choice(self._bucket).place
        if place:
            raise KrajError(STATE_ELSEWHERE, f"the states are at {place}")
        tenants = {
            TENANT_PREFIX + slug: ("kraj-tenant", tenant_stack_name(self.region, tenant.code))
            for slug, tenant in files.tenants.items()
        }
        self._stacks = {CENTRE: ("kraj-centre", centre_stack_name(self.region)), **tenants}
        self._backups = files.region.state_backups
        self._engine = LocalEngine(self.state_dir, bucket=self._bucket, backups=self._backups)
        self.keys = KeyRing(lambda: resolve_passphrase(self.state_dir))

    # -- looking

    def summaries(self) -> list[StateSummary]:
        """One per state that exists: the region's in order, then those that no file names."""
        return [self._summary(label, self._store_of(*names)) for label, names in self._existing()]

    def check(self, only: list[str]) -> list[StateCheck]:
        """All states that exist, or those named: can they be read, are they sound and whole?"""
        for label in only:
            self.store(label)
        return [
            self._check(label, self._store_of(*names))
            for label, names in self._existing()
            if not only or label in only
        ]

    def stores(self) -> list[tuple[str, StateStore]]:
        """Labels and stores of all states that exist, also of those that no file names."""
        return [(label, self._store_of(*names)) for label, names in self._existing()]

    def deployment(self, label: str) -> dict[str, Any]:
        """The deployment of a stack, secrets encrypted. Raises KRJ309 where there is none."""
        deployment = self.store(label).load()
        if deployment is None:
            raise KrajError(
                STATE_UNREADABLE, f"{label} has no state yet", hint="`kraj up` makes it."
            )
        return deployment

    def export(self, label: str) -> dict[str, Any]:
        """What `pulumi stack export` prints; secrets are encrypted. Raises KRJ309."""
        return {"version": 3, "deployment": self.deployment(label)}

    def history(self, label: str) -> list[HistoryEntry]:
        """Past updates, newest first."""
        return self._engine.history(self._spec(label))

    def backups(self, label: str) -> list[Backup]:
        """Copies from before each change, newest first."""
        return self.store(label).backups.all()

    def holders(self, label: str) -> list[Holder]:
        """Who has locked a stack."""
        return holders(self.store(label))

    def store(self, label: str) -> StateStore:
        """Raises KRJ703 for a label that is none of the region's."""
        if label not in self._stacks:
            raise KrajErrors(
                [KrajError(UNKNOWN_TARGET, f"no stack {label!r} in region {self.region}")]
            )
        return self._store_of(*self._stacks[label])

    # -- changing

    def unlock(self, label: str) -> int:
        """Remove a stack's locks; returns how many. Raises KRJ306 where a holder runs here."""
        for holder in self.holders(label):
            if holder.runs:
                raise KrajError(
                    LOCKED,
                    f"{label} is being worked on by {holder.words}: that process runs here",
                    hint="Let it end, or stop it with Ctrl-C or `kill`; then its lock is gone too.",
                )
        return break_lock(self.store(label))

    def plan_import(self, label: str, exported: Mapping[str, Any]) -> list[ResourceDifference]:
        """What importing would change in a state."""
        return differences(self._readable(label), exported["deployment"])

    def import_state(self, label: str, exported: Mapping[str, Any]) -> None:
        """Replace a state, after a copy of the one that is there. Raises KRJ306, 309, 310, 314."""
        self._engine.import_state(self._spec(label), exported)

    def copy_as_export(self, label: str, name: str) -> dict[str, Any]:
        """A backup, or what the update of a number left, in the form of an export.

        Raises KRJ309, KRJ326, KRJ327.
        """
        store = self.store(label)
        if name.isdecimal():
            data = store.checkpoint_after(int(name))
            if data is None:
                raise KrajError(NO_BACKUP, f"{label} keeps no state of an update {name}")
        else:
            data = store.backups.read(name)
        deployment = deployment_in(data, name)
        return {"version": 3, "deployment": deployment or {}}

    def write_export(self, label: str, file: Path) -> None:
        """Write an export that only its owner may read. Raises KRJ309, KRJ730."""
        text = json.dumps(self.export(label), ensure_ascii=False, indent=2)
        try:
            write_atomically(file, text, mode=0o600)
        except OSError as error:
            raise KrajError(FILE_UNUSABLE, f"cannot write {file}: {error.strerror}") from error

    # -- below

    def _readable(self, label: str) -> Mapping[str, Any]:
        """The deployment; an empty one where it cannot be read, which is why people restore."""
        try:
            return self.store(label).load() or {}
        except KrajError as error:
            if error.code is not STATE_UNREADABLE:
                raise
            return {}

    def _store_of(self, project: str, stack: str) -> StateStore:
        return StateStore(self._bucket, project, stack, self.state_dir, self._backups)

    def _spec(self, label: str) -> StackSpec:
        store = self.store(label)
        return StackSpec(store.project, store.stack, label, Path())

    def _existing(self) -> list[tuple[str, tuple[str, str]]]:
        """Labels and names of the states in the bucket."""
        keys = [key for key in self._bucket.list(STACKS) if key.endswith(".json")]
        names = [key.removeprefix(STACKS).removesuffix(".json").split("/") for key in keys]
        there = {(parts[0], parts[1]) for parts in names if len(parts) == 2}
        own = [(label, stack) for label, stack in self._stacks.items() if stack in there]
        others = sorted(there - set(self._stacks.values()))
        return [*own, *(("/".join(stack), stack) for stack in others)]

    def _summary(self, label: str, store: StateStore) -> StateSummary:
        record = store.last_update()
        last = history_entry(0, record) if record else None  # its number is of no interest here
        deployment, error = _tried(store.load)
        return StateSummary(
            label,
            resources=len(deployment.get("resources") or ()),
            pending=len(deployment.get("pending_operations") or ()),
            size=store.size,
            updated_at=(last.ended_at or last.started_at) if last else None,
            last_operation=last.kind if last else None,
            locked_by=tuple(holder.words for holder in holders(store)),
            error=error,
        )

    def _check(self, label: str, store: StateStore) -> StateCheck:
        deployment, error = _tried(store.load)
        faults = [str(error.message)] if error else []
        if not error:
            try:
                state = read_deployment(deployment, crypter_of(deployment, self.keys))
            except KrajError as wrong:
                faults.append(wrong.message)
            else:
                faults += faults_in(state)
        faults += [
            f"the backup {backup.name} is damaged: its checksum does not fit"
            for backup in store.backups.all()
            if not backup.whole
        ]
        return StateCheck(label, len(deployment.get("resources") or ()), tuple(faults))


def read_export(file: Path) -> dict[str, Any]:
    """A file that `kraj state export` or `pulumi stack export` has written. Raises KRJ730."""
    try:
        exported = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise KrajError(FILE_UNUSABLE, f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise KrajError(FILE_UNUSABLE, f"{file} is no JSON: {error}") from error
    if not isinstance(exported, dict) or not isinstance(exported.get("deployment"), dict):
        raise KrajError(FILE_UNUSABLE, f"{file} is not an export of a stack")
    return exported


def _tried(
    load: Callable[[], dict[str, Any] | None],
) -> tuple[dict[str, Any], KrajError | None]:
    """What can be read, or why not."""
    try:
        return load() or {}, None
    except KrajError as error:
        if error.code is not STATE_UNREADABLE:
            raise
        return {}, error
