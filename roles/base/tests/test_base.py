"""Proofs of role base, from inside a host: pytest roles/base/tests --hosts ssh://HOST?sudo=true

They need root on the host and know nothing of the inventory: what the host should be, the role
wrote into /etc/kraj/base.json; what a hardened host shows is the table hardening.yaml.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKS = yaml.safe_load((Path(__file__).parent / "hardening.yaml").read_text(encoding="utf-8"))
#: Where a service is in danger: later than monitoring warns, and before nothing can be written.
FULL_PERCENT = 95
#: A host that gets its address by DHCP listens for the answer.
_DHCP_CLIENT = {("udp", 68), ("udp", 546)}


@pytest.fixture(scope="module")
def wishes(host: Any) -> dict[str, Any]:
    """What the role was told."""
    return dict(json.loads(host.file("/etc/kraj/base.json").content_string))


@pytest.fixture(scope="module")
def shown(host: Any) -> dict[str, str]:
    """What each command of the table prints; all are run at once, because each way there counts."""
    commands = list(dict.fromkeys(check["run"] for check in CHECKS))
    mark = "----- kraj -----"
    script = "\n".join(f"echo; echo '{mark}'; ( {command} ) 2>&1" for command in commands)
    parts = host.run(script).stdout.split(f"\n{mark}\n")[1:]
    return dict(zip(commands, (part.strip() for part in parts), strict=True))


@pytest.mark.parametrize("check", CHECKS, ids=[check["id"] for check in CHECKS])
def test_hardening(wishes, shown, check):
    if check.get("kernel") and wishes["container"]:
        pytest.skip("the kernel is the machine's: this host is a container")
    if "waived" in check:
        pytest.skip(f"waived: {check['waived']}")
    found = re.search(check["finds"], shown[check["run"]], re.MULTILINE)
    assert found, f"{check['source']}: {shown[check['run']][-500:]}"


def test_the_host_has_its_name(host, wishes):
    assert host.run("hostname").stdout.strip() == wishes["hostname"]


def test_operators_log_in_by_key_and_become_root(host, wishes):
    for name in wishes["operators"]:
        keys = host.file(f"/home/{name}/.ssh/authorized_keys")
        assert (keys.user, keys.mode) == (name, 0o600)
        assert host.run(f"passwd --status {name}").stdout.split()[1] == "L"


def test_people_who_left_have_no_account(host, wishes):
    assert not [name for name in wishes["operators_gone"] if host.user(name).exists]


def test_nothing_listens_that_the_firewall_does_not_let_in(host, wishes):
    if not wishes["firewall"]:
        pytest.skip("this host has no firewall of role base's")
    listing = host.run("ss --no-header --listening --numeric --tcp --udp").stdout
    open_ports = set()
    for line in listing.splitlines():
        protocol, _state, _received, _sent, local = line.split()[:5]
        address, port = local.rsplit(":", 1)
        if not address.strip("[]").split("%")[0].startswith(("127.", "::1")):
            open_ports.add((protocol, int(port)))
    assert open_ports <= _let_in(host) | _DHCP_CLIENT


def _let_in(host: Any) -> set[tuple[str, int]]:
    """Protocols and ports that the rules in force accept."""
    ports = set()
    for item in json.loads(host.run("nft --json list chain inet kraj input").stdout)["nftables"]:
        rule = item.get("rule", {}).get("expr", [])
        if {"accept": None} not in rule:
            continue
        for match in (part["match"] for part in rule if "match" in part):
            field = match["left"].get("payload", {})
            if field.get("field") == "dport":
                right = match["right"]
                first, last = right["range"] if isinstance(right, dict) else (right, right)
                ports |= {(field["protocol"], port) for port in range(first, last + 1)}
    return ports


def test_ssh_is_let_in(host, wishes):
    if wishes["firewall"]:
        assert ("tcp", wishes["ssh_port"]) in _let_in(host)


def test_data_volumes_are_mounted(host, wishes):
    for disk in wishes["disks"]:
        mount = host.mount_point(disk["path"])
        assert mount.exists
        assert mount.filesystem == disk.get("type", "ext4")
        assert {"nodev", "nosuid", *disk.get("options", [])} <= set(mount.options)


def test_file_systems_have_room(host, wishes):
    """Blocks and inodes. A container's own root is the machine's to watch."""
    paths = [disk["path"] for disk in wishes["disks"]] + ["/"] * (not wishes["container"])
    for path in paths:
        used = host.check_output("df --output=pcent,ipcent %s | tail -n 1", path).split()
        assert all(part == "-" or int(part.rstrip("%")) < FULL_PERCENT for part in used), (
            f"{path}: {used[0]} of the blocks and {used[1]} of the inodes are used"
        )


def test_security_updates_come_by_themselves(host, wishes):
    told = host.run("apt-config dump").stdout
    assert f'APT::Periodic::Unattended-Upgrade "{int(wishes["updates_automatic"])}"' in told
    origins = re.findall(r'Unattended-Upgrade::Origins-Pattern:: "(.+)"', told)
    assert origins == ["origin=Debian,codename=${distro_codename}-security,label=Debian-Security"]
    if wishes["updates_automatic"]:
        assert host.service("apt-daily-upgrade.timer").is_running


def test_the_journal_is_sent_where_it_should_be(host, wishes):
    assert host.service("systemd-journal-upload").is_running == bool(wishes["journal_remote"])


def test_no_unit_has_failed(host):
    assert host.run("systemctl list-units --failed --plain --no-legend").stdout.strip() == ""
