"""Host keys: what consoles show of them, and what is kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kraj.configure.errors import FILES_UNUSABLE, HOST_KEY_CHANGED
from kraj.configure.host_keys import KnownHosts, keys_in
from kraj.errors import KrajError
from kraj.planning.documents import ServerOutput

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAMxBbBumvJjTTlKAjzNMOCjK5ixBRpZLTrOkmySKaPs"
ECDSA = (
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7"
    "opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="
)
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
BEGIN, END = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
SERVER = ServerOutput(
    pool="records",
    name="lib-records-1",
    id="8f1d",
    addresses=("10.64.16.11", "fd00::11"),
    floating_address="198.51.100.7",
)


def console(*keys: str) -> str:
    lines = "\r\n".join((BEGIN, *(f"{key} root@lib-records-1" for key in keys), END))
    return f"[    4.1] systemd[1]: Started.\r\n{lines}\r\nlib-records-1 login: "


def test_the_keys_stand_between_their_marks() -> None:
    assert keys_in(console(ECDSA, ED25519)) == (ECDSA, ED25519)


def test_lines_may_begin_with_who_says_them() -> None:
    text = "\n".join(f"[   9.3] cloud-init[512]: {line}" for line in (BEGIN, f"{ED25519} r", END))
    assert keys_in(text) == (ED25519,)


def test_of_two_boots_the_last_one_counts() -> None:
    assert keys_in(console(ED25519) + console(OTHER)) == (OTHER,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "login: ",
        f"{BEGIN}\n{ED25519}\n",
        f"{ED25519}\n{END}\n",
        console(),
        console("ssh-ed25519 AAAA"),
        console(ECDSA.replace("ecdsa-sha2-nistp256", "ssh-ed25519")),
    ],
    ids=["empty", "login", "no end", "no beginning", "no key", "no whole key", "another kind"],
)
def test_a_console_without_whole_keys_shows_none(text: str) -> None:
    assert keys_in(text) == ()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "region" / "known_hosts"


def kept(path: Path, *keys: str, server: ServerOutput = SERVER) -> KnownHosts:
    known = KnownHosts.load(path)
    known.learn(server, keys)
    known.save({server.name: server})
    return known


def test_what_was_learned_is_known_on_the_next_run_and_to_ssh(path: Path) -> None:
    kept(path, ECDSA, ED25519)
    assert KnownHosts.load(path).knows(SERVER)
    assert path.stat().st_mode & 0o777 == 0o600
    for name in (SERVER.name, "198.51.100.7", "10.64.16.11", "fd00::11"):
        found = subprocess.run(
            ["ssh-keygen", "-F", name, "-f", str(path)], capture_output=True, text=True, check=True
        )
        assert ED25519 in found.stdout
        assert ECDSA in found.stdout


def test_another_id_is_another_server_with_a_key_of_its_own(path: Path) -> None:
    kept(path, ED25519)
    rebuilt = SERVER.model_copy(update={"id": "77aa"})
    assert not KnownHosts.load(path).knows(rebuilt)
    kept(path, OTHER, server=rebuilt)
    text = path.read_text()
    assert OTHER in text
    assert ED25519 not in text
    assert "nova:77aa" in text


def test_another_key_of_the_same_id_is_refused_and_changes_nothing(path: Path) -> None:
    kept(path, ED25519)
    before = path.read_bytes()
    known = KnownHosts.load(path)
    with pytest.raises(KrajError) as caught:
        known.learn(SERVER, (OTHER,))
    assert caught.value.code is HOST_KEY_CHANGED
    assert f"ssh-keygen -f {path} -R {SERVER.name}" in caught.value.hint
    known.save({SERVER.name: SERVER})
    assert path.read_bytes() == before


def test_what_the_hint_says_lets_the_new_key_be_learned(path: Path) -> None:
    kept(path, ED25519)
    subprocess.run(
        ["ssh-keygen", "-f", str(path), "-R", SERVER.name], check=True, capture_output=True
    )
    assert not KnownHosts.load(path).knows(SERVER)
    kept(path, OTHER)
    assert OTHER in path.read_text()


def test_a_server_that_moved_keeps_its_key_under_its_new_address(path: Path) -> None:
    kept(path, ED25519)
    moved = SERVER.model_copy(update={"floating_address": "198.51.100.8"})
    known = KnownHosts.load(path)
    assert known.knows(moved)
    known.save({moved.name: moved})
    assert "198.51.100.8" in path.read_text()
    assert "198.51.100.7" not in path.read_text()


def test_what_another_run_learns_meanwhile_stays(path: Path) -> None:
    first, second = KnownHosts.load(path), KnownHosts.load(path)
    other = SERVER.model_copy(update={"name": "lib-map-1", "id": "9"})
    first.learn(SERVER, (ED25519,))
    first.save({})
    second.learn(other, (OTHER,))
    second.save({})
    known = KnownHosts.load(path)
    assert known.knows(SERVER)
    assert known.knows(other)


def test_lines_of_an_operators_own_stay(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(f"jump.example {OTHER}\n# mine\n")
    kept(path, ED25519)
    kept(path, ED25519)
    assert path.read_text().count(f"jump.example {OTHER}\n# mine\n") == 1
    assert ED25519 in path.read_text()


def test_a_file_that_cannot_be_read_is_told_with_its_path(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(KrajError, match="known_hosts") as caught:
        KnownHosts.load(path)
    assert caught.value.code is FILES_UNUSABLE
