"""Requests per second that a cloud answers, by how many are in flight at once.

    python benchmarks/engine/in_flight.py --cloud lab [--rounds 3]

Asks six services for short lists through kraj's own limit of requests, and prints one JSON
document: for each limit the medians of the requests per second and of the slowest twentieth.
`kraj.openstack.traffic.DEFAULT_REQUESTS` is to be where more brings nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from kraj.events import ignore
from kraj.openstack.cloud import Cloud
from kraj.openstack.configuration import settings_from
from kraj.openstack.traffic import VARIABLE

LIMITS: Final = (2, 4, 8, 12, 16, 24, 32, 48)
REQUESTS: Final = 192
LISTS: Final = (
    ("network", "networks"),
    ("network", "ports"),
    ("compute", "flavors"),
    ("identity", "projects"),
    ("block-storage", "volumes"),
    ("image", "images"),
)


def main() -> None:
    """Measure all limits in turn, so that a machine that grows slower slows all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cloud", default="lab")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    laps: dict[int, list[tuple[float, float]]] = {}
    for _ in range(options.rounds):
        for limit in LIMITS:
            laps.setdefault(limit, []).append(_measure(options.cloud, limit))
    print(json.dumps([_row(limit, values) for limit, values in laps.items()], indent=1))


def _measure(name: str, limit: int) -> tuple[float, float]:
    cloud = Cloud(settings_from({"cloud": name}, {**os.environ, VARIABLE: str(limit)}), ignore)
    assert cloud.project_id  # logs in before the clock runs

    def ask(number: int) -> float:
        begun = time.monotonic()
        cloud.get(*LISTS[number % len(LISTS)], parameters={"limit": 5})
        return time.monotonic() - begun

    started = time.monotonic()
    with ThreadPoolExecutor(limit) as pool:
        seconds = sorted(pool.map(ask, range(REQUESTS)))
    return REQUESTS / (time.monotonic() - started), seconds[-REQUESTS // 20]


def _row(limit: int, laps: list[tuple[float, float]]) -> dict[str, Any]:
    return {
        "in flight": limit,
        "requests per second": round(statistics.median(rate for rate, _ in laps), 1),
        "seconds of the slowest 5 %": round(statistics.median(slow for _, slow in laps), 3),
    }


if __name__ == "__main__":
    main()
