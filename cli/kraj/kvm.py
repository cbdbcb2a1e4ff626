"""Whether virtual machines of this machine can run by KVM, or must be computed by QEMU (TCG)."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final, Literal

QEMU: Final = "/usr/bin/qemu-system-x86_64"
_DEVICE: Final = Path("/dev/kvm")
#: A boot sector that writes to QEMU's debug exit and halts: mov al, 0x31; out 0xf4, al; hlt.
_CODE: Final = bytes((0xB0, 0x31, 0xE6, 0xF4, 0xF4))
_SECTOR: Final = _CODE.ljust(510, b"\0") + b"\x55\xaa"
#: QEMU ends with twice what was written, plus one (docs of `isa-debug-exit`).
_EXIT: Final = (0x31 << 1) | 1
#: It takes less than a second where KVM works. Some virtual machines have a KVM that hangs.
_SECONDS: Final = 10


@cache
def works() -> bool:
    """Whether KVM runs code here: a boot sector is run, for the device alone says too little."""
    if not _DEVICE.exists() or not Path(QEMU).exists():
        return False
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "disk"
        disk.write_bytes(_SECTOR)
        command = [
            QEMU, "-accel", "kvm", "-cpu", "host", "-m", "64", "-display", "none",
            "-monitor", "none", "-nic", "none", "-no-reboot",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=1",
            "-drive", f"file={disk},format=raw,if=ide,snapshot=on",
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == _EXIT


def virt_type() -> Literal["kvm", "qemu"]:
    """What libvirt calls it."""
    return "kvm" if works() else "qemu"
