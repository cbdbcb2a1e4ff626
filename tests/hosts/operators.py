"""The way of operators to the servers of a region, for tests. Not a test."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hosts.conftest import until
from tests.lab.command_line import Region

USER = "debian"


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
