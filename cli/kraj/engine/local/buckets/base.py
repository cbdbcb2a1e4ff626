"""The interface of a bucket: whole blobs under keys, as Pulumi's own state backends have them.

A key is a path with slashes (`.pulumi/stacks/kraj-tenant/liberecky.t563889.json`). Every blob has a
tag that changes with its content, and a write can demand the tag that it replaces: this is what
locks and fences are made of. What the blobs mean is not known here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from kraj.engine.errors import STATE_CHANGED
from kraj.errors import KrajError

#: As `expect`: there must be no blob under the key yet.
ABSENT: Final = ""


@dataclass(frozen=True, slots=True)
class Blob:
    """What is under a key."""

    data: bytes
    tag: str  #: another one for every other content; never `ABSENT`


class Bucket(Protocol):
    """A place for blobs, shared by processes and machines. Thread-safe.

    Where the place cannot be asked at all, every method raises KRJ319.
    """

    @property
    def url(self) -> str:
        """As Pulumi's command line takes it, without a password."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder that holds the keys as files; None for a place that is no folder."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that another program needs to get in, beside the URL; secrets."""
        ...

    def read(self, key: str) -> Blob | None:
        """The blob under a key; None where there is none. Raises KRJ309."""
        ...

    def write(self, key: str, data: bytes, *, expect: str | None = None) -> str:
        """Replace a blob as a whole, or leave it as it was; returns its new tag.

        `expect` is the tag that the blob must still have, or `ABSENT`; of several writers that
        expect the same, one wins. Where the same content is there already, the write has been
        done: an answer was lost. Raises KRJ308 where it cannot be written, KRJ318 where it is not
        what was expected.
        """
        ...

    def delete(self, key: str, *, expect: str | None = None) -> None:
        """Delete a blob, if there is one and, with `expect`, if it still has that tag.

        Raises KRJ308.
        """
        ...

    def list(self, prefix: str) -> list[str]:
        """The keys that begin with a text, sorted. Raises KRJ309."""
        ...


def tag_of(data: bytes) -> str:
    """The tag of a content, for places that have none of their own."""
    return hashlib.sha256(data).hexdigest()


def changed_meanwhile(place: str) -> KrajError:
    """The error of a write that expected something else."""
    return KrajError(STATE_CHANGED, f"{place} was changed meanwhile by somebody else")
