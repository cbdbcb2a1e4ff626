"""Servers of the lab's depth `hosts`: booted, rebooted, with disks that keep what is written."""

from __future__ import annotations

import subprocess

import pytest

from kraj.events import ignore

pytestmark = pytest.mark.hosts

BY_ID = "/dev/disk/by-id/virtio-"


def test_a_server_boots_with_its_name_key_and_address(server):
    assert server.asserted("cloud-init status --wait | tail -1") == "status: done"
    assert server.ssh("hostname") == "first"
    assert server.ssh("systemctl is-system-running --wait") == "running"
    assert server.address in server.ssh("ip -brief -4 address show eth0")
    assert server.ssh("sudo cat /sys/fs/cgroup/memory.max") in ("", str(512 << 20))
    assert int(server.ssh("df --output=size -BM / | tail -1").rstrip("M")) > 2700


def test_what_is_written_survives_reboots_and_stops(site, server):
    volume = site.volume(1)
    api = site.cloud.compute
    attachment = api.create_volume_attachment(server.id, volume=volume.id)
    site.volume_is(volume, "in-use")
    device = f"{BY_ID}{volume.id[:20]}"
    assert server.asserted(f"test -b {attachment.device} && echo there") == "there"
    assert server.asserted(f"test -b {device} && echo named") == "named"
    mount = f"sudo mount {attachment.device} /mnt"
    server.asserted(f"sudo mkfs.ext4 -q {attachment.device} && {mount} && echo made")
    server.asserted("echo data | sudo tee /mnt/file && touch kept && sudo umount /mnt")
    for kind in ("SOFT", "HARD"):
        boot = server.ssh("cat /proc/sys/kernel/random/boot_id; stat -c %Y /proc/1")
        api.reboot_server(server.id, kind)
        server.is_now("ACTIVE")
        look = "stat -c %Y /proc/1"
        server.asserted(f"test $({look}) -gt {boot.split()[-1]} && echo booted")
        assert server.asserted(f"sudo mount {device} /mnt && cat /mnt/file kept") == "data"
        server.ssh("sudo umount /mnt")
    api.stop_server(server.id)
    server.is_now("SHUTOFF")
    assert not server.ssh("true; echo there")
    api.start_server(server.id)
    server.is_now("ACTIVE")
    assert server.asserted(f"sudo mount {device} /mnt && cat /mnt/file") == "data"
    server.ssh("sudo umount /mnt")
    api.delete_volume_attachment(server.id, volume.id)
    site.volume_is(volume, "available")
    assert server.asserted(f"test -b {attachment.device} || echo gone") == "gone"
    assert server.asserted(f"test -e {device} || echo gone") == "gone"


def test_a_boot_volume_outlives_its_server(site, network):
    """Also where a load balancer came after the server and stays."""
    volume = site.volume(3, image_id=site.image.id)
    first = site.server("from-volume", network, volume.id)
    first.asserted("echo mine > kept && sync && echo written")
    site.balancer(network, 80, [first.address])
    site.cloud.compute.delete_server(first.id)
    site.volume_is(volume, "available")
    second = site.server("again", network, volume.id)
    assert second.asserted("cat kept") == "mine"
    assert second.asserted("hostname") == "again"


def test_servers_run_again_after_a_stop_of_the_lab(site, server, hosts_lab):
    """Also where something in its folder is still mounted, as podman leaves its layers at times."""
    server.asserted("echo before > across && sync && echo written")
    images = hosts_lab.settings.hosts / "images"
    subprocess.run(["mount", "--bind", images, images], check=True)
    hosts_lab.down(ignore)
    told = [
        subprocess.run(words, capture_output=True, text=True, check=True).stdout
        for words in (["losetup", "--list", "--noheadings"], ["mount"])
    ]
    hosts_lab.up(ignore)
    assert not [line for line in told if str(hosts_lab.settings.folder) in line]
    assert server.asserted("cat across") == "before"
