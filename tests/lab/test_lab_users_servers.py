"""A lab on a database, a message queue and a memcached of the user's, which it must leave in order.

The user's servers are real and run beside the lab, under accounts that may do no more than they
have to. What a start refuses is tried on the way to the one that succeeds, because installing
OpenStack is the dear part.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import openstack
import pytest

from kraj.app import main
from kraj.errors import KrajError
from kraj.events import ignore
from kraj.lab import Lab, LabSettings
from kraj.lab.configuration import write_configuration
from kraj.lab.database import DATABASES, create_server_files
from kraj.lab.errors import DATABASE_EXISTS, SETTING_FIXED, STORE_UNUSABLE
from kraj.lab.packages import missing_servers
from kraj.lab.probes import listens
from kraj.lab.services import STORES, Service, all_services
from kraj.lab.settings import Passwords

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_servers()), reason="MariaDB and others are not installed"),
]

WAIT_SECONDS = 60
#: Away from each other, from the standard ports and from those of the other tests' labs.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
SERVERS_OFFSET, LAB_OFFSET = 8_008 + 37 * WORKER, 8_308 + 37 * WORKER
PASSWORD = "pass.Word_1-~"
ENVIRONMENT = {
    "database_url": "KRAJ_LAB_DATABASE_URL",
    "transport_url": "KRAJ_LAB_TRANSPORT_URL",
    "memcached": "KRAJ_LAB_MEMCACHED",
}


@dataclass(frozen=True, slots=True)
class Servers:
    """What the user runs."""

    settings: LabSettings  #: of the folder and ports that they have
    running: dict[str, subprocess.Popen[bytes]]

    @property
    def addresses(self) -> dict[str, str]:
        """Settings of a lab that uses them."""
        ports, queue = self.settings.ports, Passwords.of(self.settings).rabbitmq
        return {
            "database_url": f"mysql://town:{PASSWORD}@127.0.0.1:{ports['mariadb']}/town_",
            "transport_url": f"rabbit://lab:{queue}@127.0.0.1:{ports['rabbitmq']}/town",
            "memcached": f"127.0.0.1:{ports['memcached']}",
        }

    def sql(self, statement: str) -> list[str]:
        """Run a statement as the database's administrator; one line per row."""
        socket = self.settings.socket("mariadb.sock")
        command = ["mariadb", "--no-defaults", f"--socket={socket}", "-uroot", "-N"]
        done = subprocess.run(
            command, input=statement, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.splitlines()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """MariaDB, RabbitMQ and memcached that are nobody's but the user's."""
    settings = LabSettings(tmp_path_factory.mktemp("servers") / "town", port_offset=SERVERS_OFFSET)
    settings.claim()
    write_configuration(settings)
    create_server_files(settings)
    with (settings.etc / "rabbitmq" / "rabbitmq.conf").open("a") as file:
        file.write("default_vhost = town\n")
    found = Servers(settings, {})
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, settings.folder.parent, ignore_errors=True)
        for service in all_services(settings):
            if service.phase == STORES:
                found.running[service.name] = _start(settings, service)
                stack.callback(_stop, found.running[service.name])
        found.sql(
            f"CREATE USER town@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';"
            "GRANT ALL ON `town\\_%`.* TO town@'127.0.0.1';"
        )
        yield found


