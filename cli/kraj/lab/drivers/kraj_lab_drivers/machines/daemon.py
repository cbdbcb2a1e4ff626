"""Becomes libvirtd: `python -m kraj_lab_drivers.machines.daemon`.

It runs in the fabric's network namespace, so that a guest's network card is a device beside the
bridges and meets the same packet rules as a container's link; and it has its folders in the lab's,
mounted where libvirt looks for them, so that the machine's own libvirt is never touched.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Final

from kraj_lab_drivers.hosts import fabric
from kraj_lab_drivers.hosts.fabric import Fabric

#: Folder of libvirt → folder of the lab.
FOLDERS: Final = {
    "/etc/libvirt": "etc",
    "/run/libvirt": "run",
    "/var/lib/libvirt": "lib",
    "/var/cache/libvirt": "cache",
    "/var/log/libvirt": "log",
}
#: The account that Debian's libvirt looks for at its start, whatever its settings say. Nothing runs
#: by it, and the machine does not get it: only libvirtd sees these files.
_ACCOUNTS: Final = {
    "passwd": "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin",
    "group": "libvirt-qemu:x:64055:",
}
_DAEMON: Final = """\
unix_sock_dir = "{sockets}"
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
"""
#: Guests run as root in the machine's own control groups: what libvirt would set up needs systemd.
_QEMU: Final = """\
user = "root"
group = "root"
dynamic_ownership = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
"""


def command(folder: Path, name: str, socket: Path) -> list[str]:
    """What libvirtd is started by, for a lab's folder, fabric and socket; writes its settings."""
    steps = []
    for place, part in FOLDERS.items():
        own = folder / part
        own.mkdir(parents=True, exist_ok=True)
        Path(place).mkdir(parents=True, exist_ok=True)
        steps.append(shlex.join(["mount", "--bind", str(own), place]))
    for file, line in _ACCOUNTS.items():
        own = folder / file
        own.write_text(f"{Path('/etc', file).read_text().rstrip()}\n{line}\n")
        steps.append(shlex.join(["mount", "--bind", str(own), f"/etc/{file}"]))
    (folder / "etc" / "libvirtd.conf").write_text(_DAEMON.format(sockets=socket.parent))
    (folder / "etc" / "qemu.conf").write_text(_QEMU)
    network = f"--net={fabric.NAMESPACES / name}"
    # /sys shows the devices of the namespace that it is mounted in.
    last = "mount -t sysfs sysfs /sys && exec /usr/sbin/libvirtd"
    steps.append(shlex.join(["exec", "nsenter", network, "--", "sh", "-ec", last]))
    # Mounts that end on the machine end here too: else this process would keep them busy.
    apart = ["unshare", "--mount", "--propagation", "slave"]
    return [*apart, "sh", "-ec", "\n".join(steps)]


def main() -> None:
    name = os.environ["KRAJ_LAB_FABRIC"]
    Fabric(name).prepare()
    folder = Path(os.environ["KRAJ_LAB_HOSTS"]) / "libvirt"
    words = command(folder, name, Path(os.environ["KRAJ_LAB_LIBVIRT"]))
    os.execvp(words[0], words)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
