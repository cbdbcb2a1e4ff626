"""How long `kraj region validate` takes, and how much memory, for 215 and for 6,250 tenants.

Makes synthetic regions in a temporary folder, runs the command in a process of its own several
times and prints best and median wall time and the peak resident memory of the whole process.

    python benchmarks/model/validate_region.py            # through the command line
    python benchmarks/model/validate_region.py --library  # `load_region` alone, in a bare process
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[2]
GOALS = {215: (1.0, 400), 6250: (10.0, 400)}  # tenants → seconds, MiB
LIBRARY = "from pathlib import Path; from kraj.model.loader import load_region; load_region({}, {})"

TENANT = """\
# yaml-language-server: $schema=../../../docs/schema/tenant.json
name: {name}
kind: {kind}
lau: "{lau}"
company_id: "{company_id}"
population: {population}
contacts:
  - {{role: requester, name: Obecní úřad, email: urad@{slug}.example, phone: "+420 485 000 000"}}
  - {{role: security, name: Správce, email: bezpecnost@{slug}.example}}
services:
{services}
"""


def make_project(root: Path, tenants: int) -> Path:
    """A project with the example region's `region.yaml` and so many tenants; returns the region."""
    shutil.copytree(PROJECT / "roles", root / "roles")
    region = root / "inventories" / "liberecky"
    (region / "tenants").mkdir(parents=True)
    for file in ("region.yaml", "operators.pub"):
        shutil.copy(PROJECT / "inventories" / "liberecky" / file, region)
    chance = random.Random(20)  # noqa: S311 - the same tenants in every run
    for number in range(tenants):
        slug = f"obec-{number:05d}"
        text = TENANT.format(
            slug=slug,
            name=f"Nová Ves {number}",
            kind=chance.choice(["basic"] * 18 + ["authorised-office", "extended-powers"]),
            lau=f"{500_000 + number}",
            company_id=company_id(number),
            population=chance.randint(20, 50_000),
            services=services(chance),
        )
        (region / "tenants" / f"{slug}.yaml").write_text(text, encoding="utf-8")
    return region


def services(chance: random.Random) -> str:
    """One to three orders, as the example's towns have them."""
    orders = [f"  - {{service: archive, storage: {chance.randint(5, 500)} GiB}}"]
    if chance.random() < 0.3:
        orders.append("  - {service: map, size: small}")
    if chance.random() < 0.3:
        orders.append(
            f"  - {{service: records, size: medium, storage: {chance.randint(10, 900)} GiB}}"
        )
    return "\n".join(orders)


def company_id(number: int) -> str:
    """A well-formed Czech identification number."""
    digits = f"{number:07d}"
    remainder = sum(int(digit) * (8 - index) for index, digit in enumerate(digits)) % 11
    return f"{digits}{(11 - remainder) % 10}"


def measure(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds and peak MiB of one process."""
    environment = {**os.environ, "KRAJ_PROJECT": str(folder)}
    with (folder / "output").open("wb") as output:
        streams = [(os.POSIX_SPAWN_DUP2, output.fileno(), stream) for stream in (1, 2)]
        start = time.perf_counter()
        process = os.posix_spawn(command[0], command, environment, file_actions=streams)
        _, status, usage = os.wait4(process, 0)
        seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit((folder / "output").read_text(encoding="utf-8"))
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", action="store_true", help="measure load_region alone")
    parser.add_argument("--runs", type=int, default=5, help="processes per size")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    results = []
    for tenants, (goal_seconds, goal_mib) in GOALS.items():
        with tempfile.TemporaryDirectory(prefix="kraj-benchmark-") as scratch:
            root = Path(scratch)
            region = make_project(root, tenants)
            if options.library:
                paths = (f"Path({str(path)!r})" for path in (region, root / "roles"))
                command = [sys.executable, "-c", LIBRARY.format(*paths)]
            else:
                kraj = str(Path(sys.executable).with_name("kraj"))
                command = [kraj, "region", "validate", "--region", str(region)]
            runs = [measure(command, root) for _ in range(options.runs)]
        seconds = [run[0] for run in runs]
        results.append(
            {
                "tenants": tenants,
                "best_seconds": round(min(seconds), 2),
                "median_seconds": round(statistics.median(seconds), 2),
                "goal_seconds": goal_seconds,
                "peak_mib": round(max(run[1] for run in runs)),
                "goal_mib": goal_mib,
            }
        )
    if options.json:
        print(json.dumps(results, indent=2))
        return
    print("| tenants | best s | median s | goal s | peak MiB | goal MiB |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for result in results:
        print(f"| {' | '.join(f'{value:,}' for value in result.values())} |")


if __name__ == "__main__":
    main()
