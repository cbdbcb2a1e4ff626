"""What the other regions in the same `inventories/` folder say of clouds and addresses.

Their files are taken as they are: what is wrong inside one is told when that region is validated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from kraj.errors import KrajError, KrajErrors
from kraj.model.sources import REGION_FILE, display
from kraj.model.yaml_files import read_document


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another region: the name of its folder, its clouds, and its supernets."""

    name: str
    clouds: frozenset[str]
    supernets: tuple[IPv4Network | IPv6Network, ...]


def neighbours_of(folder: Path) -> Iterator[Neighbour]:
    """The readable regions beside `folder`, in alphabetical order."""
    own = folder.absolute()
    for path in sorted(own.parent.glob(f"*/{REGION_FILE}")):
        if path.parent == own:
            continue
        try:
            value = read_document(path, display(path)).value
        except (KrajError, KrajErrors):
            continue
        found = (_supernet(value, version) for version in ("ipv4", "ipv6"))
        yield Neighbour(
            path.parent.name,
            frozenset(str(cloud.get("name")) for cloud in _clouds(value)),
            tuple(network for network in found if network is not None),
        )


def _clouds(value: Any) -> list[dict[str, Any]]:
    found = value.get("clouds") if isinstance(value, dict) else None
    return [part for part in found if isinstance(part, dict)] if isinstance(found, list) else []


def _supernet(value: Any, version: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(value["network"][version]["supernet"])
    except (KeyError, TypeError, ValueError):
        return None
