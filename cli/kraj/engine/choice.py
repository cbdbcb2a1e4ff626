"""The engine that was chosen for a region with `kraj engine switch`, kept beside its states.

The record is a blob of the states' bucket, so that everybody who works on the region has the same
engine. Without one the choice is automatic (`kraj.engine.select`). Not here: the switch itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from kraj.engine.errors import STATE_UNREADABLE
from kraj.engine.local.buckets.base import Bucket
from kraj.errors import KrajError

KEY: Final = ".pulumi/kraj/engine.json"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A switch that has begun and has not reached all stacks."""

    to: str  #: `local` or `pulumi`
    #: URL of Pulumi's states where they are not in the bucket; else both engines see all of them.
    place: str = ""
    #: Fingerprints of the states that are done, by `<project>/<stack>`.
    done: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """What is recorded for a region."""

    engine: str = ""  #: `local` or `pulumi`; empty where nothing was chosen yet
    since: str = ""  #: ISO 8601, UTC
    place: str = ""  #: URL of the states where that is not the bucket with this record
    unfinished: Unfinished | None = None


def read_choice(bucket: Bucket) -> Choice:
    """The record of a bucket; an empty one where there is none. Raises KRJ309, KRJ319."""
    blob = bucket.read(KEY)
    if blob is None:
        return Choice()
    try:
        content = json.loads(blob.data)
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']!r}")
        unfinished = content["unfinished"]
        return Choice(
            content["engine"],
            content["since"],
            content["place"],
            Unfinished(**unfinished) if unfinished else None,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise KrajError(
            STATE_UNREADABLE,
            f"{KEY} in {bucket.url} is not a record of the chosen engine: {error}",
            hint="Delete it, and choose again with `kraj engine switch`.",
        ) from error


def write_choice(bucket: Bucket, choice: Choice) -> None:
    """Replace the record. Raises KRJ308, KRJ319."""
    content = {"version": _VERSION, **asdict(choice)}
    bucket.write(KEY, json.dumps(content, indent=1).encode())


def without_password(url: str) -> str:
    """A URL as it may be shown and kept."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{host}"))