def _start(settings: LabSettings, service: Service) -> subprocess.Popen[bytes]:
    with (settings.log / f"{service.name}.out").open("wb") as log:
        process = subprocess.Popen(
            shlex.split(service.command),
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **service.environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + WAIT_SECONDS
    while not listens(service.port or 0):
        assert process.poll() is None, f"{service.name} ended with {process.returncode}"
        assert time.monotonic() < deadline, f"{service.name} does not answer"
        time.sleep(0.1)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    # RabbitMQ's shell has children that would outlive it.
    os.killpg(process.pid, 15)
    try:
        process.wait(WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait(WAIT_SECONDS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Path]:
    """Where the lab is made; at the end without a lab, whatever has failed."""
    found = tmp_path_factory.mktemp("users-servers") / "lab"
    yield found
    Lab(LabSettings(found)).destroy(ignore)
    shutil.rmtree(found.parent, ignore_errors=True)


def _databases(servers: Servers) -> list[str]:
    return [name for name in servers.sql("SHOW DATABASES") if name.startswith("town_")]


def test_a_queue_that_refuses_the_password_is_told_at_once(folder: Path, servers: Servers) -> None:
    wrong = servers.addresses["transport_url"].replace("lab:", "lab:not-")
    settings = LabSettings(folder, (), LAB_OFFSET, **{**servers.addresses, "transport_url": wrong})
    with pytest.raises(KrajError) as caught:
        Lab(settings).up(ignore)
    assert caught.value.code is STORE_UNUSABLE
    assert caught.value.message == "your message queue refuses the lab"
    assert "ACCESS_REFUSED" in "\n".join(caught.value.causes)


def test_databases_that_are_there_already_are_not_touched(folder: Path, servers: Servers) -> None:
    servers.sql("CREATE DATABASE town_nova; CREATE TABLE town_nova.letters (id INT)")
    settings = LabSettings(folder, (), LAB_OFFSET, **servers.addresses)
    with pytest.raises(KrajError) as caught:
        Lab(settings).up(ignore)
    assert caught.value.code is DATABASE_EXISTS
    assert caught.value.message == "127.0.0.1 has already: town_nova"
    assert _databases(servers) == ["town_nova"]
    assert servers.sql("SHOW TABLES IN town_nova") == ["letters"]
    servers.sql("DROP DATABASE town_nova")


def test_the_lab_runs_on_servers_that_the_environment_names(
    folder: Path,
    servers: Servers,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for setting, value in servers.addresses.items():
        monkeypatch.setenv(ENVIRONMENT[setting], value)
    with pytest.raises(SystemExit) as left:
        main(("lab", "up", "--state", str(folder), "--port-offset", str(LAB_OFFSET)))
    printed = capfd.readouterr()
    assert left.value.code in (0, None), printed.err
    assert PASSWORD not in printed.out + printed.err
    assert sorted(_databases(servers)) == sorted(f"town_{name}" for name in DATABASES)
    assert not {"mariadb", "rabbitmq", "memcached"} & {
        service.name for service in Lab(LabSettings(folder)).status().services
    }
    assert _create_server(folder).status == "ACTIVE"


def _create_server(folder: Path) -> openstack.compute.v2.server.Server:
    """A server's creation needs database, queue and cache of every service that takes part."""
    config = openstack.config.OpenStackConfig(
        config_files=[str(folder / "clouds.yaml")], load_envvars=False
    )
    with openstack.connection.Connection(config=config.get_one(cloud="lab")) as cloud:
        flavor = cloud.compute.create_flavor(name="town", ram=512, vcpus=1, disk=1)
        network = cloud.network.create_network(name="town")
        cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.98.0.0/24")
        image = cloud.create_image(
            "town",
            filename=str(folder / "images" / "debian-12-genericcloud-amd64.qcow2"),
            disk_format="qcow2",
            container_format="bare",
            wait=True,
            use_import=False,
        )
        server = cloud.compute.create_server(
            name="town", flavor_id=flavor.id, image_id=image.id, networks=[{"uuid": network.id}]
        )
        return cloud.compute.wait_for_server(server, wait=2 * WAIT_SECONDS)


def test_a_lab_with_tables_keeps_to_its_servers(folder: Path) -> None:
    with pytest.raises(KrajError) as caught:
        Lab(LabSettings(folder, memcached="cache.example:11211"))
    assert caught.value.code is SETTING_FIXED


def test_destroy_gives_the_databases_back_and_leaves_the_servers_running(
    folder: Path, servers: Servers
) -> None:
    assert _databases(servers) != []
    Lab(LabSettings(folder)).destroy(ignore)
    assert not folder.exists()
    assert _databases(servers) == []
    assert [name for name, process in servers.running.items() if process.poll() is not None] == []
    assert all(listens(servers.settings.ports[name]) for name in ("mariadb", "rabbitmq"))
