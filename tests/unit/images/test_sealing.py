"""A sealed tree holds nothing of the machine that it was built on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kraj.images.listing import digest_of_listing, listing
from kraj.images.sealing import leftovers, seal

EPOCH = 1_700_000_000
SECRET = (
    "etc/ssh/ssh_host_ed25519_key",
    "etc/ssh/ssh_host_rsa_key.pub",
    "var/lib/systemd/random-seed",
    "var/log/journal/0123/system.journal",
    "var/log/apt/history.log",
    "var/lib/cloud/instances/i-1/user-data.txt",
    "root/.ssh/authorized_keys",
    "root/.cache/pip/http/a",
    "tmp/.hidden",
    "etc/resolv.conf",
    "etc/hostname",
    "kraj-build/key",
    "var/lib/apt/lists/mirror.example_dists_bookworm_InRelease",
)
KEPT = ("etc/ssh/sshd_config", "etc/hosts", "usr/bin/python3", "var/lib/dpkg/status")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (*SECRET, *KEPT, "etc/machine-id"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_what_belongs_to_one_machine_is_taken_out(tree: Path) -> None:
    assert set(leftovers(tree)) > {"etc/ssh/ssh_host_ed25519_key", "etc/machine-id"}
    seal(tree, EPOCH)
    assert [name for name in SECRET if (tree / name).exists()] == []
    assert [name for name in KEPT if not (tree / name).is_file()] == []
    assert (tree / "etc/machine-id").read_text() == ""
    assert leftovers(tree) == []


def test_folders_of_logs_stay_for_their_services(tree: Path) -> None:
    seal(tree, EPOCH)
    assert (tree / "var/log/apt").is_dir()


def test_nothing_is_younger_than_the_archive_and_older_times_stay(tree: Path) -> None:
    os.utime(tree / "etc/hosts", (1_600_000_000, 1_600_000_000))
    (tree / "etc/link").symlink_to("hosts")
    seal(tree, EPOCH)
    times = {path: int(path.lstat().st_mtime) for path in (tree, *tree.rglob("*"))}
    assert max(times.values()) == EPOCH
    assert times[tree / "etc/hosts"] == 1_600_000_000


def test_sealing_again_changes_nothing(tree: Path) -> None:
    seal(tree, EPOCH)
    before = digest_of_listing(listing(tree))
    seal(tree, EPOCH)
    assert digest_of_listing(listing(tree)) == before


@pytest.mark.parametrize("change", ["content", "mode", "time", "link"])
def test_the_lists_digest_sees_every_change(tree: Path, change: str) -> None:
    (tree / "etc/link").symlink_to("hosts")
    seal(tree, EPOCH)
    before = digest_of_listing(listing(tree))
    path = tree / "etc/hosts"
    if change == "content":
        path.write_text("etc/hostz")
        os.utime(path, (EPOCH, EPOCH))
    elif change == "mode":
        path.chmod(0o4755)
    elif change == "time":
        os.utime(path, (EPOCH - 1, EPOCH - 1))
    else:
        (tree / "etc/link").unlink()
        (tree / "etc/link").symlink_to("hostname")
        os.utime(tree / "etc/link", (EPOCH, EPOCH), follow_symlinks=False)
    os.utime(tree / "etc", (EPOCH, EPOCH))
    assert digest_of_listing(listing(tree)) != before
