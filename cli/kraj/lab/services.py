"""The processes of a lab, as data: name, command, environment, port, and the phase of its start."""

from __future__ import annotations

import getpass
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kraj.lab.servers import AGENT
from kraj.lab.settings import COMPUTE_HOSTS, LabSettings

RABBITMQ = "/usr/lib/rabbitmq/bin/rabbitmq-server"
MARIADB = "/usr/sbin/mariadbd"
MEMCACHED = "/usr/bin/memcached"

#: Phases of the start: each waits until those before it answer.
STORES, IDENTITY, APIS, WORKERS = range(4)


@dataclass(frozen=True, slots=True)
class Service:
    """One supervised process."""

    name: str
    command: str
    phase: int
    port: int | None = None
    http: bool = False  #: whether readiness is an HTTP answer rather than an open port
    environment: dict[str, str] = field(default_factory=dict)
    stop_seconds: int = 4


def all_services(settings: LabSettings) -> tuple[Service, ...]:
    """Every process of this lab, in the order of their start."""
    return (
        *_stores(settings),
        *(_libvirt(settings) if settings.virtual else ()),
        *_apis(settings),
        *_nova(settings),
        *_cinder(settings),
        *(_network_agent(settings) if settings.boots else ()),
        *(_designate(settings) if "designate" in settings.with_services else ()),
        *(_swift(settings) if "swift" in settings.with_services else ()),
    )


def _command(*words: str | Path) -> str:
    return shlex.join(str(word) for word in words)


def _stores(settings: LabSettings) -> Iterator[Service]:
    if not settings.database_url:
        yield _mariadb(settings)
    if not settings.transport_url:
        yield from _rabbitmq(settings)
    if not settings.memcached:
        yield _memcached(settings)


def _mariadb(settings: LabSettings) -> Service:
    data = settings.data / "mariadb"
    port = settings.ports["mariadb"]
    return Service(
        "mariadb",
        _command(
            MARIADB,
            "--no-defaults",
            f"--user={getpass.getuser()}",
            f"--datadir={data}",
            f"--socket={settings.socket('mariadb.sock')}",
            f"--pid-file={settings.run / 'mariadb.pid'}",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            "--skip-log-bin",
            "--skip-name-resolve",
            "--performance-schema=0",
            "--max-connections=600",
            # A lab trades safety of its data for speed: no flush at every commit, no second copy.
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=0",
            # A lab's tables are small, and none are of Aria or MyISAM but MariaDB's own.
            "--innodb-buffer-pool-size=48M",
            "--innodb-log-buffer-size=2M",
            "--aria-pagecache-buffer-size=8M",
            "--key-buffer-size=128K",
            "--innodb-log-file-size=64M",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_general_ci",
            "--transaction-isolation=READ-COMMITTED",
        ),
        STORES,
        port,
        environment={"MALLOC_ARENA_MAX": "2"},
        stop_seconds=20,
    )


