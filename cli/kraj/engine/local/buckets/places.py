"""From the URL of a place for states to its bucket. Nothing is connected to here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from kraj.engine.errors import BAD_STATE_URL
from kraj.engine.local.buckets.base import Bucket
from kraj.engine.local.buckets.files import FileBucket
from kraj.errors import KrajError

SCHEMES: Final = ("file", "s3", "postgres")


def open_bucket(url: str, environ: Mapping[str, str] = os.environ) -> Bucket:
    """The bucket of a URL, which may have a password. Raises KRJ320 (never with the password)."""
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


def _home(host: str) -> Path | None:
    """The home folder, of `file://~/state`."""
    return Path.home() if host == "~" else None
