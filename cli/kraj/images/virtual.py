"""Boots a written disk in a virtual machine, as a cloud does: boot loader, kernel, cloud-init.

The machine gets a config drive (Nova's form of metadata) with a script that tells on the serial
port how the system is, and switches off. QEMU takes KVM where the machine has it and else computes
every instruction itself (TCG), some ten times slower.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from kraj import kvm
from kraj.images.tools import run

Firmware = Literal["BIOS", "EFI"]

#: What it takes: package of Debian → its program or file.
PROGRAMS: Final = {
    "qemu-system-x86": kvm.QEMU,
    "mtools": "/usr/bin/mcopy",
    "dosfstools": "/usr/sbin/mkfs.vfat",
}
EFI_PROGRAMS: Final = {"ovmf": "/usr/share/ovmf/OVMF.fd"}
#: A disk is larger than its image, so that the root file system has to grow.
_DISK_GIB: Final = 8
_MEMORY_MIB: Final = 1024
#: Without KVM, on a machine that has other work too.
BUDGET_SECONDS: Final = 600.0
_CONFIG_MIB: Final = 4
_BEGIN, _END = "KRAJ-BEGIN", "KRAJ-END"
#: The unit waits for the end of the boot, which the script itself is a part of.
_SCRIPT: Final = f"""\
#!/bin/sh
cat > /run/kraj-boot <<'END'
systemctl is-system-running --wait > /run/kraj-state
exec > /dev/ttyS0
echo
echo {_BEGIN}
echo "state=$(cat /run/kraj-state)"
echo "failed=$(systemctl list-units --failed --plain --no-legend | cut -d' ' -f1 | paste -sd' ')"
echo "root_mib=$(df --output=size --block-size=1M / | tail -n 1)"
if [ -d /sys/firmware/efi ]; then echo firmware=EFI; else echo firmware=BIOS; fi
echo "hostname=$(hostname)"
echo {_END}
systemctl poweroff
END
systemd-run --no-block --unit=kraj-boot sh /run/kraj-boot
"""
_NAME: Final = "kraj-boot"


@dataclass(frozen=True, slots=True)
class Booted:
    """What a machine told of itself when it had booted."""

    seconds: float  #: from switched on to switched off
    told: Mapping[str, str]  #: empty where it told nothing in time
    console: str  #: the end of what was on its serial port

    def faults(self, firmware: Firmware) -> list[str]:
        """What is not as it should be, in words."""
        if not self.told:
            return [f"it did not come up within {self.seconds:.0f} s:\n{self.console}"]
        found = []
        if self.told.get("state") != "running":
            failed = self.told.get("failed") or "no unit"
            found.append(f"the system is {self.told.get('state')}: {failed} failed")
        if self.told.get("firmware") != firmware:
            found.append(f"it was started by {self.told.get('firmware')}")
        if int(self.told.get("root_mib") or 0) < 0.9 * 1024 * (_DISK_GIB - 1):
            found.append(
                f"the root file system has {self.told.get('root_mib')} MiB: it did not grow"
            )
        if self.told.get("hostname") != _NAME:
            found.append(f"its name is {self.told.get('hostname')!r}: no metadata were read")
        return found


def boot_disk(
    disk: Path, firmware: Firmware, folder: Path, seconds: float = BUDGET_SECONDS
) -> Booted:
    """Boot a disk, which is not changed; ends it after so many seconds. Raises KRJ805."""
    overlay, config, console = folder / "overlay.qcow2", folder / "config.raw", folder / "console"
    create = ["/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2"]
    run([*create, "-b", str(disk.absolute()), str(overlay), f"{_DISK_GIB}G"])
    _write_config_drive(config, folder)
    command = [
        PROGRAMS["qemu-system-x86"], "-machine", "q35",
        "-m", str(_MEMORY_MIB), "-display", "none", "-no-reboot",
        "-serial", f"file:{console}", "-monitor", "none",
        "-drive", f"file={overlay},if=virtio,format=qcow2,cache=unsafe",
        "-drive", f"file={config},if=virtio,format=raw,readonly=on",
        "-nic", "user,restrict=on,model=virtio-net-pci", "-device", "virtio-rng-pci",
        *(["-bios", EFI_PROGRAMS["ovmf"]] if firmware == "EFI" else []),
    ]  # fmt: skip
    processor = ("kvm", "-cpu", "host") if kvm.works() else ("tcg", "-cpu", "max")
    began = time.monotonic()
    said = _run([*command, "-accel", *processor], seconds)
    took = time.monotonic() - began
    shown = console.read_text(encoding="utf-8", errors="replace") if console.exists() else ""
    overlay.unlink()
    config.unlink()
    console.unlink(missing_ok=True)
    return Booted(took, report_on(shown), "\n".join((shown or said).splitlines()[-15:]))


def _run(command: Sequence[str], seconds: float) -> str:
    """QEMU's last words; it is ended after so many seconds."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stderr


def report_on(console: str) -> dict[str, str]:
    """The lines `name=value` of the report on the serial port."""
    _before, _begin, rest = console.partition(_BEGIN)
    report, end, _after = rest.partition(_END)
    lines = (line.strip().partition("=") for line in report.splitlines()) if end else ()
    return {name: value for name, equals, value in lines if equals}


def _write_config_drive(path: Path, folder: Path) -> None:
    """A file system labelled `config-2` with Nova's layout."""
    with path.open("wb") as file:
        file.truncate(_CONFIG_MIB << 20)
    run(["/usr/sbin/mkfs.vfat", "-n", "CONFIG-2", str(path)])
    run(["/usr/bin/mmd", "-i", str(path), "::/openstack", "::/openstack/latest"])
    metadata = {"uuid": "6b72616a-0000-4000-8000-000000000000", "hostname": _NAME, "name": _NAME}
    for name, content in (("meta_data.json", json.dumps(metadata)), ("user_data", _SCRIPT)):
        own = folder / name
        own.write_text(content, encoding="utf-8")
        run(["/usr/bin/mcopy", "-i", str(path), str(own), f"::/openstack/latest/{name}"])
        own.unlink()
