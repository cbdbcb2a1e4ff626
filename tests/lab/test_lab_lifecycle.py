"""A lab of its own through crashes: on other ports, in a folder that is deleted at the end."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openstack
import psutil
import pytest

from kraj.errors import KrajError
from kraj.events import ignore
from kraj.lab import Lab, LabSettings
from kraj.lab.errors import PORT_TAKEN, SERVICE_FAILED
from kraj.lab.packages import missing_servers
from kraj.lab.probes import is_free

pytestmark = [
    pytest.mark.lab,
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(missing_servers()) and os.geteuid() != 0, reason="may not install MariaDB and others"
    ),
]

WAIT_SECONDS = 120
#: Worker processes of pytest each have a lab of their own, so each has ports of its own. All are
#: below those that the system gives to outgoing connections (32768 and up).
OFFSET = 12500 + 37 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
STARTER = """
import sys
from pathlib import Path
from kraj.lab import Lab, LabSettings
lab = Lab(LabSettings(Path(sys.argv[1]), port_offset=int(sys.argv[2])))
lab.up(lambda event: print(event.message, flush=True))
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab. Its first start is killed in the middle, so that every run proves resuming."""
    folder = tmp_path_factory.mktemp("lifecycle") / "lab"
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder.parent, ignore_errors=True)
        stack.callback(lambda: Lab(LabSettings(folder, port_offset=OFFSET)).destroy(ignore))
        _kill_first_start(folder)
        lab = Lab(LabSettings(folder, port_offset=OFFSET))
        lab.up(ignore)
        yield lab


def _kill_first_start(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, str(folder), str(OFFSET)], stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        for line in starter.stdout:
            if line.startswith("creating tables: "):
                break
        # Installers and migrations that it had begun go on without it.
        starter.kill()
    assert line.startswith("creating tables: "), f"the first start ended at {line!r}"


@pytest.fixture
def cloud(lab: Lab) -> Iterator[Any]:
    config = openstack.config.OpenStackConfig(
        config_files=[str(lab.settings.clouds_file)], load_envvars=False
    )
    with openstack.connection.Connection(config=config.get_one(cloud="lab")) as connection:
        yield connection


def test_a_killed_start_is_finished_by_the_next(lab: Lab, cloud: Any) -> None:
    assert lab.status().running
    assert {service.host for service in cloud.compute.services(binary="nova-compute")} == {
        "compute1",
        "compute2",
        "compute3",
    }
    assert len(list(cloud.compute.hypervisors())) == 3
    assert [network.name for network in cloud.network.networks()] == ["public"]


def test_a_second_up_starts_nothing_again(lab: Lab) -> None:
    before = _processes(lab)
    lab.up(ignore)
    assert _processes(lab) == before


def test_keystone_judges_requests_at_the_same_time_by_their_own_tokens(cloud: Any) -> None:
    """Left as it is, it looks at the roles of somebody else for most of these credentials."""
    project = cloud.identity.create_project(name="apart", domain_id="default")
    reader, member = (_user(cloud, project, role) for role in ("reader", "member"))
    ended = threading.Event()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        others = [pool.submit(_keep_asking, reader, ended) for _ in range(3)]
        try:
            for number in range(10):
                member.identity.create_application_credential(
                    member.current_user_id, name=f"c{number}", roles=[{"name": "member"}]
                )
        finally:
            ended.set()
    assert all(other.result() for other in others)
    for user in (reader, member):
        cloud.identity.delete_user(user.current_user_id)
    cloud.identity.delete_project(project)


def _user(cloud: Any, project: Any, role: str) -> Any:
    """A connection as a new user who has the role in the project."""
    password = secrets.token_hex(8)
    user = cloud.identity.create_user(name=f"apart-{role}", password=password, domain_id="default")
    cloud.identity.assign_project_role_to_user(project, user, cloud.identity.find_role(role))
    return cloud.connect_as(
        user_id=user.id, username=None, password=password, project_id=project.id, project_name=None
    )


def _keep_asking(user: Any, ended: threading.Event) -> int:
    """Ask for one's own credentials until the end; returns how often."""
    asked = 0
    while not ended.is_set():
        assert not list(user.identity.application_credentials(user.current_user_id))
        asked += 1
    return asked


def test_everything_listens_on_loopback_only(lab: Lab) -> None:
    ours = {process.pid for process in _processes(lab)}
    addresses = {
        connection.laddr.ip
        for connection in psutil.net_connections("tcp")
        if connection.pid in ours and connection.status == psutil.CONN_LISTEN
    }
    assert addresses <= {"127.0.0.1", "::1"}


def test_files_with_passwords_are_for_their_owner_alone(lab: Lab) -> None:
    folder = lab.settings.folder
    assert folder.stat().st_mode & 0o077 == 0
    files = [*folder.glob("*.*"), *folder.glob("etc/**/*.conf")]
    assert len(files) > 12
    assert [path.name for path in files if path.stat().st_mode & 0o077] == []


