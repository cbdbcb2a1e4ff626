"""Records of past updates, as Pulumi's `backend.UpdateInfo` has them (pkg/backend/updates.go)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kraj.engine.base import HistoryEntry

_KINDS = {"up": "update"}


def history_record(
    action: str, started: float, result: str, changes: Mapping[str, int]
) -> dict[str, Any]:
    """The record of one update that ends now. `started` is in seconds since the epoch."""
    return {
        "kind": _KINDS.get(action, action),
        "startTime": int(started),
        "message": "",
        "environment": {"exec.kind": "kraj.local"},
        "config": {},
        "version": 0,
        "result": result,
        "endTime": int(time.time()),
        "resourceChanges": dict(changes),
    }


def history_entry(version: int, record: Mapping[str, Any]) -> HistoryEntry:
    """One past update for people; `version` counts from the oldest."""
    ended = record.get("endTime")
    return HistoryEntry(
        version=version,
        kind=str(record.get("kind", "")),
        result=str(record.get("result", "")),
        started_at=_iso(record.get("startTime") or 0),
        ended_at=_iso(ended) if ended else None,
        message=str(record.get("message") or ""),
        changes=dict(record.get("resourceChanges") or {}),
    )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
