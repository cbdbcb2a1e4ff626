"""Ends servers and load balancers of the lab: `python -m kraj_lab_drivers.hosts.ending [remove]`.

Containers and virtual machines are shut down, file systems unmounted and loop devices given back,
so that nothing of a stopped lab holds the machine. With `remove` the namespaces go too.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kraj_lab_drivers.hosts import fabric
from kraj_lab_drivers.hosts.agent import MACHINE
from kraj_lab_drivers.hosts.servers import Record, Servers
from kraj_lab_drivers.machines.ending import end_machines

_SHUTDOWN_SECONDS = 20


def main() -> None:
    folder = Path(os.environ["KRAJ_LAB_HOSTS"])
    servers = Servers(folder, os.environ["KRAJ_LAB_FABRIC"])
    remove = sys.argv[1:] == ["remove"]
    records = servers.every_record()
    seconds = 0 if remove else _SHUTDOWN_SECONDS
    end_machines(folder / "libvirt", seconds)

    def end(record: Record) -> None:
        servers.stop(record, seconds)
        servers.put_down(record)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(end, records))
    servers.fabric.keep_only(servers.fabric.balancer(""), ())
    if remove:
        fabric.unplug("", MACHINE)
        servers.fabric.remove()


if __name__ == "__main__":
    main()
