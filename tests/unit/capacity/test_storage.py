"""Pools: what the files promise beside what the cloud holds, in numbers, words and a picture."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from kraj.capacity.forecast import Level
from kraj.capacity.usage import Backend, Made, StorageUsage, TypeUsage
from kraj.model.region import StoragePool
from kraj.operations.capacity import StorageState, judge
from kraj.planning.capacity import CapacityReport, Row
from kraj.report.storage import print_storage, when_full, write_plot

NOW = datetime(2026, 12, 1, tzinfo=UTC)
OLD = NOW - timedelta(days=300)
NEW = NOW - timedelta(days=90)


def pool(name: str) -> StoragePool:
    return StoragePool.model_validate(
        {"name": name, "capacity": "2 TiB", "volume_type": f"t-{name}", "media": "SSD"}
    )


def row(name: str, limit: int, promised: int) -> Row:
    return Row(
        f"pool:{name}",
        "GiB",
        2048,
        1.0,
        0,
        limit,
        reserved=promised // 2,
        allocated=promised - promised // 2,
    )


def state(promised: int = 500, **types: TypeUsage) -> StorageState:
    usage = {"t-fast": TypeUsage((Made(300, OLD), Made(60, NEW)), Backend(2048, 1898))}
    usage |= {"t-bulk": TypeUsage((), None)} | {f"t-{name}": item for name, item in types.items()}
    ledger = CapacityReport((row("fast", 1000, promised), row("bulk", 2000, 0)))
    return judge(
        (pool("fast"), pool("bulk")),
        ledger,
        StorageUsage(usage, (Made(1.5, OLD), Made(0.5, NEW)), None),
        NOW,
    )


def shown(of: StorageState) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_storage(of, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_each_pool_has_what_is_promised_made_and_written() -> None:
    fast, bulk = state().pools
    assert (fast.promised, fast.allocated, fast.volumes, fast.written) == (500, 360, 2, 150)
    assert (fast.thin_ratio, fast.free, fast.percent) == (2.4, 500, 50.0)
    assert fast.growth_per_month == pytest.approx(60 / (180 / 30.4375))
    assert fast.months_until_full == pytest.approx(640 / (60 / (180 / 30.4375)))
    assert (bulk.allocated, bulk.written, bulk.thin_ratio, bulk.months_until_full) == (
        0,
        None,
        None,
        None,
    )


def test_volumes_that_nobody_promised_count_too() -> None:
    much = TypeUsage((Made(960, OLD),), None)
    fast = state(fast=much).pools[0]
    assert (fast.percent, fast.free, fast.level) == (96.0, 40, Level.CRITICAL)


def test_the_table_fits_a_terminal_and_says_what_to_do() -> None:
    assert "fast" in shown(state())
    assert "warning" not in shown(state())
    assert "warning fast: 72 % taken; plan how it grows" in shown(state(720))
    assert "orders beyond 120 GiB are refused" in shown(state(880))
    assert "critical fast: 97 % taken" in shown(state(970))
    assert "2 images with 2.0 GiB." in shown(state())
    assert "object storage with 3.0 GiB." in shown(replace(state(), objects_gib=3.0))
    assert max(map(len, shown(state(970)).splitlines()[:4])) <= 80


@pytest.mark.parametrize(
    ("months", "words"),
    [(None, "·"), (0, "now"), (0.4, "< 1 month"), (7.2, "7 months"), (30, "2 years")],
)
def test_the_time_until_it_is_full_is_in_words(months: float | None, words: str) -> None:
    assert when_full(months) == words


def test_the_picture_is_drawn_to_scale(tmp_path: Path) -> None:
    write_plot("liberecky & co", state(), tmp_path / "storage.svg")
    root = ET.parse(tmp_path / "storage.svg").getroot()  # noqa: S314 - our own file
    bars = {
        (bar.get("class"), (bar.findtext("{*}title") or "")): float(bar.get("width") or 0)
        for bar in root.iter("{http://www.w3.org/2000/svg}rect")
        if bar.find("{*}title") is not None
    }
    assert bars["promised", "promised: 500 GiB"] == 260.0
    assert bars["allocated", "allocated: 360 GiB"] == pytest.approx(187.2)
    words = " ".join(root.itertext())
    assert "Storage of liberecky & co" in words
    assert "full: not in sight" in words
