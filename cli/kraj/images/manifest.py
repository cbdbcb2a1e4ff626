"""What is kept of a built image beside its files: from which inputs, with which software."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from kraj.images.contents import Package

Format = Literal["root", "disk"]
#: File system for servers of the lab, and bootable disk for clouds → file name.
FILE_NAMES: dict[Format, str] = {"root": "root.qcow2", "disk": "disk.qcow2"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Output(_Part):
    """A file that servers boot from."""

    file: str
    size_bytes: int
    sha256: str
    virtual_gib: int = Field(description="Size of the disk that it shows, rounded up.")
    seconds: float


class Check(_Part):
    """One thing that was tried with a booted image."""

    name: str
    result: Literal["passed", "failed", "skipped"]
    message: str = ""
    seconds: float = 0.0


class Trial(_Part):
    """One test of an image."""

    at: str
    seconds: float
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.result != "failed" for check in self.checks)


class Manifest(_Part):
    """An image in one version."""

    image: str
    version: str
    digest: str  #: of all inputs
    release: str
    os_version: str
    snapshot: dict[str, str]  #: suite of the archive → its date
    roles: tuple[str, ...]
    made: str  #: ISO 8601, UTC
    seconds: float
    seconds_by_layer: dict[str, float]
    cached: tuple[str, ...]
    tree_digest: str
    file_count: int
    tree_mib: int
    outputs: dict[Format, Output]
    packages: tuple[Package, ...]
    trial: Trial | None = None
