"""What a lab is made of: its folder, ports and optional services. Kept in `<folder>/lab.json`."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from base64 import b64encode
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kraj.errors import KrajError
from kraj.files import write_atomically
from kraj.lab.addresses import (
    DatabaseServer,
    parse_database_url,
    parse_host_and_port,
    parse_transport_url,
)
from kraj.lab.errors import BAD_SETTING, FOREIGN_FOLDER, SETTING_FIXED, UNKNOWN_SERVICE
from kraj.lab.folders import told_plainly

OPTIONAL_SERVICES = ("designate", "swift")
#: How real a server is: `api` (it is ACTIVE, nothing boots), `hosts` (systemd in a container) or
#: `vm` (a virtual machine with a kernel of its own, by Nova's libvirt driver).
DEPTHS = ("api", "hosts", "vm")
COMPUTE_HOSTS = 3

#: Availability zone → compute hosts in it; two failure domains, as the example region has.
AVAILABILITY_ZONES = {"site-a": ("compute1", "compute3"), "site-b": ("compute2",)}

#: Addresses of the external network, from those for examples (RFC 5737, RFC 3849): they lead
#: nowhere, or to the servers where those boot.
EXTERNAL_IPV4 = "198.51.100.0/24"
EXTERNAL_IPV6 = "2001:db8:100::/64"

#: Ports that OpenStack's own guides use; those of database, queue and cache avoid the usual ones.
STANDARD_PORTS = {
    "keystone": 5000,
    "glance": 9292,
    "placement": 8778,
    "nova": 8774,
    "neutron": 9696,
    "cinder": 8776,
    "octavia": 9876,
    "barbican": 9311,
    "designate": 9001,
    "mdns": 5354,
    "swift": 8080,
    "swift-account": 6202,
    "swift-container": 6201,
    "swift-object": 6200,
    "mariadb": 3307,
    "rabbitmq": 5673,
    "rabbitmq-distribution": 5674,
    "epmd": 4370,
    "memcached": 11311,
}

#: The largest that keeps every port below 65,536.
LARGEST_OFFSET = 65535 - max(STANDARD_PORTS.values())

#: Ports of the optional services.
OPTIONAL_PORTS = {
    "designate": ("designate", "mdns"),
    "swift": ("swift", "swift-account", "swift-container", "swift-object"),
}

#: Ports of what a user's own server may stand for: the setting that names it.
STORE_PORTS = {
    "database_url": ("mariadb",),
    "transport_url": ("rabbitmq", "rabbitmq-distribution", "epmd"),
    "memcached": ("memcached",),
}

#: Settings that are built into a lab's tables and endpoints.
FIXED = ("depth", "port_offset", "database_url", "transport_url", "memcached")

#: sun_path of unix(7) holds 108 bytes; supervisor adds a suffix of its own while it binds.
SOCKET_PATH_LIMIT = 90


@dataclass(frozen=True, slots=True)
class LabSettings:
    """Where a lab lives and what it runs.

    `port_offset` is added to every port of `STANDARD_PORTS`. The lab starts a database, a message
    queue and a cache of its own unless the user names theirs:

    - `database_url`: `mysql+pymysql://user:password@host:3306/prefix_`; that user may create
      databases, whose names begin with the prefix (`kraj_lab_` where none is given);
    - `transport_url`: `rabbit://user:password@host:5672/vhost`, a virtual host that nothing else
      uses;
    - `memcached`: `host:11211`.

    Raises KRJ506 for an unknown service and KRJ510 for a value that cannot be used.
    """

    folder: Path
    with_services: tuple[str, ...] = ()
    port_offset: int = 0
    database_url: str = field(default="", repr=False)
    transport_url: str = field(default="", repr=False)
    memcached: str = ""
    depth: str = ""  #: one of `DEPTHS`; empty for that of the existing lab, or `api`

    def __post_init__(self) -> None:
        unknown = [name for name in self.with_services if name not in OPTIONAL_SERVICES]
        if unknown:
            raise KrajError(
                UNKNOWN_SERVICE,
                f"no optional service {unknown[0]!r}",
                hint=f"Choose of: {', '.join(OPTIONAL_SERVICES)}.",
            )
        if self.depth and self.depth not in DEPTHS:
            raise KrajError(
                BAD_SETTING,
                f"no depth {self.depth!r}",
                hint=f"Choose of: {', '.join(DEPTHS)}.",
            )
        if not 0 <= self.port_offset <= LARGEST_OFFSET:
            raise KrajError(
                BAD_SETTING, f"port offset {self.port_offset} is not in 0 to {LARGEST_OFFSET}"
            )
        if self.database_url:
            parse_database_url(self.database_url)
        if self.transport_url:
            parse_transport_url(self.transport_url)
        if self.memcached:
            parse_host_and_port(self.memcached)

    @property
    def ports(self) -> dict[str, int]:
        return {name: port + self.port_offset for name, port in STANDARD_PORTS.items()}

    @property
    def used_ports(self) -> dict[str, int]:
        """Those that this lab's own processes listen on."""
        unused = {
            port
            for service, ports in OPTIONAL_PORTS.items()
            if service not in self.with_services
            for port in ports
        }
        unused |= {
            port
            for setting, ports in STORE_PORTS.items()
            if getattr(self, setting)
            for port in ports
        }
        return {name: port for name, port in self.ports.items() if name not in unused}

    @property
    def database(self) -> DatabaseServer:
        """Where the services find their tables."""
        if self.database_url:
            return parse_database_url(self.database_url)
        password = Passwords.of(self).database
        return DatabaseServer("127.0.0.1", self.ports["mariadb"], "lab", password)

    @property
    def queue_url(self) -> str:
        """Where the services find their message queue."""
        password = Passwords.of(self).rabbitmq
        own = f"rabbit://lab:{password}@127.0.0.1:{self.ports['rabbitmq']}/"
        return self.transport_url or own

    @property
    def cache(self) -> str:
        """Host and port of memcached."""
        return self.memcached or f"127.0.0.1:{self.ports['memcached']}"

    @property
    def venv(self) -> Path:
        return self.folder / "venv"

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def tables(self) -> Path:
        """Notes of whose tables are made; exists from before the first one."""
        return self.data / "tables"

    @property
    def has_tables(self) -> bool:
        return self.tables.is_dir()

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def boots(self) -> bool:
        """Whether servers boot."""
        return self.depth in ("hosts", "vm")

    @property
    def virtual(self) -> bool:
        """Whether servers are virtual machines."""
        return self.depth == "vm"

    @property
    def hosts(self) -> Path:
        """Disks, containers or virtual machines, and consoles of servers that boot."""
        return self.data / "hosts"

    @property
    def fabric(self) -> str:
        """What the lab's network namespaces are called: another name in another folder."""
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]
        return f"kraj-{digest}"

    @property
    def images(self) -> Path:
        return self.folder / "images"

    @property
    def clouds_file(self) -> Path:
        return self.folder / "clouds.yaml"

    @property
    def keystone_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['keystone']}/v3"

    def socket(self, name: str) -> Path:
        """A unix socket's path: in the lab's folder where it fits, else in the system's own."""
        inside = self.run / name
        if len(str(inside).encode()) <= SOCKET_PATH_LIMIT:
            return inside
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"kraj-{digest}-{name}"

    def save(self) -> None:
        """Remember the settings, so that later commands need no options."""
        values = {key: value for key, value in asdict(self).items() if key != "folder"}
        # 0600, because addresses of the user's servers hold passwords.
        write_atomically(self.folder / "lab.json", json.dumps(values, indent=2) + "\n", mode=0o600)

    @classmethod
    def load(cls, folder: Path) -> LabSettings | None:
        """The settings of an existing lab; None where the folder holds none.

        Raises KRJ509 where it is another user's, KRJ510 where its file is spoilt.
        """
        path = folder / "lab.json"
        with told_plainly(folder):
            if not path.is_file():
                return None
            text = path.read_text(encoding="utf-8")
        try:
            values: dict[str, Any] = json.loads(text)
            values["with_services"] = tuple(values["with_services"])
            return cls(folder=folder, **values)
        except (ValueError, TypeError, KeyError) as error:
            raise KrajError(BAD_SETTING, f"{path} is not a lab's: {error}") from error

    def joined(self, saved: LabSettings | None) -> LabSettings:
        """These settings, completed by those of the existing lab.

        Raises KRJ512 where one differs that is built into the lab's tables. Before there are any,
        a start that failed (a port is taken, a password is wrong) can be tried with another.
        """
        if saved is None:
            return self
        kept: dict[str, Any] = {}
        for name in FIXED:
            given, present = getattr(self, name), getattr(saved, name)
            # A lab of which no depth was said has the first.
            built = (present or DEPTHS[0]) if name == "depth" else present
            if given and given != built and saved.has_tables:
                raise KrajError(
                    SETTING_FIXED,
                    f"the lab in {self.folder} has another {name.replace('_', ' ')}",
                )
            kept[name] = given or present
        services = tuple(sorted({*self.with_services, *saved.with_services}))
        return replace(self, with_services=services, **kept)

    def claim(self) -> None:
        """Make the folder the lab's own. Raises KRJ511 where it holds somebody else's files."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / "lab.json").exists() and any(self.folder.iterdir()):
            raise KrajError(FOREIGN_FOLDER, f"{self.folder} is not empty and holds no lab")
        self.folder.chmod(0o700)
        self.save()


@dataclass(frozen=True, slots=True)
class Passwords:
    """The lab's secrets: random, made once, in a file that only its owner reads; never printed."""

    admin: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    service: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    database: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    rabbitmq: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    metadata: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    swift_hash: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    key_encryption_key: str = field(
        default_factory=lambda: b64encode(os.urandom(32)).decode(), repr=False
    )

    @classmethod
    def of(cls, settings: LabSettings) -> Passwords:
        """Those of the lab; made at the first call."""
        path = settings.folder / "passwords.json"
        if path.is_file():
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        made = cls()
        write_atomically(path, json.dumps(asdict(made)) + "\n", mode=0o600)
        return made
