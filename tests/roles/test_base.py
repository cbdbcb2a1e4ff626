"""Role base on a fresh host, in the order of a server's life: image, first run, work, changes.

The tests of this file look at one host and follow each other, because a host takes its time.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.roles import machines
from tests.roles.hosts import Applied, Host

pytestmark = pytest.mark.root

#: Receives the host's journal on the host itself, so that one host is enough.
_RECEIVER = """\
[Service]
ExecStartPre=/bin/mkdir -p /var/lib/received
Environment=TO=/var/lib/received
ExecStart=/lib/systemd/systemd-journal-remote --listen-http=127.0.0.1:19532 --output=${TO}
[Install]
WantedBy=multi-user.target
"""


@dataclass
class Life:
    """The host and what became of it until it was configured."""

    host: Host
    variables: dict[str, Any]
    key: Path  #: of the operator jana
    looked: Applied
    touched: bool  #: whether looking changed anything
    imaged: Applied
    known_in_image: bool  #: whether the image has anything of a tenant
    configured: Applied

    def as_jana(self, command: str) -> str:
        """What a command prints that she runs over SSH; empty where she is not let in."""
        done = subprocess.run(
            [
                "ssh", "-F", "none", "-i", str(self.key), "-o", "BatchMode=yes",
                "-o", f"UserKnownHostsFile={self.host.folder / 'known_hosts'}",
                "-o", "ConnectTimeout=20", "-o", "IdentitiesOnly=yes",
                f"jana@{self.host.address}", command,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout.strip()


@pytest.fixture(scope="module")
def life(shared_role_host, ssh_folder) -> Life:
    host = shared_role_host("base", memory_mib=512, disks_mib={"vdb": 64, "vdc": 16})
    key = ssh_folder / "jana"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    variables = {
        "kraj_region": "liberecky",
        "kraj_tenant": "zelezny-brod",
        "base__operators": [{"name": "jana", "keys": [key.with_suffix(".pub").read_text()]}],
        "base__firewall_allow": [
            {"port": 8080, "from": ["10.0.0.0/8", "fc00::/7"], "comment": 'the "map"'}
        ],
        "base__disks": [{"device": "/dev/vdb", "path": "/srv/map-tiles", "mode": "0750"}],
        "base__hosts": [{"address": "10.0.0.5", "names": ["database", "database.internal"]}],
        "base__journal_remote": "http://127.0.0.1:19532",
        "base__ca_certificates": {"region": _authority(ssh_folder)},
    }
    looked = host.apply("base", variables, check=True)
    touched = host.testinfra.file("/etc/kraj").exists or host.testinfra.user("jana").exists
    imaged = host.apply("base", {"kraj_phase": "image"})
    known = host.testinfra.file("/etc/kraj").exists or host.testinfra.user("jana").exists
    host.run(f"cat > /etc/systemd/system/receiver.service <<'END'\n{_RECEIVER}END")
    host.run("systemctl enable --now receiver")
    configured = host.apply("base", variables)
    return Life(host, variables, key, looked, touched, imaged, known, configured)


def _authority(folder: Path) -> str:
    """The certificate of an authority that nobody knows."""
    words = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2"]
    files = ["-subj", "/CN=Region of the test", "-keyout", "/dev/null", "-out", folder / "ca.pem"]
    subprocess.run([*words, *files], check=True, capture_output=True)
    return (folder / "ca.pem").read_text()


def test_looking_changes_nothing(life):
    assert life.looked.changed > 0
    assert not life.touched


def test_an_image_is_hardened_and_knows_no_tenant(life):
    assert {"Install packages", "Restrict the SSH server"} <= set(life.imaged.tasks_changed)
    assert not life.known_in_image


def test_a_server_of_that_image_installs_nothing(life):
    installed = set(life.configured.tasks_changed) & set(life.imaged.tasks_changed)
    assert installed <= {"Reload SSH", "Restart the journal"}


def test_a_second_run_changes_nothing(life):
    assert life.host.apply("base", life.variables).tasks_changed == ()


def test_a_host_that_has_everything_needs_no_way_to_a_mirror(life):
    way = life.host.run("ip -4 route show default")
    life.host.run("ip -4 route del default && rm -rf /var/lib/apt/lists/*")
    try:
        assert life.host.apply("base", life.variables).tasks_changed == ()
    finally:
        life.host.run(f"ip -4 route add {way}")


def test_the_proofs_hold(life):
    life.host.prove("base")


def test_an_operator_logs_in_by_key_and_becomes_root(life):
    assert life.as_jana("sudo id --user --name; umask") == "root\n0027"
    assert "jana" in life.host.run("cat /var/log/sudo.log")


def test_root_and_passwords_are_refused(life):
    known = f"UserKnownHostsFile={life.host.folder / 'known_hosts'}"
    for user, method in (("root", "publickey"), ("jana", "password")):
        done = subprocess.run(
            [
                "ssh", "-F", "none", "-i", str(life.host.folder.parent / "key"),
                "-o", known, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                "-o", f"PreferredAuthentications={method}", f"{user}@{life.host.address}", "true",
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Permission denied (publickey)" in done.stderr


def test_the_region_is_trusted_and_neighbours_are_known(life):
    seen = life.host.run("openssl verify /usr/local/share/ca-certificates/kraj-region.crt")
    assert seen.endswith("OK")
    assert life.host.run("getent hosts database.internal").startswith("10.0.0.5")


def test_the_journal_arrives_elsewhere(life):
    life.host.run("logger --tag probe a line for the region")
    look = "journalctl --directory /var/lib/received --identifier probe --output cat || true"
    deadline = time.monotonic() + 60
    while life.host.run(look) != "a line for the region":
        assert time.monotonic() < deadline, life.host.run("systemctl status systemd-journal-upload")
        time.sleep(1)


def test_only_what_is_let_in_is_reachable_and_the_rest_is_found(life):
    for port in (8080, 9090):
        life.host.run(f"systemd-run --unit=web-{port} python3 -m http.server {port}")
    deadline = time.monotonic() + 60
    while "9090" not in life.host.run("ss --no-header --listening --tcp"):
        assert time.monotonic() < deadline
    while not life.host.reaches(8080):
        assert time.monotonic() < deadline
    assert not life.host.reaches(9090)
    with pytest.raises(pytest.fail.Exception, match=r"FAILED .+test_nothing_listens") as found:
        life.host.prove("base")
    assert "('tcp', 9090)" in str(found.value)
    life.host.run("systemctl stop web-9090")


def test_a_file_system_follows_its_volume(life):
    def room() -> int:
        return int(life.host.run("df --output=size --block-size=1M /srv/map-tiles | tail -n 1"))

    before = room()
    life.host.run("echo kept > /srv/map-tiles/file")
    life.host.machine.grow_disk("vdb", 128)
    foreseen = life.host.apply("base", life.variables, check=True)
    assert foreseen.tasks_changed == ("Grow the file system on /dev/vdb",)
    assert room() == before
    grown = life.host.apply("base", life.variables)
    if machines.may_grow_file_systems():
        assert grown.tasks_changed == ("Grow the file system on /dev/vdb",)
        assert room() > 1.8 * before
        assert life.host.apply("base", life.variables).tasks_changed == ()
    else:
        assert grown.tasks_changed == ()
        assert "Say that the file system could not grow" not in grown.skipped
    assert life.host.run("cat /srv/map-tiles/file") == "kept"


def test_a_full_disk_is_found(life):
    free = life.host.run("df --output=avail --block-size=1 /srv/map-tiles | tail -n 1")
    life.host.run(f"fallocate --length {free} /srv/map-tiles/full")
    with pytest.raises(pytest.fail.Exception, match=r"FAILED .+have_room") as found:
        life.host.prove("base")
    assert "/srv/map-tiles: 100% of the blocks" in str(found.value)
    life.host.run("rm /srv/map-tiles/full")
    life.host.prove("base")


def test_a_role_opens_its_port_and_closes_it(life, tmp_path):
    tasks = tmp_path / "web" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text(
        "- name: Let clients in\n"
        "  ansible.builtin.include_role: {name: base, tasks_from: firewall_allow}\n"
        "  vars: {base__firewall_role: web, base__firewall_role_allow: '{{ web__allow }}'}\n"
    )
    life.host.roles = (*life.host.roles, tmp_path)
    life.host.run("systemd-run --unit=role-web python3 -m http.server 9091")
    assert life.host.apply("web", {"web__allow": [{"port": 9091}]}).changed > 0
    assert life.host.reaches(9091)
    assert life.host.apply("web", {"web__allow": [{"port": 9091}]}).changed == 0
    life.host.apply("web", {"web__allow": []})
    assert not life.host.reaches(9091)
    assert life.host.reaches(22)


def test_everything_holds_after_a_reboot(life):
    life.host.run("echo kept > /srv/map-tiles/file")
    life.host.reboot()
    life.host.prove("base")
    assert life.host.run("cat /srv/map-tiles/file") == "kept"
    assert life.as_jana("true && echo in") == "in"
    life.host.run("systemd-run python3 -m http.server 9090")
    assert not life.host.reaches(9090)
    life.host.run("systemctl stop 'run-*.service'")


def test_a_disk_with_other_content_is_never_formatted(life):
    life.host.run("mkswap /dev/vdc")
    before = life.host.run("sha256sum < /dev/vdc")
    disks = [*life.variables["base__disks"], {"device": "/dev/vdc", "path": "/srv/other"}]
    with pytest.raises(pytest.fail.Exception, match="holds swap, not ext4"):
        life.host.apply("base", {**life.variables, "base__disks": disks})
    assert life.host.run("sha256sum < /dev/vdc") == before


def test_rules_that_would_shut_ansible_out_are_refused(life):
    elsewhere = {**life.variables, "base__ssh_from": ["192.0.2.0/24", "2001:db8::/32"]}
    with pytest.raises(pytest.fail.Exception, match="base__ssh_from leaves out 10"):
        life.host.apply("base", elsewhere)


def test_an_operator_who_left_is_gone_with_all_sessions(life):
    left = [{"name": "jana", "state": "absent"}]
    changed = {**life.variables, "base__operators": left, "base__ca_certificates": {}}
    life.host.apply("base", changed)
    assert life.as_jana("true && echo in") == ""
    assert not life.host.testinfra.file("/home/jana").exists
    authority = life.host.testinfra.file("/usr/local/share/ca-certificates/kraj-region.crt")
    assert not authority.exists
    life.host.prove("base")
