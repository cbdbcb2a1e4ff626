"""What is asked of a machine before servers boot on it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import psutil
import pytest

from kraj.errors import KrajError
from kraj.lab import servers
from kraj.lab.errors import HOSTS_IMPOSSIBLE
from kraj.lab.settings import LabSettings


def program(folder: Path, name: str, script: str) -> Path:
    """A program of the test's own."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(os.geteuid() == 0, reason="only for a user who is not root")
def test_who_is_not_root_is_told_so() -> None:
    with pytest.raises(KrajError, match="is not root"):
        servers.check_machine()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gets as far")
def test_a_machine_that_may_not_do_it_is_told_with_the_tools_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "_BRIDGED", tmp_path)
    program(tmp_path, "unshare", "echo 'unshare failed: Operation not permitted' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KrajError, match="network namespaces cannot be made") as caught:
        servers.check_machine()
    assert caught.value.code is HOSTS_IMPOSSIBLE
    assert caught.value.causes == ("unshare failed: Operation not permitted",)


@pytest.mark.parametrize(
    ("route", "refused"),
    [
        ({"dst": "default", "dev": "eth0"}, False),
        ({"dst": "192.0.2.0/24", "dev": "eth0"}, False),
        ({"dst": "198.51.100.0/25", "dev": "eth1"}, True),
        ({"dst": "198.51.100.0/24", "dev": "kraj-public"}, True),
    ],
)
def test_addresses_that_lead_elsewhere_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: dict[str, str], refused: bool
) -> None:
    shown = program(tmp_path, "ip", f"echo '{json.dumps([route])}'")
    monkeypatch.setattr(servers, "IP", str(shown))
    monkeypatch.setattr(servers, "_agent_runs", lambda: True)
    settings = LabSettings(tmp_path / "lab", depth="hosts")
    if refused:
        with pytest.raises(KrajError, match=route["dev"]):
            servers.check_network(settings)
    else:
        servers.check_network(settings)


@pytest.mark.parametrize("runs", [True, False])
def test_the_way_into_a_lab_that_was_killed_is_taken_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: bool
) -> None:
    route, said = json.dumps([{"dst": "198.51.100.0/24", "dev": "kraj-public"}]), tmp_path / "said"
    shown = f"[ -e {said} ] && echo \"[]\" || echo '{route}'"
    script = f'if [ "$1" = link ]; then echo "$@" > {said}; else {shown}; fi'
    monkeypatch.setattr(servers, "IP", str(program(tmp_path, "ip", script)))
    monkeypatch.setattr(servers, "_agent_runs", lambda: runs)
    settings = LabSettings(tmp_path / "lab", depth="hosts")
    if runs:
        with pytest.raises(KrajError, match="kraj-public"):
            servers.check_network(settings)
    else:
        servers.check_network(settings)
        assert said.read_text() == "link delete kraj-public\n"


@pytest.mark.parametrize("namespace", ["own", "another"])
def test_a_device_that_leads_into_another_lab_is_not_taken_for_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, namespace: str
) -> None:
    """Both labs have been on this machine before; the other one has ended last."""
    settings = LabSettings(tmp_path / "lab", depth="hosts")
    ids = [{"name": settings.fabric, "id": 0}, {"name": "another", "id": 1}]
    end, said = 0 if namespace == "own" else 1, tmp_path / "said"
    route = [{"dst": "198.51.100.0/24", "dev": "kraj-public"}]
    script = f"""case "$*" in
*"netns list") echo '{json.dumps(ids)}' ;;
*"link show kraj-public") echo '{json.dumps([{"link_netnsid": end}])}' ;;
"link delete kraj-public") touch {said} ;;
*) [ -e {said} ] && echo "[]" || echo '{json.dumps(route)}' ;;
esac"""
    monkeypatch.setattr(servers, "IP", str(program(tmp_path, "ip", script)))
    monkeypatch.setattr(servers, "_agent_runs", lambda: False)
    servers.check_network(settings)
    assert said.exists() == (namespace == "another")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
def test_what_is_mounted_in_a_lab_is_unmounted_before_it_is_deleted(tmp_path: Path) -> None:
    outer, beside = tmp_path / "a lab" / "overlay", tmp_path / "a laboratory"
    for folder in (outer / "inner", beside):
        folder.mkdir(parents=True)
    mounted = (outer, outer / "inner", beside)
    try:
        for folder in mounted:
            done = subprocess.run(
                ["mount", "--bind", folder, folder], capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
        servers.unmount_below(tmp_path / "a lab")
        left = {mount.mountpoint for mount in psutil.disk_partitions(all=True)}
        assert [folder for folder in mounted if str(folder) in left] == [beside]
    finally:
        for folder in reversed(mounted):
            subprocess.run(["umount", folder], capture_output=True, check=False)
