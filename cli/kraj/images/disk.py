"""A bootable disk for clouds: the sealed tree with a kernel, boot loaders and partitions.

GPT with a BIOS boot partition, an EFI system partition and the root file system last, so that
cloud-init can grow it. It boots by BIOS and by EFI without Secure Boot. Nothing is mounted and no
loop device is used: file systems are filled when they are made, and GRUB's first sectors are
written as `grub-bios-setup` writes them.
"""

from __future__ import annotations

import shutil
import struct
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kraj.images.machine import Machine
from kraj.images.manifest import FILE_NAMES, Output
from kraj.images.outputs import describe, make_file_system
from kraj.images.tools import run

#: What a machine with a kernel of its own needs besides.
PACKAGES: Final = (
    "linux-image-cloud-amd64", "grub-cloud-amd64", "initramfs-tools", "udev", "cloud-guest-utils",
    "systemd-resolved",
)  # fmt: skip
UNITS: Final = ("systemd-networkd", "systemd-resolved")
#: What the build machine needs for it: package of Debian → its program.
PROGRAMS: Final = {
    "dosfstools": "/usr/sbin/mkfs.vfat",
    "mtools": "/usr/bin/mcopy",
    "fdisk": "/usr/sbin/sfdisk",
}
_SECTOR: Final = 512
_MIB_SECTORS: Final = (1 << 20) // _SECTOR
_BIOS_START: Final = 1 * _MIB_SECTORS
_EFI_START: Final = 2 * _MIB_SECTORS
_EFI_MIB: Final = 64
_ROOT_START: Final = _EFI_START + _EFI_MIB * _MIB_SECTORS
#: Partition types of the GPT: BIOS boot, EFI system, Linux root (x86-64).
_TYPES: Final = (
    "21686148-6449-6E6F-744E-656564454649",
    "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
    "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
)
_MODULES: Final = ("part_gpt", "ext2", "fat", "search", "search_label", "normal", "linux", "test")
#: GRUB looks for the root file system wherever it is, and reads the rest from there.
_EARLY: Final = "search.fs_label root root\nset prefix=($root)/boot/grub\n"
_COMMAND_LINE: Final = "console=tty0 console=ttyS0,115200"
#: Until the first update of the kernel, which lets `update-grub` write its own. The links in `/`
#: always lead to the newest kernel.
_MENU: Final = f"""\
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=1
menuentry "Debian" {{
  search --no-floppy --label root --set=root
  linux /vmlinuz root=LABEL=root ro {_COMMAND_LINE}
  initrd /initrd.img
}}
"""
_FILES: Final = {
    "etc/fstab": (
        "LABEL=root / ext4 rw,discard,errors=remount-ro 0 1\n"
        "LABEL=EFI /boot/efi vfat umask=0077,nofail 0 2\n"
    ),
    "etc/default/grub.d/50-kraj.cfg": (
        f'GRUB_TIMEOUT=1\nGRUB_CMDLINE_LINUX="{_COMMAND_LINE}"\n'
        'GRUB_TERMINAL="console serial"\nGRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"\n'
    ),
    # Debian's cloud-init writes for ifupdown first, which is not installed.
    "etc/cloud/cloud.cfg.d/60-kraj-network.cfg": (
        "system_info:\n  network:\n    renderers: [networkd]\n    activators: [networkd]\n"
    ),
}
_KERNEL_SECTOR: Final = 0x5C  #: in boot.img: where the first sector of core.img is
_BLOCK_LIST: Final = _SECTOR - 12  #: in the first sector of core.img: where its other sectors are
_LOAD_SEGMENT: Final = 0x820
_BOOT_CODE: Final = 440  #: behind it is the table that protects the GPT


def make_bootable(machine: Machine, environment: Mapping[str, str]) -> None:
    """Install kernel and boot loader into a running machine."""
    write_boot_settings(machine.tree)
    given = ["env", *(f"{name}={value}" for name, value in environment.items())]
    apt = [*given, "apt-get", "-q", "-y"]
    machine.execute(*apt, "update")
    machine.execute(*apt, "install", "--no-install-recommends", *PACKAGES)
    machine.execute("systemctl", "enable", *UNITS)


def write_boot_settings(tree: Path) -> None:
    """Say how the machine mounts its disk, shows its console and sets up its network."""
    for name, text in _FILES.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def prepare_boot_files(tree: Path) -> None:
    """Give a stopped tree GRUB's modules and first menu, and let resolved name the servers."""
    for platform in ("i386-pc", "x86_64-efi"):
        target = tree / "boot/grub" / platform
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(tree / "usr/lib/grub" / platform, target)
    (tree / "boot/grub/grub.cfg").write_text(_MENU, encoding="utf-8")
    (tree / "boot/efi").mkdir(exist_ok=True)
    resolver = tree / "etc/resolv.conf"
    resolver.unlink(missing_ok=True)
    resolver.symlink_to("../run/systemd/resolve/stub-resolv.conf")