def test_a_killed_service_is_told_by_status_and_mended_by_up(lab: Lab) -> None:
    _listener(lab, "glance").kill()
    states = {service.name: service.state for service in lab.status().services}
    assert states.pop("glance-api") != "RUNNING"
    assert set(states.values()) == {"RUNNING"}
    lab.up(ignore)
    assert lab.status().running


def test_a_failed_start_names_the_service_and_shows_its_last_lines(lab: Lab) -> None:
    paste = lab.settings.venv / "etc" / "glance" / "glance-api-paste.ini"
    hidden = paste.with_suffix(".hidden")
    paste.rename(hidden)
    _listener(lab, "glance").kill()
    try:
        with pytest.raises(KrajError) as caught:
            lab.up(ignore)
    finally:
        hidden.rename(paste)
        lab.up(ignore)
    assert caught.value.code is SERVICE_FAILED
    assert caught.value.message.startswith("glance-api ")
    assert "Unable to locate paste config file for glance-api" in "\n".join(caught.value.causes)
    assert "kraj lab logs glance-api" in caught.value.hint
    assert lab.status().running


def test_a_taken_port_is_told_with_its_holder(lab: Lab, tmp_path: Path) -> None:
    other = Lab(LabSettings(tmp_path / "other", port_offset=OFFSET))
    with pytest.raises(KrajError) as caught:
        other.up(ignore)
    assert caught.value.code is PORT_TAKEN
    assert caught.value.details["ports"] == lab.settings.used_ports
    holder = _listener(lab, "keystone")
    port = lab.settings.ports["keystone"]
    wanted = f"port {port} for keystone is held by {holder.name()} (process {holder.pid})"
    assert wanted in caught.value.message
    other.destroy(ignore)
    assert not other.settings.folder.exists()


def test_servers_outlive_a_crash_of_the_supervisor(lab: Lab, cloud: Any) -> None:
    flavor = cloud.compute.create_flavor(name="crash", ram=512, vcpus=1, disk=1)
    network = cloud.network.create_network(name="crash")
    cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.98.0.0/24")
    image = cloud.create_image(
        "crash",
        filename=str(lab.settings.images / "debian-12-genericcloud-amd64.qcow2"),
        disk_format="qcow2",
        container_format="bare",
        wait=True,
        use_import=False,
    )
    server = cloud.compute.create_server(
        name="crash",
        flavor_id=flavor.id,
        image_id=image.id,
        networks=[{"uuid": network.id}],
    )
    cloud.compute.wait_for_server(server, wait=WAIT_SECONDS)
    supervisor = _supervisor(lab)
    orphans = supervisor.children(recursive=True)
    supervisor.kill()
    supervisor.wait(10)
    assert {service.state for service in lab.status().services} == {"STOPPED"}

    before = datetime.now(UTC)
    lab.up(ignore)

    assert lab.status().running
    # OpenStack takes the killed ones for alive still: `up` must have waited for the new ones.
    assert [name for name, time in _last_reports(cloud).items() if time < before] == []
    assert [process for process in orphans if _lives(process)] == []
    cloud.compute.stop_server(server)
    cloud.compute.wait_for_server(server, status="SHUTOFF", wait=WAIT_SECONDS)
    cloud.compute.start_server(server)
    cloud.compute.wait_for_server(server, wait=WAIT_SECONDS)


def test_destroy_leaves_no_process_and_no_file(lab: Lab) -> None:
    processes = _processes(lab)
    assert len(processes) > 20
    started = time.monotonic()
    lab.down(ignore)
    assert time.monotonic() - started < 30
    assert [process for process in processes if _lives(process)] == []
    lab.destroy(ignore)
    assert list(lab.settings.folder.parent.iterdir()) == []
    assert all(is_free(port) for port in lab.settings.used_ports.values())
    assert not lab.status().exists


def _last_reports(cloud: Any) -> dict[str, datetime]:
    """When each service that has no address told last that it lives."""
    services = (*cloud.compute.services(), *cloud.block_storage.services())
    found = {
        f"{service.binary} on {service.host}": datetime.fromisoformat(service.updated_at)
        for service in services
    }
    assert len(found) == 7
    return {name: time.replace(tzinfo=UTC) for name, time in found.items()}


def _supervisor(lab: Lab) -> psutil.Process:
    return psutil.Process(int((lab.settings.run / "supervisord.pid").read_text()))


def _processes(lab: Lab) -> set[psutil.Process]:
    """All of the lab's lasting processes; RabbitMQ's shell helpers come and go."""
    supervisor = _supervisor(lab)
    found = {supervisor, *supervisor.children(recursive=True)}
    return {process for process in found if process.name() not in ("sh", "inet_gethost")}


def _listener(lab: Lab, name: str) -> psutil.Process:
    port = lab.settings.ports[name]
    (process,) = {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.laddr.port == port and connection.status == psutil.CONN_LISTEN
    }
    return psutil.Process(process)


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
