"""Virtual machines of the lab's depth `vm`: how libvirt is started, and how guests end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kraj_lab_drivers.machines.daemon import command
from kraj_lab_drivers.machines.ending import end_machines

from kraj.errors import KrajError
from kraj.lab import packages
from kraj.lab.services import all_services
from kraj.lab.settings import LabSettings

NAME = "instance-00000007"


def test_libvirt_is_a_service_of_labs_with_virtual_machines_alone(tmp_path: Path) -> None:
    with_it = [
        depth
        for depth in ("api", "hosts", "vm")
        if "libvirt" in {item.name for item in all_services(LabSettings(tmp_path, depth=depth))}
    ]
    assert with_it == ["vm"]


def test_what_is_installed_follows_the_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages.Path, "exists", lambda _path: False)
    wanted = {
        depth: set(packages.missing_servers(LabSettings(tmp_path, depth=depth)))
        for depth in ("api", "hosts", "vm")
    }
    assert wanted["hosts"] - wanted["vm"] == {"podman", "runc"}
    assert {"libvirt-daemon", "qemu-system-x86", "mtools"} <= wanted["vm"] - wanted["hosts"]
    assert wanted["api"] < wanted["hosts"] & wanted["vm"]


def test_libvirts_module_is_lent_where_it_is_for_this_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "dist-packages"
    theirs.mkdir()
    monkeypatch.setattr(packages, "DISTRIBUTION_PYTHON", theirs)
    settings = LabSettings(tmp_path / "lab", depth="vm")
    (theirs / "libvirtmod.cpython-27.so").touch()
    with pytest.raises(KrajError, match=r"KRJ503.*libvirtmod"):
        packages.lend_libvirt(settings)

    suffix = packages.sysconfig.get_config_var("EXT_SUFFIX")
    for name in ("libvirt.py", f"libvirtmod{suffix}"):
        (theirs / name).touch()
    series = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site = settings.venv / "lib" / series / "site-packages"
    site.mkdir(parents=True)
    for _again in range(2):
        packages.lend_libvirt(settings)
        assert {path.name: path.resolve().parent for path in site.iterdir()} == {
            "libvirt.py": theirs,
            f"libvirtmod{suffix}": theirs,
        }


def test_libvirtd_sees_the_labs_folders_and_leaves_the_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kraj_lab_drivers.machines.daemon.FOLDERS", {str(tmp_path / "theirs"): "etc"}
    )
    accounts = Path("/etc/passwd").read_text(encoding="utf-8")
    words = command(tmp_path / "a lab", "kraj-abc", tmp_path / "run" / "libvirt-sock")
    assert words[:4] == ["unshare", "--mount", "--propagation", "slave"]
    script = words[-1].splitlines()
    assert script[0] == f"mount --bind '{tmp_path}/a lab/etc' {tmp_path}/theirs"
    assert script[-1].startswith("exec nsenter --net=/run/netns/kraj-abc -- ")
    daemon = (tmp_path / "a lab" / "etc" / "libvirtd.conf").read_text(encoding="utf-8")
    assert f'unix_sock_dir = "{tmp_path}/run"' in daemon
    own = (tmp_path / "a lab" / "passwd").read_text(encoding="utf-8")
    assert "libvirt-qemu:" in own
    assert Path("/etc/passwd").read_text(encoding="utf-8") == accounts


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that calls itself a guest of the lab's libvirt."""
    script = "import time; time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", script, f"guest={NAME},debug-threads=on"])
    pid = tmp_path / "run" / "qemu" / f"{NAME}.pid"
    pid.parent.mkdir(parents=True)
    pid.write_text(f"{process.pid}\n", encoding="utf-8")
    yield process
    process.kill()
    process.wait()


def reaped(process: subprocess.Popen[bytes]) -> threading.Thread:
    """Who waits for the process, as init does: a zombie would look alive."""
    thread = threading.Thread(target=process.wait)
    thread.start()
    return thread


def test_a_guest_is_asked_to_shut_down_before_it_is_ended(
    tmp_path: Path, guest: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    folder = tmp_path / "lib" / "qemu" / f"domain-1-{NAME}"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)  # the whole path would be too long for a socket's address
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.bind("monitor.sock")
        monitor.listen()

        def answer() -> None:
            connection, _address = monitor.accept()
            with connection, connection.makefile("rw", encoding="utf-8") as stream:
                stream.write('{"QMP": {}}\n')
                stream.flush()
                received = ""
                while "system_powerdown" not in received:
                    received += connection.recv(1000).decode()
                heard.extend(
                    json.loads(word + "}")["execute"] for word in received.split("}") if word
                )
                stream.write('{"return": {}}\n{"event": "POWERDOWN"}\n{"event": "SHUTDOWN"}\n')
                stream.flush()
                assert guest.poll() is None

        threads = [threading.Thread(target=answer), reaped(guest)]
        threads[0].start()
        end_machines(tmp_path, 30)
        for thread in threads:
            thread.join()
    assert heard == ["qmp_capabilities", "system_powerdown"]
    assert guest.returncode == -15


@pytest.mark.parametrize("seconds", [0, 30])
def test_a_guest_that_cannot_be_asked_is_ended(
    tmp_path: Path, guest: subprocess.Popen[bytes], seconds: float
) -> None:
    thread = reaped(guest)
    end_machines(tmp_path, seconds)
    thread.join()
    assert guest.returncode == -15


def test_a_process_that_has_a_guests_old_number_lives(
    tmp_path: Path, guest: subprocess.Popen[bytes]
) -> None:
    file = tmp_path / "run" / "qemu" / f"{NAME}.pid"
    file.rename(file.with_stem("instance-00000008"))
    end_machines(tmp_path, 0)
    assert guest.poll() is None


def test_a_lab_without_virtual_machines_has_none_to_end(tmp_path: Path) -> None:
    end_machines(tmp_path / "libvirt", 30)
