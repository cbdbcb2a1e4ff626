"""Writes empty disk images: valid, tiny, and honest about holding nothing.

At API depth no server boots, but Glance inspects what it is given: the file must be the format that
it is said to be. Layout after the qcow2 specification (QEMU, docs/interop/qcow2.rst), version 3.
"""

from __future__ import annotations

import struct
from pathlib import Path

from kraj.files import write_atomically

CLUSTER_BITS = 16
CLUSTER = 1 << CLUSTER_BITS
GIB = 1 << 30
#: Bytes of the disk that one cluster of level-2 entries maps.
MAPPED_BY_L2 = CLUSTER // 8 * CLUSTER


def empty_disk(size_gib: int) -> bytes:
    """A qcow2 image of that virtual size with no cluster allocated.

    Clusters: header, reference-count table, reference-count block, level-1 table.
    """
    size = size_gib * GIB
    l1_entries = -(-size // MAPPED_BY_L2)
    if l1_entries * 8 > CLUSTER:
        raise ValueError(f"{size_gib} GiB do not fit one cluster of level-1 entries")
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb",
        3,
        0,  # no backing file …
        0,  # … and no name of one
        CLUSTER_BITS,
        size,
        0,  # not encrypted
        l1_entries,
        3 * CLUSTER,  # level-1 table
        CLUSTER,  # reference-count table
        1,  # clusters of it
        0,  # no snapshots
        0,
        0,  # incompatible features
        0,  # compatible features
        0,  # autoclear features
        4,  # reference counts of 2^4 bits
        104,  # header length
    )
    counts_table = struct.pack(">Q", 2 * CLUSTER)
    counts_block = struct.pack(">4H", 1, 1, 1, 1)
    parts = (header, counts_table, counts_block, b"")
    return b"".join(part.ljust(CLUSTER, b"\0") for part in parts)


def ensure_empty_disk(path: Path, size_gib: int) -> None:
    """Write the image where there is no file of that name yet."""
    if not path.exists():
        write_atomically(path, empty_disk(size_gib))
