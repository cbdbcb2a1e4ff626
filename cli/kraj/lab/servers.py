"""What a machine must be able to do for servers that boot, and how they end.

Containers, mounts, loop devices and namespaces are no processes of the supervisor's, and nova does
not stop them when it is stopped itself.
"""

from __future__ import annotations

import getpass
import json
import os
import subprocess
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import psutil

from kraj.errors import KrajError
from kraj.lab import programs
from kraj.lab.errors import HOSTS_IMPOSSIBLE, SERVICE_FAILED
from kraj.lab.settings import EXTERNAL_IPV4, LabSettings

#: The machine's own device in the external network; `kraj_lab_drivers.hosts.agent` makes it.
DEVICE = "kraj-public"
AGENT: Final = "kraj_lab_drivers.hosts.agent"
IP = "/usr/sbin/ip"


#: Packets that cross a bridge meet the packet rules by this setting of the kernel's br_netfilter.
_BRIDGED: Final = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
#: Trials that change nothing, and what their failure means.
_TRIALS: Final = (
    (("unshare", "--net", "true"), "network namespaces cannot be made"),
    (("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"), "nothing can be mounted"),
    (("losetup", "--find"), "there is no free loop device"),
)


def check_machine() -> None:
    """Raise KRJ516 where the machine cannot do what servers need, with the tool's own words."""
    if os.geteuid() != 0:
        raise KrajError(HOSTS_IMPOSSIBLE, f"{getpass.getuser()} is not root")
    if not _BRIDGED.exists():
        _tried("modprobe", "br_netfilter")
    if not _BRIDGED.exists():
        raise KrajError(
            HOSTS_IMPOSSIBLE,
            "the kernel has no br_netfilter: packets would pass bridges by the rules",
            hint="Load it (modprobe br_netfilter) or use another machine.",
        )
    for words, meaning in _TRIALS:
        failure = _tried(*words)
        if failure:
            raise KrajError(
                HOSTS_IMPOSSIBLE,
                meaning,
                hint="Use a machine, or a container with more rights, where that can be done.",
                causes=(failure,),
            )


def _tried(*words: str) -> str:
    """Why a command fails; empty where it does not."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip() or f"exit code {done.returncode}" if done.returncode else ""


def check_network(settings: LabSettings) -> None:
    """Raise KRJ516 where the addresses of the external network lead somewhere else already.

    The way into another lab that has ended is taken down first: without its agent it leads nowhere,
    and that lab makes it anew when it is started again.
    """
    ours = _leads_to(settings.fabric)
    if not ours and not _agent_runs():
        _tried(IP, "link", "delete", DEVICE)
    for route in _shown("-4", "route", "show"):
        if route["dst"] in ("default", "unreachable") or (route.get("dev") == DEVICE and ours):
            continue
        network = ip_network(route["dst"], strict=False)
        if network.version == 4 and network.overlaps(ip_network(EXTERNAL_IPV4)):
            device = route.get("dev", "nowhere")
            raise KrajError(
                HOSTS_IMPOSSIBLE,
                f"{EXTERNAL_IPV4}, the lab's external network, is routed to {device}",
                hint="Stop the other lab whose servers boot on this machine: kraj lab destroy.",
            )


def _leads_to(namespace: str) -> bool:
    """Whether the machine's device in the external network ends in that network namespace."""
    known = {space.get("name"): space.get("id") for space in _shown("netns", "list")}
    wanted = known.get(namespace)
    ends = [link.get("link_netnsid") for link in _shown("link", "show", DEVICE)]
    return wanted is not None and wanted in ends


def _agent_runs() -> bool:
    """Whether the network agent of any lab of this machine is at work."""
    return any(AGENT in (one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"]))


def _shown(*words: str) -> list[dict[str, Any]]:
    """What `ip` says; nothing where it fails."""
    if not Path(IP).exists():  # it comes with what is installed next
        return []
    done = subprocess.run([IP, "-json", *words], capture_output=True, text=True, check=False)
    return list(json.loads(done.stdout or "[]")) if done.returncode == 0 else []


def end_servers(settings: LabSettings, *, remove: bool = False) -> None:
    """Shut servers down and give their disks back; with `remove` their networks too.

    Raises KRJ505 where something holds on.
    """
    python = settings.venv / "bin" / "python"
    if not settings.boots or not python.exists() or not settings.hosts.exists():
        return
    environment = {
        **os.environ,
        "KRAJ_LAB_HOSTS": str(settings.hosts),
        "KRAJ_LAB_FABRIC": settings.fabric,
    }
    words = [str(python), "-m", "kraj_lab_drivers.hosts.ending", *(["remove"] if remove else [])]
    done = programs.run(settings.folder, words, environment)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()[-1:]
        raise KrajError(SERVICE_FAILED, "servers of the lab could not be ended", causes=words)


def unmount_below(folder: Path) -> None:
    """Unmount what is mounted in a folder, the deepest first.

    podman mounts the folder of its layers on itself, so that mounts in it stay its own, and leaves
    it so (containers/storage, drivers/overlay). Raises KRJ505 where something holds on.
    """
    inside = [Path(mount.mountpoint) for mount in psutil.disk_partitions(all=True)]
    for point in sorted((path for path in inside if path.is_relative_to(folder)), reverse=True):
        failure = _tried("umount", str(point))
        if failure:
            raise KrajError(SERVICE_FAILED, f"{point} cannot be unmounted", causes=(failure,))
