"""Servers that are virtual machines: a lab of the depth `vm`, and what tests do with its servers.

The lab is in `KRAJ_VMS_LAB_DIR` (default `.kraj/vms` of the checkout). One that did not run before
is stopped after the tests and keeps its files. The rest is that of tests/hosts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kraj.lab import Lab
from tests.hosts.conftest import ROOT, Site, cloud, network, running_lab

__all__ = ("cloud", "network")
PORT_OFFSET = 15000


class RoomySite(Site):
    """Servers with the memory that our image asks for."""

    memory_mib = 1024


@pytest.fixture(scope="session")
def hosts_lab() -> Iterator[Lab]:
    """A running lab whose servers are virtual machines."""
    folder = Path(os.environ.get("KRAJ_VMS_LAB_DIR", ROOT / ".kraj" / "vms")).absolute()
    yield from running_lab(folder, "vm", PORT_OFFSET)


@pytest.fixture(scope="session")
def site(cloud: Any, hosts_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Key, flavour, image and rules for servers."""
    made = RoomySite(cloud, hosts_lab, tmp_path_factory.mktemp("site"))
    yield made
    made.clean()
