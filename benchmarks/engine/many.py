"""Times 1, 10 and 50 tenants in four ways and writes one JSON file; goes on where it was stopped.

    python benchmarks/engine/many.py --cloud lab --tenants 1,10,50 --rounds 3 --output many.json

Rounds, sizes and ways alternate, so that a machine that grows slower slows all of them. What is in
the file already is not measured again; a measurement that was cut short is begun anew, after what
it has left in the cloud was deleted. Needs a clouds.yaml with an administrator; lifts the quotas of
its project for the time of the run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import openstack
import straight
from ways import ACTIONS, FailedError, Kraj, Playbook, PulumiLoop, Way, collections_in, tenants_of

from kraj.engine.pulumi import find_cli

HERE: Final = Path(__file__).parent
#: What fifty tenants need in the administrator's project beyond the usual quotas.
_LIFTED: Final = {
    "network": (
        *("networks", "subnets", "routers", "ports"),
        *("security_groups", "security_group_rules"),
    ),
    "compute": ("server_groups", "key_pairs"),
    "volume": ("volumes", "gigabytes"),
}
_UNLIMITED: Final = -1


def main() -> None:
    """Measure what is missing."""
    options = _options()
    results = _Results(options.output)
    connection = openstack.connect(cloud=options.cloud)
    with tempfile.TemporaryDirectory(prefix="kraj-benchmark-") as folder, lifted(connection):
        ways = {way.name: way for way in _ways(options, Path(folder))}
        for number in range(1, options.rounds + 1):
            for count in options.tenants:
                for way in ways.values():
                    if not results.complete(way, count, number):
                        measure(connection, way, count, number, results)


def measure(connection: Any, way: Way, count: int, number: int, results: _Results) -> None:
    """All actions of one way on so many tenants, written down as they end."""
    results.forget(way, count, number)
    names = [tenant.name for tenant in tenants_of(way.name, count, "up")]
    wipe(connection, way.name)
    way.prepare(tenants_of(way.name, count, "up"))
    for action in way.actions:
        started = time.monotonic()
        way.act(action, tenants_of(way.name, count, action))
        results.add(way.name, count, number, action, time.monotonic() - started)
        if action == "no change" and way.name == "kraj-local":
            started = time.monotonic()
            way.run(sys.executable, str(HERE / "lists.py"), way.cloud, json.dumps(names))
            results.add("lists", count, number, "refresh", time.monotonic() - started)


def wipe(connection: Any, way: str) -> None:
    """Delete what a run that was cut short has left."""
    prefix = f"kraj-bench-{way}-"
    left = {item.name for item in connection.identity.projects() if item.name.startswith(prefix)}
    left |= {item.name for item in connection.network.networks() if item.name.startswith(prefix)}
    left |= {item.name for item in connection.compute.keypairs() if item.name.startswith(prefix)}
    for name in sorted(left):
        straight.delete(connection, name)


@contextlib.contextmanager
def lifted(connection: Any) -> Iterator[None]:
    """No limits in the project of the credentials, until the end."""
    project = connection.current_project_id
    proxies = {
        "network": (connection.network.get_quota, connection.network.update_quota),
        "compute": (connection.compute.get_quota_set, connection.compute.update_quota_set),
        "volume": (
            connection.block_storage.get_quota_set,
            connection.block_storage.update_quota_set,
        ),
    }
    before = {}
    for kind, (get, update) in proxies.items():
        quota = get(project)
        before[kind] = {name: getattr(quota, name) for name in _LIFTED[kind]}
        update(project, **dict.fromkeys(_LIFTED[kind], _UNLIMITED))
    try:
        yield
    finally:
        for kind, (_get, update) in proxies.items():
            # What a failed run has left in the cloud may be above the old limits.
            with contextlib.suppress(openstack.exceptions.BadRequestException):
                update(project, **before[kind])


class _Results:
    """The laps measured so far, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.laps: list[dict[str, Any]] = []
        if path.exists():
            self.laps = json.loads(path.read_text())["laps"]

    def complete(self, way: Way, count: int, number: int) -> bool:
        done = [lap["action"] for lap in self.laps if _is(lap, way.name, count, number)]
        return set(way.actions) <= set(done)

    def forget(self, way: Way, count: int, number: int) -> None:
        names = (way.name, "lists") if way.name == "kraj-local" else (way.name,)
        self.laps = [
            lap for lap in self.laps if not any(_is(lap, name, count, number) for name in names)
        ]

    def add(self, way: str, count: int, number: int, action: str, seconds: float) -> None:
        lap = {"way": way, "tenants": count, "round": number, "action": action}
        self.laps.append({**lap, "seconds": round(seconds, 2)})
        print(
            f"{way:12} {count:3} tenants, round {number}: {action:9} {seconds:8.2f} s", flush=True
        )
        document = {"machine": _machine(), "resources": 18, "actions": ACTIONS, "laps": self.laps}
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(document, indent=1) + "\n")
        new.replace(self._path)


def _is(lap: dict[str, Any], way: str, count: int, number: int) -> bool:
    return (lap["way"], lap["tenants"], lap["round"]) == (way, count, number)


def _machine() -> dict[str, Any]:
    cli = find_cli()
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": _system(),
        "kraj": metadata.version("kraj"),
        "pulumi": None if cli is None else str(cli.version),
        "openstacksdk": metadata.version("openstacksdk"),
        "ansible-core": metadata.version("ansible-core"),
    }


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())


def _ways(options: argparse.Namespace, folder: Path) -> Iterator[Way]:
    if "kraj-local" in options.ways:
        yield Kraj(folder / "kraj-local", options.cloud, "local")
    if "kraj-pulumi" in options.ways:
        yield Kraj(folder / "kraj-pulumi", options.cloud, "pulumi")
    if "pulumi-loop" in options.ways:
        yield PulumiLoop(folder / "pulumi-loop", options.cloud)
    if "ansible" in options.ways:
        yield Playbook(folder / "ansible", options.cloud, collections_in(options.collections))


def _options() -> argparse.Namespace:
    known = ("kraj-local", "kraj-pulumi", "pulumi-loop", "ansible")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cloud", default="lab")
    parser.add_argument("--tenants", type=_numbers, default=(1, 10, 50))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", type=lambda text: text.split(","), default=known)
    parser.add_argument("--output", type=Path, default=HERE / "many.json")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kraj-benchmark"
    parser.add_argument(
        "--collections", type=Path, default=cache, help="folder for openstack.cloud"
    )
    options = parser.parse_args()
    unknown = sorted(set(options.ways) - set(known))
    if unknown:
        parser.error(f"no way {unknown[0]!r}; there are {', '.join(known)}")
    if {"kraj-pulumi", "pulumi-loop"} & set(options.ways) and find_cli() is None:
        parser.error(
            "no `pulumi` on PATH: leave the ways kraj-pulumi and pulumi-loop out by --ways"
        )
    return options


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _end(*_signal: object) -> None:
    sys.exit("stopped; the same command goes on from here")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)  # quotas are set back also then
    try:
        main()
    except (FailedError, subprocess.CalledProcessError) as error:
        sys.exit(str(error))
