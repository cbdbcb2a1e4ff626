"""Versions of images as `kraj image build` leaves them, without building anything. Not a test."""

from __future__ import annotations

import hashlib
from pathlib import Path

from kraj.images.manifest import Manifest, Output
from kraj.lab.qcow2 import ensure_empty_disk


def version_of(image: str, version: str, folder: Path) -> Manifest:
    """A version whose disk, `disk.qcow2` in the folder, is empty but in the right format."""
    disk = folder / "disk.qcow2"
    ensure_empty_disk(disk, 1)
    output = Output(
        file=disk.name,
        size_bytes=disk.stat().st_size,
        sha256=hashlib.sha256(disk.read_bytes()).hexdigest(),
        virtual_gib=1,
        seconds=1,
    )
    return Manifest(
        image=image,
        version=version,
        digest="",
        release="bookworm",
        os_version="12",
        snapshot={},
        roles=("base",),
        made="2026-11-29T10:00:00+00:00",
        seconds=1,
        seconds_by_layer={},
        cached=(),
        tree_digest=hashlib.sha256(version.encode()).hexdigest(),
        file_count=1,
        tree_mib=1,
        outputs={"disk": output},
        packages=(),
    )
