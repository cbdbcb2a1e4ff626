"""Measures a lab's life: start with and without downloads, warm start, memory, stop, deletion.

Runs in a temporary folder on ports of its own, beside whatever else runs; seconds are wall time.
The load average is printed too, because twenty processes on two processors feel every neighbour.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from kraj.events import ignore
from kraj.lab import Lab, LabSettings
from kraj.lab.status import memory_mib

GOALS = {"cold start with downloads": 300.0, "warm start": 30.0}
GOAL_MEMORY_MB = 2200


def timed(name: str, action: Callable[[], object]) -> None:
    """Run once and print the seconds beside the goal."""
    started = time.monotonic()
    action()
    goal = f"goal {GOALS[name]:.0f}" if name in GOALS else ""
    load = os.getloadavg()[0]
    print(f"{name:<32} {time.monotonic() - started:7.1f} s  {goal:<9} load {load:.1f}", flush=True)


def print_memory(lab: Lab) -> None:
    """Proportional set size of all processes, supervisor's included, in decimal megabytes."""
    supervisor = psutil.Process(int((lab.settings.run / "supervisord.pid").read_text()))
    services = lab.status().services
    megabytes = memory_mib(supervisor.pid) * 1024**2 / 1e6
    print(f"{'memory':<32} {megabytes:7.0f} MB goal {GOAL_MEMORY_MB}")
    for item in sorted(services, key=lambda item: -item.memory_mib)[:5]:
        print(f"  {item.name:<30} {item.memory_mib * 1024**2 / 1e6:7.0f} MB")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--with", dest="services", default="", help="designate,swift")
    options.add_argument("--port-offset", type=int, default=15000)
    options.add_argument("--no-downloads", action="store_true", help="use uv's cache")
    given = options.parse_args()
    services = tuple(name for name in given.services.split(",") if name)
    with tempfile.TemporaryDirectory(prefix="kraj-benchmark-") as folder:
        if not given.no_downloads:
            os.environ["UV_CACHE_DIR"] = f"{folder}/cache"
        lab = Lab(LabSettings(Path(folder) / "lab", services, given.port_offset))
        try:
            name = "cold start, packages cached" if given.no_downloads else next(iter(GOALS))
            timed(name, lambda: lab.up(ignore))
            print_memory(lab)
            timed("up of a running lab", lambda: lab.up(ignore))
            timed("down", lambda: lab.down(ignore))
            timed("warm start", lambda: lab.up(ignore))
            print_memory(lab)
        finally:
            timed("destroy", lambda: lab.destroy(ignore))


if __name__ == "__main__":
    main()
