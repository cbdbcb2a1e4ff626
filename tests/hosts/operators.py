"""Regions whose servers boot, and the way of operators to them, for tests. Not a test."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kraj.lab import Lab
from tests.hosts.conftest import until
from tests.lab.command_line import Region, begin_region, environment_on, make_small
from tests.lab.conftest import LabCloud

USER = "debian"


def begin_live_region(
    lab: Lab, cloud: Any, folder: Path, name: str, towns: Iterable[str], *, linked: Iterable[str]
) -> tuple[Region, dict[str, Any]]:
    """The example region, small and with a bastion, and what becomes its region.yaml."""
    content = begin_region(folder, name, towns, linked=linked)
    make_small(content)
    one = {"servers": 1, "size": "small", "boot_volume": "8 GiB", "pool": "fast"}
    content["centre"] |= {"bastion": one}
    place = LabCloud("lab", lab.settings.clouds_file, lab.settings.images)
    environment = environment_on(place, KRAJ_ENGINE="local")
    return Region(name, folder, environment, cloud), content


@dataclass(frozen=True)
class Operators:
    """They sign in by their key, to tenants' servers through the bastion, as `kraj configure`."""

    region: Region
    key: Path

    def outputs(self, label: str) -> dict[str, Any]:
        """What a stack exports."""
        found = self.region.good("outputs", "--only", label, "--json").json["stacks"]
        document: dict[str, Any] = found[label]["document"]
        return document

    @property
    def bastion(self) -> dict[str, Any]:
        """The bastion of the centre."""
        (found,) = [item for item in self.outputs("centre")["servers"] if item["pool"] == "bastion"]
        return dict(found)

    def run(self, server: dict[str, Any], command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on a server, which must be reached."""
        words = self._way(server)

        def reached() -> bool:
            return (
                subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
            )

        until(reached, f"{server['name']} is reached by SSH")
        return subprocess.run([*words, command], capture_output=True, text=True, check=False)

    def told(self, server: dict[str, Any], command: str) -> str:
        """What a command prints, where it must succeed."""
        done = self.run(server, command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def _way(self, server: dict[str, Any]) -> list[str]:
        known = self.region.folder / ".kraj" / "regions" / self.region.name / "known_hosts"
        options = [
            *("-i", str(self.key), "-o", f"UserKnownHostsFile={known}", "-o", "BatchMode=yes"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=5"),
        ]
        bastion = self.bastion
        first = ["ssh", *options, "-o", f"HostKeyAlias={bastion['name']}"]
        gate = f"{USER}@{bastion['floating_address']}"
        if server["name"] == bastion["name"]:
            return [*first, gate]
        proxy = " ".join([*first, "-W", "%h:%p", gate])
        address = next(a for a in server["addresses"] if ":" not in a)
        return [
            *("ssh", *options, "-o", f"HostKeyAlias={server['name']}"),
            *("-o", f"ProxyCommand={proxy}", f"{USER}@{address}"),
        ]
