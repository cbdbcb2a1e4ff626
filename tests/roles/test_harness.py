"""The hosts that other tests of roles stand on: they boot, reach each other, and forget nothing."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.root


def test_a_host_takes_a_role_reboots_and_reaches_its_neighbour(role_host, tmp_path, monkeypatch):
    role = tmp_path / "roles" / "probe" / "tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text(
        "- name: Write a line\n"
        "  ansible.builtin.copy: {content: '{{ probe__line }}', dest: /etc/probe, mode: '0644'}\n"
        "- name: Be right\n"
        "  ansible.builtin.assert: {that: probe__line != 'wrong', fail_msg: the line is wrong}\n"
    )
    monkeypatch.setattr("tests.roles.hosts.ROOT", tmp_path)
    first, second = role_host("first", disks_mib={"vdb": 8}), role_host("second", memory_mib=256)
    looked = first.apply("probe", {"probe__line": "one"}, check=True)
    assert looked.tasks_changed == ("Write a line",)
    assert not first.testinfra.file("/etc/probe").exists
    assert first.apply("probe", {"probe__line": "one"}).changed == 1
    assert first.apply("probe", {"probe__line": "one"}).changed == 0
    with pytest.raises(pytest.fail.Exception, match=r"'Be right'.+the line is wrong"):
        first.apply("probe", {"probe__line": "wrong"})
    first.run("printf kept > /etc/probe")
    first.reboot()
    assert first.testinfra.file("/etc/probe").content_string == "kept"
    assert first.run("blockdev --getsize64 /dev/vdb") == str(8 << 20)
    assert first.run(f"nc -z -w 5 {second.address} 22 && echo reached") == "reached"
    assert first.run("apt-get update -q >/dev/null && echo fetched") == "fetched"
