"""How servers are reached; OpenSSH itself reads the options."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from kraj.configure.connections import Access, connection_variables
from kraj.planning.documents import ServerOutput

ACCESS = Access(Path("/state/known_hosts"), Path("/tmp/s"))
INSIDE = ServerOutput(
    pool="records", name="lib-records-1", id="1", addresses=("10.64.16.11", "fd00::11")
)
OUTSIDE = ServerOutput(
    pool="load-balancer",
    name="lib-centre-lb-1",
    id="2",
    addresses=("10.64.2.11",),
    floating_address="198.51.100.7",
)
BASTION = ServerOutput(
    pool="bastion",
    name="lib-centre-bastion-1",
    id="3",
    addresses=("10.64.0.11",),
    floating_address="198.51.100.9",
    availability_zone="site-a",
    login="debian",
)


def options(variables: dict[str, str]) -> dict[str, str]:
    """SSH's options by name, of what Ansible is given."""
    words = shlex.split(variables["ansible_ssh_common_args"])
    assert words[::2] == ["-o"] * (len(words) // 2)
    return dict(word.split("=", 1) for word in words[1::2])


def as_ssh_reads_it(*arguments: str) -> dict[str, str]:
    """What OpenSSH makes of a command line."""
    if shutil.which("ssh") is None:
        pytest.skip("no ssh in PATH")
    done = subprocess.run(
        ["ssh", "-F", "none", "-G", *arguments], capture_output=True, text=True, check=True
    )
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def test_a_server_that_may_still_be_booting_is_tried_for_longer() -> None:
    access = Access(ACCESS.known_hosts, ACCESS.sockets, booting={BASTION.name})
    found = connection_variables([INSIDE, BASTION], [BASTION], access)
    assert found[BASTION.name]["ansible_ssh_retries"] == "8"
    assert "ansible_ssh_retries" not in found[INSIDE.name]


def test_without_a_bastion_servers_are_reached_by_their_address_from_outside() -> None:
    found = connection_variables([INSIDE, OUTSIDE], [OUTSIDE], ACCESS)
    assert found[OUTSIDE.name]["ansible_host"] == "198.51.100.7"
    assert found[INSIDE.name]["ansible_host"] == "10.64.16.11"
    assert all("ProxyCommand" not in options(item) for item in found.values())


def test_with_a_bastion_all_others_are_reached_through_it_by_their_fixed_address() -> None:
    found = connection_variables([INSIDE, OUTSIDE, BASTION], [OUTSIDE, BASTION], ACCESS)
    assert found[INSIDE.name]["ansible_host"] == "10.64.16.11"
    assert found[OUTSIDE.name]["ansible_host"] == "10.64.2.11"
    assert found[BASTION.name]["ansible_host"] == "198.51.100.9"
    assert "ProxyCommand" not in options(found[BASTION.name])
    for server in (INSIDE, OUTSIDE):
        proxy = options(found[server.name])["ProxyCommand"]
        assert shlex.split(proxy)[-3:] == ["-W", "[%h]:%p", "debian@198.51.100.9"]


def test_a_bastion_without_an_address_from_outside_leads_nowhere() -> None:
    inside = BASTION.model_copy(update={"floating_address": None})
    found = connection_variables([INSIDE], [inside], ACCESS)
    assert "ProxyCommand" not in options(found[INSIDE.name])


def test_of_several_bastions_the_one_in_the_servers_zone_is_taken() -> None:
    other = BASTION.model_copy(
        update={
            "name": "lib-centre-bastion-2",
            "floating_address": "198.51.100.10",
            "availability_zone": "site-b",
        }
    )
    there = INSIDE.model_copy(update={"availability_zone": "site-b"})
    nowhere = INSIDE.model_copy(update={"name": "x", "availability_zone": None})
    found = connection_variables([there, nowhere], [other, BASTION], ACCESS)
    assert options(found[there.name])["ProxyCommand"].endswith("debian@198.51.100.10")
    assert options(found["x"])["ProxyCommand"].endswith("debian@198.51.100.9")


@pytest.mark.parametrize("folder", ["/state", "/my state/50%25"])
def test_ssh_takes_only_keys_of_the_regions_file_under_the_servers_name(folder: str) -> None:
    access = Access(Path(folder) / "known_hosts", Path("/tmp/s"), Path(folder) / "key")
    found = connection_variables([INSIDE], [BASTION], access)[INSIDE.name]
    arguments = shlex.split(found["ansible_ssh_common_args"])
    read = as_ssh_reads_it(*arguments, "debian@10.64.16.11")
    assert read["userknownhostsfile"].strip('"').replace("%%", "%") == f"{folder}/known_hosts"
    assert read["globalknownhostsfile"] == "/dev/null"
    assert read["stricthostkeychecking"] in ("true", "yes")
    assert read["hostkeyalias"] == INSIDE.name
    assert read["identityfile"].replace("%%", "%") == f"{folder}/key"


@pytest.mark.parametrize("folder", ["/state", "/my state/50%25"])
def test_the_bastion_is_asked_for_its_own_key_with_the_same_file_and_identity(folder: str) -> None:
    access = Access(Path(folder) / "known_hosts", Path("/tmp/s"), Path(folder) / "key")
    found = connection_variables([INSIDE], [BASTION], access)[INSIDE.name]
    # The outer SSH fills in its variables before its shell runs the inner one.
    values = {"%%": "%", "%h": "10.64.16.11", "%p": "22"}
    filled_in = re.sub("%.", lambda variable: values[variable[0]], options(found)["ProxyCommand"])
    command = shlex.split(filled_in)
    assert command.pop(0) == "ssh"
    read = as_ssh_reads_it(*command)
    assert read["hostkeyalias"] == BASTION.name
    assert read["hostname"] == "198.51.100.9"
    assert read["user"] == "debian"
    assert read["stricthostkeychecking"] in ("true", "yes")
    assert read["identityfile"].replace("%%", "%") == f"{folder}/key"
    assert read["controlmaster"] == "auto"
    assert read["controlpath"].startswith("/tmp/s/")
    assert f"{folder}/known_hosts" in read["userknownhostsfile"].replace("%%", "%")
