"""KVM is used where it runs code, not where its device is there alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kraj import kvm


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    kvm.works.cache_clear()
    yield
    kvm.works.cache_clear()


def machine(monkeypatch: pytest.MonkeyPatch, folder: Path, *, device: bool, script: str) -> None:
    """A machine with that QEMU."""
    qemu = folder / "qemu"
    qemu.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    qemu.chmod(0o755)
    monkeypatch.setattr(kvm, "QEMU", str(qemu))
    monkeypatch.setattr(kvm, "_DEVICE", qemu if device else folder / "none")


@pytest.mark.parametrize(
    ("device", "script", "expected"),
    [
        (True, "exit 99", "kvm"),
        (True, "echo 'failed to initialize kvm' >&2; exit 1", "qemu"),
        (True, "exit 0", "qemu"),
        (True, "exec sleep 5", "qemu"),
        (False, "exit 99", "qemu"),
    ],
)
def test_what_virtual_machines_run_by(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: bool, script: str, expected: str
) -> None:
    monkeypatch.setattr(kvm, "_SECONDS", 0.5)
    machine(monkeypatch, tmp_path, device=device, script=script)
    assert kvm.virt_type() == expected


def test_the_boot_sector_is_one() -> None:
    """The BIOS starts 512 bytes that end so (any PC since 1981)."""
    assert len(kvm._SECTOR) == 512
    assert kvm._SECTOR[510:] == b"\x55\xaa"


@pytest.mark.skipif(not Path(kvm.QEMU).exists(), reason=f"no {kvm.QEMU} (qemu-system-x86)")
def test_qemu_runs_the_boot_sector_without_kvm_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else a machine with KVM would be told from one without by a fault of the sector."""
    arguments = '$(echo "$@" | sed "s/-accel kvm -cpu host/-accel tcg/")'
    machine(monkeypatch, tmp_path, device=True, script=f"exec {kvm.QEMU} {arguments}")
    assert kvm.works()
