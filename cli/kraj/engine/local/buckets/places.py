"""From the URL of a place for states to its bucket, and whether one can be used."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from kraj.engine.errors import BAD_STATE_URL, STATE_UNREADABLE
from kraj.engine.local.buckets.base import Blob, Bucket
from kraj.engine.local.buckets.files import FileBucket
from kraj.errors import KrajError

STATE_URL: Final = "KRAJ_STATE_URL"  #: names the place of all states, with a password if need be
SCHEMES: Final = ("file", "s3", "postgres")


def open_bucket(url: str, environ: Mapping[str, str] = os.environ) -> Bucket:
    """The bucket of a URL, which may have a password; nothing is connected to yet.

    Raises KRJ320, never with the password in it.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise KrajError(BAD_STATE_URL, f"this is no URL: {error}") from error
    if parts.scheme == "s3":
        from kraj.engine.local.buckets.s3 import S3Address, S3Bucket  # noqa: PLC0415

        return S3Bucket(S3Address.of(parts))
    if parts.scheme == "postgres":
        from kraj.engine.local.buckets.postgres import (  # noqa: PLC0415
            PostgresAddress,
            PostgresBucket,
        )

        return PostgresBucket(PostgresAddress.of(parts), environ)
    if parts.scheme == "file":
        path = Path(unquote(parts.path)).expanduser() if not parts.netloc else _home(parts.netloc)
        if path is not None and parts.netloc:
            path /= unquote(parts.path).strip("/")
        if path is None or not path.is_absolute():
            raise KrajError(BAD_STATE_URL, "a file:// URL has the whole path, as file:///srv/state")
        return FileBucket(path)
    known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
    named = f"{parts.scheme}://" if "://" in url else "one without a scheme"
    raise KrajError(BAD_STATE_URL, f"{named} is no place for states; known are {known}")


def trial(bucket: Bucket) -> float:
    """Write, read and delete a blob, as a run does; returns how long one write took (seconds).

    Raises KRJ308, KRJ309, KRJ319, KRJ321.
    """
    key = f".pulumi/kraj/trial-{socket.gethostname()}"
    tag = bucket.write(key, b"first")
    try:
        started = time.monotonic()
        tag = bucket.write(key, b"second", expect=tag)
        seconds = time.monotonic() - started
        if bucket.read(key) != Blob(b"second", tag):
            raise KrajError(STATE_UNREADABLE, f"{bucket.url} does not give back what was written")
    finally:
        bucket.delete(key)
    return seconds


def _home(host: str) -> Path | None:
    """The home folder, of `file://~/state`."""
    return Path.home() if host == "~" else None
