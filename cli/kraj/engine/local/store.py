"""The files of a stack's state, laid out as Pulumi's own file backend does (`file://<state_dir>`).

    .pulumi/meta.yaml                                  version: 1 (stacks belong to projects)
    .pulumi/stacks/<project>/<stack>.json[.bak]        the checkpoint and the one before this run
    .pulumi/history/<project>/<stack>/<stack>-<ns>.*   one pair of files per update
    .pulumi/locks/organization/<project>/<stack>/      `kraj.engine.local.lock`

Source: pulumi/pulumi pkg/backend/diy (meta.go, store.go, state.go). What is inside a checkpoint is
not known here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kraj.engine.errors import BAD_STACK, STATE_NOT_WRITTEN, STATE_UNREADABLE
from kraj.engine.local.spare import Spare
from kraj.errors import KrajError

#: Version 4 is version 3 with a list of the features in use; of those that the local engine lacks,
#: each leaves its mark on a resource, by which it is refused (`kraj.engine.local.state`).
KNOWN_VERSIONS: Final = (3, 4)
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file as a whole: the old content stays until the new one is safe on disk.

    Raises KRJ308, and then the old file is untouched.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise KrajError(
            STATE_NOT_WRITTEN, f"cannot write {path}: {error.strerror or error}"
        ) from error


def _sync_folder(folder: Path) -> None:
    """Make a rename in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class StateStore:
    """The files of one stack below a state folder."""

    def __init__(self, state_dir: Path, project: str, stack: str) -> None:
        for kind, name in (("project", project), ("stack", stack)):
            if not _NAME.fullmatch(name) or name in (".", ".."):
                raise KrajError(
                    BAD_STACK,
                    f"{name!r} is no name for a {kind}: letters, digits, '_', '-' and '.' only",
                )
        self.root = state_dir / ".pulumi"
        self.project, self.stack = project, stack
        self.checkpoint = self.root / "stacks" / project / f"{stack}.json"
        self.history = self.root / "history" / project / stack
        self.locks = self.root / "locks" / "organization" / project / stack
        self._backed_up = False
        self._keeps_room = False
        self._spare = Spare(self.root / "kraj" / f"{project}.{stack}.spare")

    def exists(self) -> bool:
        return self.checkpoint.exists()

    def load(self) -> dict[str, Any] | None:
        """The deployment in the checkpoint; None where the stack has never been applied."""
        try:
            text = self.checkpoint.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise KrajError(STATE_UNREADABLE, f"cannot read {self.checkpoint}: {error}") from error
        try:
            document = json.loads(text)
            version = document["version"]
            latest = document["checkpoint"].get("latest")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise KrajError(
                STATE_UNREADABLE, f"{self.checkpoint} is not a checkpoint of Pulumi: {error}"
            ) from error
        if version not in KNOWN_VERSIONS:
            raise KrajError(
                STATE_UNREADABLE,
                f"{self.checkpoint} has version {version}; known are versions 3 and 4",
            )
        return latest if isinstance(latest, dict) else None

    def save(self, deployment: Mapping[str, Any]) -> None:
        """Replace the checkpoint; the first time, what was there stays as `.bak`. Raises KRJ308.

        After KRJ308 the checkpoint is this state where room was kept for it, else the one before.
        """
        document = {
            "version": 3,
            "checkpoint": {
                "stack": f"organization/{self.project}/{self.stack}",
                "latest": deployment,
            },
        }
        if not self._backed_up:
            self._prepare()
            self._backed_up = True
        data = _json(document)
        if not self._keeps_room:
            write_atomically(self.checkpoint, data)
            return
        try:
            self._spare.hold(len(data))
            write_atomically(self.checkpoint, data)
        except KrajError:
            self.free_room()
            write_atomically(self.checkpoint, data)
            raise

    def keep_room(self) -> None:
        """From the next write on, see to it that one more write finds room, until `free_room`."""
        self._keeps_room = True

    def free_room(self) -> None:
        """Keep no room any more."""
        self._keeps_room = False
        self._spare.give_up()

    def _prepare(self) -> None:
        meta = self.root / "meta.yaml"
        if not meta.exists():
            write_atomically(meta, b"version: 1\n")
        if self.checkpoint.exists():
            backup = self.checkpoint.with_name(f"{self.checkpoint.name}.bak")
            write_atomically(backup, self.checkpoint.read_bytes())

    def add_history(self, update: Mapping[str, Any]) -> None:
        """Keep a record of an update with a copy of the checkpoint after it. Raises KRJ308."""
        prefix = f"{self.stack}-{time.time_ns()}"
        write_atomically(self.history / f"{prefix}.history.json", _json(update))
        if self.checkpoint.exists():
            data = self.checkpoint.read_bytes()
            write_atomically(self.history / f"{prefix}.checkpoint.json", data)

    def read_history(self) -> list[dict[str, Any]]:
        """The records of updates, oldest first; damaged ones are left out."""
        records = []
        for path in sorted(self.history.glob("*.history.json")):
            try:
                record = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(record, dict):
                records.append(record)
        return records

    def remove(self) -> None:
        """Delete all files of the stack."""
        try:
            self.checkpoint.unlink(missing_ok=True)
            self.checkpoint.with_name(f"{self.checkpoint.name}.bak").unlink(missing_ok=True)
            if self.history.exists():
                shutil.rmtree(self.history)
        except OSError as error:
            raise KrajError(STATE_NOT_WRITTEN, f"cannot delete the state: {error}") from error


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
