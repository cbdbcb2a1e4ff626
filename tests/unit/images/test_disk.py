"""What a BIOS starts is where GRUB's own first sectors look for it."""

from __future__ import annotations

import struct

from kraj.images.disk import bios_sectors


def test_the_first_sector_leads_to_the_core_and_leaves_the_partition_table() -> None:
    boot, core = bytes(range(256)) * 2, b"\x11" * 1300
    (place, first), (start, rest) = bios_sectors(boot, core, 2048)
    assert place == 0
    assert len(first) == 440  # behind it are the disk's signature and the protective table
    assert struct.unpack_from("<Q", first, 0x5C) == (2048,)
    assert first[:0x5C] == boot[:0x5C]
    assert start == 2048 * 512
    assert len(rest) == 3 * 512
    assert struct.unpack_from("<QHH", rest, 500) == (2049, 2, 0x820)
    assert rest[512:1300] == core[512:]
