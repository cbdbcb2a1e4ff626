"""Makes the image that the lab's servers boot: Debian with systemd and cloud-init.

It takes the place of the empty disk that stands for Debian 12 where nothing boots. For containers
it is a file system without partitions; virtual machines get a disk with kernel and boot loader. It
is the lab's own: a real cloud gets Debian's cloud images.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

from kraj.files import write_atomically
from kraj.lab.programs import run_logged
from kraj.lab.settings import LabSettings

NAME: Final = "debian-12-genericcloud-amd64.qcow2"
RELEASE: Final = "bookworm"
#: Address of a mirror of Debian's packages; empty for what the installer takes by itself.
MIRROR_VARIABLE: Final = "KRAJ_DEBIAN_MIRROR"

#: What cloud-init, Ansible and an administrator expect on any server.
PACKAGES: Final = (
    "systemd-sysv", "dbus", "libpam-systemd", "login", "kmod", "procps", "sudo", "openssh-server",
    "cloud-init", "python3", "python3-apt", "iproute2", "iputils-ping", "nftables", "e2fsprogs",
    "ca-certificates", "netcat-openbsd",
)  # fmt: skip
#: Room in the image beside its files; a server's disk is larger, and the file system grows with it.
_SPARE_MIB: Final = 256
_FILES: Final = {
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n",
    "etc/cloud/cloud.cfg.d/50-lab.cfg": (
        "locale: C.UTF-8\nmanage_etc_hosts: localhost\napt_preserve_sources_list: true\n"
    ),
    # Empty, so that every server makes its own: machine-id(5).
    "etc/machine-id": "",
}


def ensure_bootable_image(settings: LabSettings, progress: Callable[[str], None]) -> None:
    """Build the image where it is not there, or was built by another recipe. Raises KRJ504."""
    target = settings.images / NAME
    stamp = settings.data / "done" / "bootable-image"
    sources = [__file__, *([str(_disk().__file__)] if settings.virtual else [])]
    recipe = hashlib.sha256(b"".join(Path(name).read_bytes() for name in sources)).hexdigest()
    if target.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == recipe:
        return
    work = settings.run / "image"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    tree = work / "tree"
    progress("installing Debian")
    _install(settings, tree)
    progress("making the disk")
    made = _write_disk(tree, work) if settings.virtual else _write_root(settings, tree, work)
    made.replace(target)
    shutil.rmtree(work)
    write_atomically(stamp, recipe)


def _install(settings: LabSettings, tree: Path) -> None:
    mirror = os.environ.get(MIRROR_VARIABLE, "")
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **_proxies()}
    packages, hooks = [*PACKAGES], []
    if settings.virtual:
        packages += _disk().PACKAGES
        units = " ".join(_disk().UNITS)
        hooks = [f'--customize-hook=chroot "$1" systemctl enable {units}']
    command = [
        "/usr/bin/mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
        f"--include={','.join(packages)}", *hooks,
        RELEASE, str(tree), *([mirror] if mirror else []),
    ]  # fmt: skip
    run_logged(settings, "bootable-image", command, environment)
    for key in tree.glob("etc/ssh/ssh_host_*"):
        key.unlink()
    for name, text in _FILES.items():
        (tree / name).write_text(text, encoding="utf-8")


def _write_disk(tree: Path, work: Path) -> Path:
    disk = _disk()
    disk.write_boot_settings(tree)
    disk.prepare_boot_files(tree)
    made = disk.write_disk(tree, NAME, int(time.time()), work)
    return work / str(made.file)


def _write_root(settings: LabSettings, tree: Path, work: Path) -> Path:
    raw, partial = work / "root.raw", work / "partial.qcow2"
    size = _mib(tree) + _SPARE_MIB
    with raw.open("wb") as file:
        file.truncate(size << 20)
    make = ["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", str(tree), str(raw)]
    run_logged(settings, "bootable-image", make)
    convert = ["/usr/bin/qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw)]
    run_logged(settings, "bootable-image", [*convert, str(partial)])
    return partial


def _disk() -> ModuleType:
    # Imported when it is needed: its manifests' models would cost every command 0.2 s.
    from kraj.images import disk  # noqa: PLC0415

    return disk


def _mib(tree: Path) -> int:
    """Space that the files of a tree take, in whole blocks."""
    blocks = 0
    for folder, _names, files in os.walk(tree):
        blocks += 8 + sum((Path(folder) / name).lstat().st_blocks for name in files)
    return blocks * 512 // 2**20 + 1


def _proxies() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
