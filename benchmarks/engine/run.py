"""Times one tenant of 22 resources: local engine, straight openstacksdk calls, Pulumi's CLI.

    python benchmarks/engine/run.py --cloud lab [--rounds 3] [--no-straight]

Rounds alternate, so that a machine that grows slower slows all of them. Needs a clouds.yaml with an
administrator; makes a flavour and an image of its own and removes them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openstack
import straight

from kraj.engine.base import Engine, StackSpec
from kraj.engine.local.engine import LocalEngine
from kraj.engine.pulumi import PulumiEngine, find_cli
from kraj.events import ignore
from kraj.lab.qcow2 import empty_disk

HERE = Path(__file__).parent
NAME = "kraj-benchmark"
#: The engines hand a program this environment, not the caller's.
CLOUDS = {name: os.environ[name] for name in ("OS_CLIENT_CONFIG_FILE",) if name in os.environ}
PUBLIC_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2qKC9aKn1Ue5h1y4mPRkC5Y0o0m8kC7b1nTfWl0WfB benchmark"
)


@contextmanager
def offer(connection: Any) -> Iterator[None]:
    """A flavour and an image for the servers."""
    flavor = connection.compute.create_flavor(name=NAME, vcpus=1, ram=512, disk=2)
    image = connection.image.create_image(
        NAME, data=empty_disk(2), disk_format="qcow2", container_format="bare", wait=True
    )
    try:
        yield
    finally:
        connection.image.delete_image(image)
        connection.compute.delete_flavor(flavor)


def engine_round(engine: Engine, spec: StackSpec) -> tuple[float, float, float]:
    """Seconds of the first `up`, of one without changes, and of `destroy`."""
    laps = []
    for action in (engine.up, engine.up, engine.destroy):
        started = time.monotonic()
        action(spec, ignore)
        laps.append(time.monotonic() - started)
    return laps[0], laps[1], laps[2]


def main() -> None:
    """Run the rounds and print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cloud", default="lab")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-straight", action="store_true")
    options = parser.parse_args()
    connection = openstack.connect(cloud=options.cloud)
    state = Path(tempfile.mkdtemp(prefix="kraj-benchmark-"))
    engines: dict[str, Engine] = {"local": LocalEngine(state / "local")}
    if find_cli() is not None:
        engines["pulumi"] = PulumiEngine(state / "pulumi")
    laps: dict[str, list[float]] = {}
    with offer(connection):
        for number in range(options.rounds):
            if not options.no_straight:
                name = f"{NAME}-straight"
                took = straight.create(connection, name, NAME, NAME, PUBLIC_KEY)
                laps.setdefault("straight up", []).append(took)
                straight.delete(connection, name)
            for kind, engine in engines.items():
                spec = StackSpec(
                    project="kraj-benchmark",
                    stack=f"round{number}",
                    label=f"benchmark {kind}",
                    program=HERE / "program",
                    config={
                        "openstack:cloud": options.cloud,
                        "benchmark:name": f"{NAME}-{kind}",
                        "benchmark:flavor": NAME,
                        "benchmark:image": NAME,
                        "benchmark:publicKey": PUBLIC_KEY,
                    },
                    environment=CLOUDS,
                )
                for lap, took in zip(
                    ("up", "no change", "destroy"), engine_round(engine, spec), strict=True
                ):
                    laps.setdefault(f"{kind} {lap}", []).append(took)
    print(json.dumps(_summary(laps), indent=2))


def _summary(laps: dict[str, list[float]]) -> dict[str, Any]:
    seconds = {
        name: {
            "median": round(statistics.median(values), 2),
            "all": [round(value, 2) for value in values],
        }
        for name, values in laps.items()
    }
    ratios = {
        f"local up / {other}": round(
            statistics.median(
                mine / theirs for mine, theirs in zip(laps["local up"], laps[other], strict=True)
            ),
            2,
        )
        for other in ("straight up", "pulumi up")
        if other in laps
    }
    return {"seconds": seconds, "ratios": ratios}


if __name__ == "__main__":
    main()
