"""Installs what a lab needs: servers from the distribution, OpenStack into a venv of its own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from kraj import kvm
from kraj.errors import KrajError
from kraj.files import write_atomically
from kraj.images.tools import missing
from kraj.lab import programs
from kraj.lab.errors import INSTALL_FAILED, SERVERS_MISSING
from kraj.lab.services import MARIADB, MEMCACHED, RABBITMQ
from kraj.lab.settings import LabSettings

#: Distribution package → its program, and the setting that makes it needless.
PACKAGES = {
    "mariadb-server": (MARIADB, "database_url"),
    "rabbitmq-server": (RABBITMQ, "transport_url"),
    "memcached": (MEMCACHED, "memcached"),
}
#: What servers that boot need besides: package → program.
BOOT_PACKAGES = {
    "mmdebstrap": "/usr/bin/mmdebstrap",
    "qemu-utils": "/usr/bin/qemu-img",
    "nftables": "/usr/sbin/nft",
    "iproute2": "/usr/sbin/ip",
    "e2fsprogs": "/usr/sbin/resize2fs",
    "procps": "/usr/sbin/sysctl",
    "haproxy": "/usr/sbin/haproxy",
}
CONTAINER_PACKAGES = {"podman": "/usr/bin/podman", "runc": "/usr/sbin/runc"}
#: Where Debian's packages put Python modules for the distribution's own Python.
DISTRIBUTION_PYTHON = Path("/usr/lib/python3/dist-packages")
MACHINE_PACKAGES = {
    "libvirt-daemon": "/usr/sbin/libvirtd",
    "libvirt-daemon-driver-qemu": "/usr/bin/virt-qemu-run",
    "python3-libvirt": str(DISTRIBUTION_PYTHON / "libvirt.py"),
    "qemu-system-x86": kvm.QEMU,
    "genisoimage": "/usr/bin/genisoimage",
}
HERE = Path(str(files("kraj.lab")))
LOCK_FILE = HERE / "requirements.txt"
DRIVERS = HERE / "drivers"
STAMP = ".installed"


def missing_servers(settings: LabSettings | None = None) -> list[str]:
    """Distribution packages that a lab (of these settings) needs and that are not installed."""
    return [
        *(
            package
            for package, (program, setting) in PACKAGES.items()
            if not Path(program).exists() and not (settings and getattr(settings, setting))
        ),
        *missing(_boot_packages(settings)),
    ]


def _boot_packages(settings: LabSettings | None) -> dict[str, str]:
    if settings is None or not settings.boots:
        return {}
    if not settings.virtual:
        return BOOT_PACKAGES | CONTAINER_PACKAGES
    # Imported when it is needed: its manifests' models would cost every command 0.2 s.
    from kraj.images.disk import PROGRAMS  # noqa: PLC0415

    return BOOT_PACKAGES | MACHINE_PACKAGES | PROGRAMS


def install_servers(settings: LabSettings) -> None:
    """Install what is missing with apt-get, as root or through sudo. Raises KRJ502, KRJ503."""
    absent = missing_servers(settings)
    if not absent:
        return
    prefix = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    if not shutil.which("apt-get") or not _may_run(prefix):
        raise KrajError(
            SERVERS_MISSING,
            f"not installed: {', '.join(absent)}",
            hint=f"As root: apt-get install --no-install-recommends {' '.join(absent)}. "
            "Or let the lab use servers of yours: kraj lab up --help.",
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    folder = settings.folder
    _run(folder, [*prefix, "apt-get", "update", "-qq"], environment)
    _run(
        folder,
        [*prefix, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *absent],
        environment,
    )


def _may_run(prefix: Sequence[str]) -> bool:
    """Whether commands may be run behind that prefix: root needs none, sudo may want a password."""
    if not prefix:
        return True
    command = [*prefix, "true"]
    return bool(shutil.which(prefix[0])) and (
        subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


def locked_versions() -> str:
    """Digest of the lock file: other versions of OpenStack may want other tables."""
    return hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()


def installed_versions() -> str:
    """Digest of everything that the venv is made from; a change means a new installation."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {locked_versions()}".encode())
    for path in (*sorted(DRIVERS.rglob("*.py")), DRIVERS / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_installed(settings: LabSettings) -> bool:
    """Whether the venv holds the locked versions and this version of the drivers."""
    stamp = settings.venv / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == installed_versions()


def install_openstack(settings: LabSettings) -> None:
    """Make the lab's venv from its lock file, or bring it up to date. Raises KRJ503."""
    if is_installed(settings):
        return
    uv, folder = _uv(), settings.folder
    python = settings.venv / "bin" / "python"
    if not _runs_this_python(python):
        venv = str(settings.venv)
        _run(folder, [uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv])
    sync = [uv, "pip", "sync", "--quiet", "--python", str(python), "--require-hashes"]
    _run(folder, [*sync, str(LOCK_FILE)], _registry())
    # All processors compile the modules once now, not twenty processes at their first start, and
    # not OpenStack's own tests, two fifths of its text. Some packages carry templates that do not
    # compile: that is no failure.
    compiler = [str(python), "-m", "compileall", "-q", "-j", "0", "-x", "/tests/"]
    programs.run(folder, [*compiler, str(settings.venv / "lib")], os.environ)
    _install_drivers(settings, uv, python)
    write_atomically(settings.venv / STAMP, installed_versions())


def lend_libvirt(settings: LabSettings) -> None:
    """Let the venv use the distribution's Python module of libvirt. Raises KRJ503.

    The registry has its sources only, which take a compiler and libvirt's headers.
    """
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    module = DISTRIBUTION_PYTHON / f"libvirtmod{suffix}"
    if not module.exists():
        found = ", ".join(path.name for path in DISTRIBUTION_PYTHON.glob("libvirtmod.*"))
        raise KrajError(
            INSTALL_FAILED,
            f"python3-libvirt is for another Python than {sys.version.split()[0]}: {found}",
            hint="Set kraj up with the distribution's own Python (/usr/bin/python3).",
        )
    series = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = settings.venv / "lib" / series / "site-packages"
    for source in (module, DISTRIBUTION_PYTHON / "libvirt.py"):
        link = packages / source.name
        link.unlink(missing_ok=True)
        link.symlink_to(source)


def _runs_this_python(python: Path) -> bool:
    """Whether a venv is there whose interpreter works and is of the same series as this one."""
    code = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [str(python), "-c", code], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return done.stdout.split() == [str(part) for part in sys.version_info[:2]]


def _install_drivers(settings: LabSettings, uv: str, python: Path) -> None:
    # Built from a copy: the installed package of kraj may be read-only.
    build = settings.run / "drivers"
    shutil.rmtree(build, ignore_errors=True)
    shutil.copytree(DRIVERS, build, ignore=shutil.ignore_patterns("__pycache__"))
    _run(
        settings.folder,
        [
            uv, "pip", "install", "--quiet", "--python", str(python), "--no-deps",
            "--no-build-isolation", "--reinstall", str(build),
        ]
    )  # fmt: skip
    shutil.rmtree(build)


def _registry() -> dict[str, str]:
    """Environment that shows uv the registry that pip is set up for, where uv has none of its own.

    A government's network often has a mirror in pip.conf; uv does not read that file.
    """
    environment = dict(os.environ)
    if any(name in environment for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE")):
        return environment
    configured = _pip_settings()
    for setting, variable in (
        ("index-url", "UV_DEFAULT_INDEX"),
        ("extra-index-url", "UV_INDEX"),
        ("cert", "SSL_CERT_FILE"),
    ):
        value = environment.get(f"PIP_{setting.replace('-', '_').upper()}")
        value = value or configured.get(setting)
        if value:
            environment.setdefault(variable, value)
    return environment


def _pip_settings() -> dict[str, str]:
    """The section `global` of pip's configuration files; empty where there is none, or no pip."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return {
        name.removeprefix("global."): value.strip("'\"")
        for name, _, value in pairs
        if name.startswith("global.")
    }


def _uv() -> str:
    """The uv beside this Python, else the one on PATH."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise KrajError(
            INSTALL_FAILED, "uv is not installed", hint="pip install uv, then run it again."
        )
    return found


def _run(folder: Path, command: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
    done = programs.run(folder, command, environment)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise KrajError(
            INSTALL_FAILED,
            f"{' '.join(command[:3])} … ended with {done.returncode}",
            causes=tuple(lines[-8:]),
        )