def write_disk(tree: Path, identity: str, epoch: int, folder: Path) -> Output:
    """The disk with partitions, compressed, in a new file of the folder."""
    began = time.monotonic()
    root, efi, raw = folder / "part.raw", folder / "efi.raw", folder / "disk.raw"
    make_file_system(tree, root, identity, epoch)
    loaders = _loaders(tree)
    _make_efi(efi, loaders["x86_64-efi"], folder)
    sectors = root.stat().st_size // _SECTOR
    with raw.open("wb") as file:
        file.truncate((_ROOT_START + sectors + _MIB_SECTORS) * _SECTOR)
    _partition(raw, identity, sectors, folder)
    for part, start in ((efi, _EFI_START), (root, _ROOT_START)):
        _copy_into(part, raw, start)
        part.unlink()
    boot = (tree / "usr/lib/grub/i386-pc/boot.img").read_bytes()
    with raw.open("r+b") as disk:
        for offset, content in bios_sectors(boot, loaders["i386-pc"], _BIOS_START):
            disk.seek(offset)
            disk.write(content)
    target = folder / FILE_NAMES["disk"]
    convert = ["/usr/bin/qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2"]
    run([*convert, str(raw), str(target)])
    raw.unlink()
    return describe("disk", target, time.monotonic() - began)


def bios_sectors(boot: bytes, core: bytes, start: int) -> list[tuple[int, bytes]]:
    """What a BIOS starts: (place on the disk in bytes, content), for core.img at that sector.

    The first sector loads the first sector of core.img, and that one the rest.
    """
    first = bytearray(boot[:_BOOT_CODE])
    struct.pack_into("<Q", first, _KERNEL_SECTOR, start)
    rest = bytearray(core + bytes(-len(core) % _SECTOR))
    others = len(rest) // _SECTOR - 1
    struct.pack_into("<QHH", rest, _BLOCK_LIST, start + 1, others, _LOAD_SEGMENT)
    return [(0, bytes(first)), (start * _SECTOR, bytes(rest))]


def _loaders(tree: Path) -> dict[str, bytes]:
    """GRUB's own image for each platform, made by the tree's own GRUB."""
    made = {}
    early, out = tree / "tmp/early.cfg", tree / "tmp/core.img"
    early.write_text(_EARLY, encoding="utf-8")
    for platform, own in (("i386-pc", ["biosdisk", "serial"]), ("x86_64-efi", ["serial"])):
        command = ["/usr/sbin/chroot", str(tree), "grub-mkimage", "-O", platform]
        places = ["-o", "/tmp/core.img", "-c", "/tmp/early.cfg", "-p", "/boot/grub"]  # noqa: S108
        run([*command, *places, *_MODULES, *own])
        made[platform] = out.read_bytes()
        out.unlink()
    early.unlink()
    return made


def _make_efi(path: Path, loader: bytes, folder: Path) -> None:
    with path.open("wb") as file:
        file.truncate(_EFI_MIB << 20)
    program = folder / "BOOTX64.EFI"
    program.write_bytes(loader)
    run(["/usr/sbin/mkfs.vfat", "-n", "EFI", "-i", "4B52414A", "--invariant", str(path)])
    run(["/usr/bin/mmd", "-i", str(path), "::/EFI", "::/EFI/BOOT"])
    run(["/usr/bin/mcopy", "-i", str(path), str(program), "::/EFI/BOOT/BOOTX64.EFI"])
    program.unlink()


def _partition(raw: Path, identity: str, root_sectors: int, folder: Path) -> None:
    sizes = (_EFI_START - _BIOS_START, _ROOT_START - _EFI_START, root_sectors)
    starts = (_BIOS_START, _EFI_START, _ROOT_START)
    lines = ["label: gpt", f"label-id: {_uuid(identity, 'disk')}"]
    for start, size, kind in zip(starts, sizes, _TYPES, strict=True):
        lines.append(f"start={start}, size={size}, type={kind}, uuid={_uuid(identity, kind)}")
    script = folder / "partitions"
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run(["/bin/sh", "-c", '/usr/sbin/sfdisk --quiet "$1" < "$2"', "sh", str(raw), str(script)])
    script.unlink()


def _uuid(identity: str, what: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{identity} {what}")


def _copy_into(part: Path, raw: Path, start: int) -> None:
    mib = start // _MIB_SECTORS
    how = ["bs=1M", f"seek={mib}", "conv=notrunc,sparse", "status=none"]
    run(["/bin/dd", f"if={part}", f"of={raw}", *how])
