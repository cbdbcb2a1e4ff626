"""The empty disk image, read back by the words of the qcow2 specification."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraj.lab.qcow2 import CLUSTER, GIB, empty_disk, ensure_empty_disk


@given(size_gib=st.integers(1, 4096))
def test_the_header_describes_an_empty_disk_of_that_size(size_gib: int) -> None:
    image = empty_disk(size_gib)
    magic, version, backing, _length, bits, size, encrypted, l1_size, l1_offset = (
        struct.unpack_from(">4sIQIIQIIQ", image)
    )
    assert (magic, version, backing, encrypted) == (b"QFI\xfb", 3, 0, 0)
    assert size == size_gib * GIB
    assert 1 << bits == CLUSTER
    # Each level-1 entry stands for 8,192 clusters: the table must reach the end of the disk.
    assert l1_size * (CLUSTER // 8) * CLUSTER >= size
    assert not any(image[l1_offset : l1_offset + 8 * l1_size])


def test_every_cluster_of_the_file_is_counted_once() -> None:
    image = empty_disk(8)
    table_offset, table_clusters = struct.unpack_from(">QI", image, 48)
    assert table_clusters == 1
    (block_offset,) = struct.unpack_from(">Q", image, table_offset)
    counts = struct.unpack_from(f">{len(image) // CLUSTER}H", image, block_offset)
    assert len(image) % CLUSTER == 0
    assert set(counts) == {1}
    assert not any(image[block_offset + 2 * len(counts) : block_offset + CLUSTER])


def test_no_incompatible_feature_is_claimed() -> None:
    incompatible, compatible, autoclear, order, length = struct.unpack_from(
        ">QQQII", empty_disk(1), 72
    )
    assert (incompatible, compatible, autoclear) == (0, 0, 0)
    assert (1 << order, length) == (16, 104)


def test_a_disk_beyond_one_level_1_table_is_refused() -> None:
    with pytest.raises(ValueError, match="5000000 GiB"):
        empty_disk(5_000_000)


def test_an_image_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "image.qcow2"
    path.write_bytes(b"a real image")
    ensure_empty_disk(path, 2)
    assert path.read_bytes() == b"a real image"
    ensure_empty_disk(tmp_path / "new.qcow2", 2)
    assert (tmp_path / "new.qcow2").read_bytes() == empty_disk(2)
