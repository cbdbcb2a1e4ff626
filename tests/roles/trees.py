"""The root file system that machines of the tests begin with, built once and kept.

It stands in `.kraj/roles-base` by the digest of what it is made from: this file, the list of
packages, and the machine's certificates. Another digest means that it is built anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

from kraj.lab.bootable import MIRROR_VARIABLE, PACKAGES, RELEASE
from tests.roles.machines import ROOT, USER, alone, run

BASE = ROOT / ".kraj" / "roles-base"
MACHINE_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", re.DOTALL)


def base_tree() -> Path:
    """The root file system that all machines begin with, built where this recipe was not yet."""
    certificates = MACHINE_CERTIFICATES.read_bytes() if MACHINE_CERTIFICATES.exists() else b""
    mirror = os.environ.get(MIRROR_VARIABLE, "")
    recipe = hashlib.sha256(Path(__file__).read_bytes() + certificates)
    recipe.update(f"{RELEASE} {PACKAGES} {mirror}".encode())
    target = BASE / recipe.hexdigest()[:16]
    with alone("base"):
        if not target.exists():
            shutil.rmtree(BASE, ignore_errors=True)
            building = target.with_suffix(".building")
            building.parent.mkdir(parents=True)
            # With apt's lists, so that a role that only looks finds its packages.
            run(
                "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
                "--skip=cleanup/apt/lists", f"--include={','.join(PACKAGES)}",
                RELEASE, building, *([mirror] if mirror else []),
            )  # fmt: skip
            _prepare(building)
            building.rename(target)
    return target


def _prepare(tree: Path) -> None:
    """What a machine of the tests has beside its packages."""
    for key in tree.glob("etc/ssh/ssh_host_*"):
        key.unlink()
    (tree / "etc/machine-id").write_text("")
    (tree / "etc/cloud/cloud-init.disabled").touch()
    (tree / "etc/dpkg/dpkg.cfg.d/tests").write_text("force-unsafe-io\n")
    run("chroot", tree, "useradd", "--create-home", "--shell", "/bin/bash", USER)
    (tree / "etc/sudoers.d/tests").write_text(f"{USER} ALL=(ALL) NOPASSWD:ALL\n")
    _trust_what_the_machine_trusts(tree)


def _trust_what_the_machine_trusts(tree: Path) -> None:
    """Add the machine's authorities that Debian does not have: registries may stand behind one."""
    if not MACHINE_CERTIFICATES.exists():
        return
    known = set(_PEM.findall((tree / "etc/ssl/certs/ca-certificates.crt").read_text()))
    machine = _PEM.findall(MACHINE_CERTIFICATES.read_text())
    for number, text in enumerate(sorted(set(machine) - known)):
        (tree / f"usr/local/share/ca-certificates/machine-{number}.crt").write_text(text)
    run("chroot", tree, "update-ca-certificates")
