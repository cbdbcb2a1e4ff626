"""What is installed for a lab, and how failures of installers are told."""

from __future__ import annotations

import ast
import os
import re
import sys
import tomllib
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.lab import packages
from kraj.lab.errors import INSTALL_FAILED, SERVERS_MISSING
from kraj.lab.settings import LabSettings


@pytest.fixture
def settings(tmp_path: Path) -> LabSettings:
    made = LabSettings(tmp_path / "lab")
    made.claim()
    return made


def test_every_locked_package_is_pinned_and_hashed() -> None:
    text = packages.LOCK_FILE.read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 200
    for entry in entries:
        assert re.match(r"[a-z0-9][a-z0-9-]*==[^ ]+", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_the_lock_file_names_no_registry() -> None:
    assert "://" not in packages.LOCK_FILE.read_text()


def test_every_entry_point_of_the_drivers_leads_to_a_class() -> None:
    project = tomllib.loads((packages.DRIVERS / "pyproject.toml").read_text())["project"]
    targets = [target for group in project["entry-points"].values() for target in group.values()]
    assert len(targets) == 2
    for target in targets:
        module, name = target.split(":")
        path = packages.DRIVERS.joinpath(*module.split(".")).with_suffix(".py")
        tree = ast.parse(path.read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_another_driver_means_another_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = packages.installed_versions()
    drivers = tmp_path / "drivers"
    drivers.mkdir()
    (drivers / "pyproject.toml").write_text((packages.DRIVERS / "pyproject.toml").read_text())
    monkeypatch.setattr(packages, "DRIVERS", drivers)
    assert packages.installed_versions() != before


def test_only_servers_that_the_lab_starts_have_to_be_installed(
    settings: LabSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        packages,
        "PACKAGES",
        {
            "mariadb-server": ("/nowhere/mariadbd", "database_url"),
            "memcached": ("/nowhere/memcached", "memcached"),
            "coreutils": (sys.executable, "transport_url"),
        },
    )
    assert packages.missing_servers(settings) == ["mariadb-server", "memcached"]
    own = LabSettings(settings.folder, memcached="cache.example:11211")
    assert packages.missing_servers(own) == ["mariadb-server"]


def test_where_nothing_can_be_installed_the_command_is_told(
    settings: LabSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "PACKAGES", {"memcached": ("/nowhere/memcached", "memcached")})
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(KrajError) as caught:
        packages.install_servers(settings)
    assert caught.value.code is SERVERS_MISSING
    assert "memcached" in caught.value.message
    assert "apt-get install --no-install-recommends memcached" in caught.value.hint


def test_a_sudo_that_asks_for_a_password_counts_as_none(
    settings: LabSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "PACKAGES", {"memcached": ("/nowhere/memcached", "memcached")})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, status in (("sudo", 1), ("apt-get", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(KrajError) as caught:
        packages.install_servers(settings)
    assert caught.value.code is SERVERS_MISSING


def test_a_failed_installation_shows_the_installers_last_lines(
    settings: LabSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"kraj-has-no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(packages, "LOCK_FILE", lock)
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(KrajError) as caught:
        packages.install_openstack(settings)
    assert caught.value.code is INSTALL_FAILED
    assert "kraj-has-no-such-package" in "\n".join(caught.value.causes)
    assert not packages.is_installed(settings)


def test_uv_is_shown_the_registry_of_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    assert packages._registry()["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"


def test_uv_is_shown_the_registry_of_pips_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert packages._registry()["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"


def test_a_registry_that_uv_has_of_its_own_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.example/simple")
    assert packages._registry()["UV_DEFAULT_INDEX"] == "https://other.example/simple"


def test_a_venv_of_another_or_no_python_is_told(tmp_path: Path) -> None:
    assert packages._runs_this_python(Path(sys.executable))
    assert not packages._runs_this_python(tmp_path / "python")
    other = tmp_path / "python3"
    other.write_text("#!/bin/sh\necho 3 7\n")
    other.chmod(0o755)
    assert not packages._runs_this_python(other)
