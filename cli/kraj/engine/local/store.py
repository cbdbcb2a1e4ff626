"""The blobs of a stack's state, laid out in a bucket as Pulumi's own state backends do.

    .pulumi/meta.yaml                                  version: 1 (stacks belong to projects)
    .pulumi/stacks/<project>/<stack>.json[.bak]        the checkpoint and the one before this run
    .pulumi/backups/<project>/<stack>/                 `kraj.engine.local.backups`
    .pulumi/history/<project>/<stack>/<stack>-<ns>.*   one pair of blobs per update
    .pulumi/locks/organization/<project>/<stack>/      `kraj.engine.local.lock`

Source: pulumi/pulumi pkg/backend/diy (meta.go, store.go, state.go). Every write of the checkpoint
is fenced: it replaces what this store has read or written last, or fails. What is inside a
checkpoint is not known here.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from kraj.engine.errors import BAD_STACK, STATE_CHANGED, STATE_UNREADABLE
from kraj.engine.local.backups import KEPT, Backups
from kraj.engine.local.buckets.base import ABSENT, Bucket, tag_of
from kraj.engine.local.buckets.files import write_privately
from kraj.engine.local.spare import Spare
from kraj.errors import KrajError

#: Version 4 is version 3 with a list of the features in use; of those that the local engine lacks,
#: each leaves its mark on a resource, by which it is refused (`kraj.engine.local.state`).
KNOWN_VERSIONS: Final = (3, 4)
STACKS: Final = ".pulumi/stacks/"  #: below it, all checkpoints
_RECORD: Final = ".history.json"  #: how the key of an update's record ends
_READS_AT_ONCE: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")


class StateStore:
    """The blobs of one stack in a bucket.

    `state_dir` is a folder of this machine, for what a run has made and the bucket does not take.
    `backups` is how many copies from before changes are kept.
    """

    def __init__(
        self, bucket: Bucket, project: str, stack: str, state_dir: Path, backups: int = KEPT
    ) -> None:
        for kind, name in (("project", project), ("stack", stack)):
            if not _NAME.fullmatch(name) or name in (".", ".."):
                raise KrajError(
                    BAD_STACK,
                    f"{name!r} is no name for a {kind}: letters, digits, '_', '-' and '.' only",
                )
        self.bucket = bucket
        self.project, self.stack = project, stack
        self.checkpoint = f"{STACKS}{project}/{stack}.json"
        self.backup = f"{self.checkpoint}.bak"
        self.backups = Backups(bucket, project, stack, backups)
        self.history = f".pulumi/history/{project}/{stack}/"
        self.locks = f".pulumi/locks/organization/{project}/{stack}/"
        self._tag: str | None = None  #: of the checkpoint as this store knows it
        self.size = 0  #: bytes of the checkpoint as it was loaded last
        self._backed_up = False
        self._keeps_room = False
        self._spare = _spare(bucket, f"{project}.{stack}")
        self._rescue = state_dir / "rescued" / project / f"{stack}-{time.time_ns()}.json"
        self._rescued = False
        self._fenced_off = False
        self._in_doubt: set[str] = set()  #: hashes of states that may have been written

    def place(self, key: str) -> str:
        """Where a blob is, for people."""
        return (
            str(self.bucket.folder / key) if self.bucket.folder else f"{key} in {self.bucket.url}"
        )

    def exists(self) -> bool:
        return self.checkpoint in self.bucket.list(self.checkpoint)

    def load(self) -> dict[str, Any] | None:
        """The deployment in the checkpoint; None where the stack has never been applied."""
        blob = self.bucket.read(self.checkpoint)
        self._tag = ABSENT if blob is None else blob.tag
        self.size = 0 if blob is None else len(blob.data)
        if blob is None:
            return None
        return deployment_in(blob.data, self.place(self.checkpoint))

    def save(self, deployment: Mapping[str, Any]) -> None:
        """Replace the checkpoint; the first time, what was there stays as `.bak`.

        Raises KRJ308, KRJ318 where somebody else has replaced it, KRJ319. After KRJ308 the
        checkpoint is this state where room was kept for it, else the one before. What a bucket
        that is no folder did not take, and what was fenced off, is in a file that the error names.
        """
        try:
            self._replace(deployment)
        except KrajError as error:
            self._fenced_off = self._fenced_off or error.code is STATE_CHANGED
            if self._fenced_off or self.bucket.folder is None:
                self._keep_here(deployment, error)
            raise
        if self._rescued:  # the bucket has a newer state now
            self._rescue.unlink(missing_ok=True)
            self._rescued = False

    def _replace(self, deployment: Mapping[str, Any]) -> None:
        if self._fenced_off:
            raise KrajError(STATE_CHANGED, f"{self.place(self.checkpoint)} is somebody else's now")
        if not self._backed_up:
            self._prepare()
            self._backed_up = True
        data = _json(
            {
                "version": 3,
                "checkpoint": {
                    "stack": f"organization/{self.project}/{self.stack}",
                    "latest": deployment,
                },
            }
        )
        if not self._keeps_room or self._spare is None:
            self._write_checkpoint(data)
            return
        try:
            self._spare.hold(len(data))
            self._write_checkpoint(data)
        except KrajError as error:
            self.free_room()
            if error.code is not STATE_CHANGED:
                self._write_checkpoint(data)
            raise

    def _write_checkpoint(self, data: bytes) -> None:
        try:
            self._tag = self.bucket.write(self.checkpoint, data, expect=self._tag)
        except KrajError as error:
            if error.code is not STATE_CHANGED:
                self._in_doubt.add(tag_of(data))
                raise
            if not self._is_ours():
                raise
            self._tag = self.bucket.write(self.checkpoint, data, expect=self._tag)
        self._in_doubt.clear()

    def _is_ours(self) -> bool:
        """Whether what is there is a write of this store whose success was not seen."""
        there = self.bucket.read(self.checkpoint) if self._in_doubt else None
        if there is None or tag_of(there.data) not in self._in_doubt:
            return False
        self._tag = there.tag
        return True

    def _keep_here(self, deployment: Mapping[str, Any], error: KrajError) -> None:
        """Keep a state that the bucket did not take as a file that can be imported."""
        with contextlib.suppress(KrajError):  # what went wrong first is told
            write_privately(self._rescue, _json({"version": 3, "deployment": deployment}))
            self._rescued = True
            until = "" if self._fenced_off else ", until a later write of it succeeds"
            error.message += f"; the state of this run is kept in {self._rescue}{until}"
            error.details["rescued"] = str(self._rescue)

    def keep_room(self) -> None:
        """From the next write on, see to it that one more write finds room, until `free_room`."""
        self._keeps_room = True

    def free_room(self) -> None:
        """Keep no room any more."""
        self._keeps_room = False
        if self._spare is not None:
            self._spare.give_up()

    def _prepare(self) -> None:
        meta = ".pulumi/meta.yaml"
        if self.bucket.read(meta) is None:
            self.bucket.write(meta, b"version: 1\n")
        before = self.bucket.read(self.checkpoint)
        tag = ABSENT if before is None else before.tag
        if self._tag is None:
            self._tag = tag  # whoever never read it means to replace what is there now
        if before is not None and tag == self._tag:
            self.bucket.write(self.backup, before.data)
            self.backups.keep(before.data)

    def add_history(self, update: Mapping[str, Any]) -> None:
        """Keep a record of an update with a copy of the checkpoint after it. Raises KRJ308."""
        prefix = f"{self.history}{self.stack}-{time.time_ns()}"
        self.bucket.write(f"{prefix}{_RECORD}", _json(update))
        now = self.bucket.read(self.checkpoint)
        if now is not None:
            self.bucket.write(f"{prefix}.checkpoint.json", now.data)

    def read_history(self) -> list[dict[str, Any]]:
        """The records of updates, oldest first; damaged ones are left out."""
        return [record for _key, record in self._updates()]

    def last_update(self) -> dict[str, Any] | None:
        """The record of the newest update that can be read; older ones are not looked at."""
        keys = [key for key in self.bucket.list(self.history) if key.endswith(_RECORD)]
        records = map(self._record, reversed(keys))
        return next((record for record in records if record is not None), None)

    def checkpoint_after(self, version: int) -> bytes | None:
        """The checkpoint that an update left, by its number in the history; None for none."""
        updates = self._updates()
        if not 0 < version <= len(updates):
            return None
        key = updates[version - 1][0].removesuffix(_RECORD) + ".checkpoint.json"
        blob = self.bucket.read(key)
        return blob.data if blob else None

    def _updates(self) -> list[tuple[str, dict[str, Any]]]:
        """Keys and records of past updates, oldest first."""
        keys = [key for key in self.bucket.list(self.history) if key.endswith(_RECORD)]
        with ThreadPoolExecutor(_READS_AT_ONCE) as pool:  # every one may be a request
            records = pool.map(self._record, keys)
            return [(key, found) for key, found in zip(keys, records, strict=True) if found]

    def _record(self, key: str) -> dict[str, Any] | None:
        """The record of an update; None for a damaged one."""
        try:
            blob = self.bucket.read(key)
            record = json.loads(blob.data) if blob else None
        except ValueError:
            return None
        except KrajError as error:
            if error.code is not STATE_UNREADABLE:
                raise
            return None
        return record if isinstance(record, dict) else None

    def remove(self) -> None:
        """Delete all blobs of the stack. Raises KRJ308."""
        for key in (self.checkpoint, self.backup, *self.bucket.list(self.history)):
            self.bucket.delete(key)


def deployment_in(checkpoint: bytes, place: str) -> dict[str, Any] | None:
    """The deployment in a checkpoint; None where it has none. `place` is for people.

    Raises KRJ309.
    """
    try:
        document = json.loads(checkpoint)
        version = document["version"]
        latest = document["checkpoint"].get("latest")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KrajError(
            STATE_UNREADABLE, f"{place} is not a checkpoint of Pulumi: {error}"
        ) from error
    if version not in KNOWN_VERSIONS:
        raise KrajError(
            STATE_UNREADABLE, f"{place} has version {version}; known are versions 3 and 4"
        )
    return latest if isinstance(latest, dict) else None


def _spare(bucket: Bucket, name: str) -> Spare | None:
    """Room on the disk, where the bucket is a folder."""
    if bucket.folder is None:
        return None
    return Spare(bucket.folder / ".pulumi" / "kraj" / f"{name}.spare")


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