def _rabbitmq(settings: LabSettings) -> Iterator[Service]:
    ports = settings.ports
    epmd = {"ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(ports["epmd"])}
    home = settings.data / "rabbitmq"
    yield Service(
        "epmd",
        _command("/usr/bin/epmd", "-address", "127.0.0.1", "-port", str(ports["epmd"])),
        STORES,
        ports["epmd"],
        environment={**epmd, "HOME": str(home)},
    )
    yield Service(
        "rabbitmq",
        RABBITMQ,
        STORES,
        ports["rabbitmq"],
        environment={
            **epmd,
            "HOME": str(home),
            "RABBITMQ_NODENAME": "lab@localhost",
            "RABBITMQ_CONFIG_FILE": str(settings.etc / "rabbitmq" / "rabbitmq.conf"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(settings.log),
            "RABBITMQ_PID_FILE": str(settings.run / "rabbitmq.pid"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_DIST_PORT": str(ports["rabbitmq-distribution"]),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            # One scheduler that never spins: the queue shares two processors with OpenStack.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} "
                "+sbwt none +sbwtdcpu none +sbwtdio none +S 1:1"
            ),
        },
        stop_seconds=15,
    )


def _memcached(settings: LabSettings) -> Service:
    port = settings.ports["memcached"]
    return Service(
        "memcached",
        _command(
            MEMCACHED, "-u", getpass.getuser(), "-l", "127.0.0.1", "-p", str(port),
            "-m", "32", "-t", "1", "-U", "0",
        ),
        STORES,
        port,
    )  # fmt: skip


def _libvirt(settings: LabSettings) -> Iterator[Service]:
    yield Service(
        "libvirt",
        _command(settings.venv / "bin" / "python", "-m", "kraj_lab_drivers.machines.daemon"),
        STORES,
        environment=_openstack_environment(settings),
    )


def _openstack_environment(settings: LabSettings) -> dict[str, str]:
    hosts = {
        "KRAJ_LAB_HOSTS": str(settings.hosts),
        "KRAJ_LAB_FABRIC": settings.fabric,
        "KRAJ_LAB_CALLS": str(settings.socket("network.sock")),
        "KRAJ_LAB_LIBVIRT": str(settings.socket("libvirt-sock")),
    }
    return {
        **(hosts if settings.boots else {}),
        "KRAJ_LAB_CONFIG": str(settings.etc),
        "PATH": f"{settings.venv / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONWARNINGS": "ignore",
        # Two arenas instead of eight per processor: a third less memory in processes of threads.
        "MALLOC_ARENA_MAX": "2",
        "OS_NOVA_DISABLE_EVENTLET_PATCHING": "true",
    }


def _launch(settings: LabSettings, *words: str | Path) -> str:
    return _command(settings.venv / "bin" / "python", "-m", "kraj_lab_drivers.launch", *words)


def _api(settings: LabSettings, name: str, phase: int = APIS, threads: int = 6) -> Service:
    environment = _openstack_environment(settings)
    if name == "barbican":
        # Its plugins read the default configuration only: ~/.barbican/barbican.conf.
        environment["HOME"] = str(settings.data / "barbican")
    port = settings.ports[name]
    return Service(
        f"{name}-api",
        _launch(settings, f"api:{name}:{port}:{threads}"),
        phase,
        port,
        http=True,
        environment=environment,
    )


def _apis(settings: LabSettings) -> Iterator[Service]:
    yield _api(settings, "keystone", IDENTITY, threads=8)
    for name in ("glance", "placement", "nova", "neutron", "cinder", "octavia", "barbican"):
        yield _api(settings, name)
    if "designate" in settings.with_services:
        yield _api(settings, "designate")


def _worker(
    settings: LabSettings,
    name: str,
    *arguments: str | Path,
    port: int | None = None,
    phase: int = WORKERS,
) -> Service:
    return Service(
        name,
        _launch(settings, name, *arguments),
        phase,
        port,
        environment=_openstack_environment(settings),
    )


def _nova(settings: LabSettings) -> Iterator[Service]:
    # The conductor comes first: a compute host whose call it does not hear yet waits for 10 s.
    for name, phase in (("nova-conductor", APIS), ("nova-scheduler", WORKERS)):
        yield _worker(
            settings, name,
            "--config-file", settings.etc / "nova" / "nova.conf",
            "--log-file", settings.log / f"{name}.log",
            phase=phase,
        )  # fmt: skip
    for number in range(1, COMPUTE_HOSTS + 1):
        host = f"compute{number}"
        yield Service(
            f"nova-{host}",
            _launch(
                settings, "nova-compute",
                "--config-file", settings.etc / "nova" / "nova-compute.conf",
                "--config-file", settings.etc / "nova" / f"{host}.conf",
            ),
            WORKERS,
            environment=_openstack_environment(settings),
        )  # fmt: skip


def _cinder(settings: LabSettings) -> Iterator[Service]:
    for name in ("cinder-scheduler", "cinder-volume"):
        yield _worker(
            settings, name,
            "--config-file", settings.etc / "cinder" / "cinder.conf",
            "--log-file", settings.log / f"{name}.log",
        )  # fmt: skip


def _network_agent(settings: LabSettings) -> Iterator[Service]:
    environment = _openstack_environment(settings)
    environment["OS_CLIENT_CONFIG_FILE"] = str(settings.clouds_file)
    python = settings.venv / "bin" / "python"
    yield Service(
        "network-agent",
        _command(python, "-m", AGENT),
        WORKERS,
        environment=environment,
    )


def _designate(settings: LabSettings) -> Iterator[Service]:
    for part in ("central", "mdns", "worker", "producer"):
        name = f"designate-{part}"
        yield _worker(
            settings, name,
            "--config-file", settings.etc / "designate" / "designate.conf",
            "--log-file", settings.log / f"{name}.log",
            port=settings.ports["mdns"] if part == "mdns" else None,
        )  # fmt: skip


def _swift(settings: LabSettings) -> Iterator[Service]:
    environment = {**_openstack_environment(settings), "SWIFT_DIR": str(settings.etc / "swift")}
    for kind in ("account", "container", "object", "proxy"):
        port = settings.ports["swift" if kind == "proxy" else f"swift-{kind}"]
        yield Service(
            f"swift-{kind}",
            _launch(
                settings, f"swift-{kind}-server", settings.etc / "swift" / f"{kind}-server.conf"
            ),
            WORKERS,
            port,
            environment=environment,
        )
