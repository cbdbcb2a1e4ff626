"""The bytes of an image: from a local file, or fetched from an address into a cache.

Nothing here knows Glance.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import requests

from kraj.errors import KrajError
from kraj.openstack.errors import CLOUD_UNREACHABLE, REFUSED

_CHUNK_BYTES: Final = 1 << 20
_SECONDS_WITHOUT_DATA: Final = 60.0
#: How a compressed image announces itself: media types and suffixes.
_OPENERS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("gz", "gzip", "application/gzip", "application/x-gzip"), gzip.open),
    **dict.fromkeys(("bz2", "bzip2", "application/bzip2", "application/x-bzip2"), bz2.open),
    **dict.fromkeys(("xz", "application/xz", "application/x-xz"), lzma.open),
}


class FileBody:
    """A file as the body of a request; each attempt reads it from the start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._bytes = path.stat().st_size
        except OSError as error:
            raise KrajError(REFUSED, f"image file {str(path)!r}: {error.strerror}") from error

    def __len__(self) -> int:
        return self._bytes

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk
        except OSError as error:
            raise KrajError(REFUSED, f"image file {str(self._path)!r}: {error}") from error

    def md5(self) -> str:
        """The checksum that Glance computes."""
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in self:
            digest.update(chunk)
        return digest.hexdigest()


def fetched(
    url: str, cache: Path, *, credentials: tuple[str, str] | None = None, decompress: bool = False
) -> Path:
    """The file at an address, from the cache where it is there already. Raises KRJ401, KRJ408.

    The name in the cache is that of Pulumi's provider, so that both share it.
    """
    name = hashlib.md5(f"{url}{str(decompress).lower()}".encode(), usedforsecurity=False)
    path = cache / f"{name.hexdigest()}.img"
    try:
        if path.exists() and path.stat().st_size:
            return path
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=cache, prefix=f"{path.stem}.")
        os.close(handle)
    except OSError as error:
        raise KrajError(REFUSED, f"image cache {str(cache)!r}: {error.strerror}") from error
    part = Path(temporary)
    try:
        opener = _download(url, part, credentials, decompress=decompress)
        if opener is not None:
            _decompress(opener, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _download(
    url: str, target: Path, credentials: tuple[str, str] | None, *, decompress: bool
) -> Any:
    """Save what is at the address; returns what opens it where it is compressed."""
    try:
        with requests.get(
            url, auth=credentials, stream=True, timeout=_SECONDS_WITHOUT_DATA
        ) as answer:
            answer.raise_for_status()
            opener = _opener(url, answer.headers) if decompress else None
            with target.open("wb") as file:
                for chunk in answer.iter_content(_CHUNK_BYTES):
                    file.write(chunk)
    except (requests.RequestException, OSError) as error:
        raise KrajError(CLOUD_UNREACHABLE, f"fetch image {url}: {error}") from error
    return opener


def _opener(url: str, headers: Mapping[str, str]) -> Any:
    media_type = headers.get("Content-Type", "").partition(";")[0].strip()
    announced = headers.get("Content-Disposition", "").rpartition("filename=")[2].strip('"')
    suffixes = [Path(name).suffix.lstrip(".") for name in (announced, url)]
    for known in (media_type, *suffixes):
        if known in _OPENERS:
            return _OPENERS[known]
    raise KrajError(REFUSED, f"image {url} is of type {media_type!r}, which cannot be decompressed")


def _decompress(opener: Any, part: Path) -> None:
    plain = part.with_suffix(".plain")
    try:
        with opener(part, "rb") as packed, plain.open("wb") as unpacked:
            _copy(packed, unpacked)
        plain.replace(part)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise KrajError(REFUSED, f"image {part.name} cannot be decompressed: {error}") from error
    finally:
        plain.unlink(missing_ok=True)


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while chunk := source.read(_CHUNK_BYTES):
        target.write(chunk)
