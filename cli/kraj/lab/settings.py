"""What a lab is made of: its folder, ports and optional services. Kept in `<folder>/lab.json`."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from base64 import b64encode
from dataclasses import asdict, dataclass, field
from pathlib import Path

from kraj.errors import KrajError
from kraj.files import write_atomically
from kraj.lab.errors import UNKNOWN_SERVICE

OPTIONAL_SERVICES = ("designate", "swift")
COMPUTE_HOSTS = 3

#: Availability zone → compute hosts in it; two failure domains, as the example region has.
AVAILABILITY_ZONES = {"site-a": ("compute1", "compute3"), "site-b": ("compute2",)}

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
    "rabbitmq-distribution": 25673,
    "epmd": 4370,
    "memcached": 11311,
}

#: Ports of the optional services.
OPTIONAL_PORTS = {
    "designate": ("designate", "mdns"),
    "swift": ("swift", "swift-account", "swift-container", "swift-object"),
}

#: sun_path of unix(7) holds 108 bytes; supervisor adds a suffix of its own while it binds.
SOCKET_PATH_LIMIT = 90


@dataclass(frozen=True, slots=True)
class LabSettings:
    """Where a lab lives and what it runs.

    `port_offset` is added to every port of `STANDARD_PORTS`.
    """

    folder: Path
    with_services: tuple[str, ...] = ()
    port_offset: int = 0

    def __post_init__(self) -> None:
        unknown = [name for name in self.with_services if name not in OPTIONAL_SERVICES]
        if unknown:
            raise KrajError(
                UNKNOWN_SERVICE,
                f"no optional service {unknown[0]!r}",
                hint=f"Choose of: {', '.join(OPTIONAL_SERVICES)}.",
            )

    @property
    def ports(self) -> dict[str, int]:
        return {name: port + self.port_offset for name, port in STANDARD_PORTS.items()}

    @property
    def used_ports(self) -> dict[str, int]:
        """Those of the services that this lab runs."""
        unused = {
            port
            for service, ports in OPTIONAL_PORTS.items()
            if service not in self.with_services
            for port in ports
        }
        return {name: port for name, port in self.ports.items() if name not in unused}

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
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def run(self) -> Path:
        return self.folder / "run"

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
        write_atomically(self.folder / "lab.json", json.dumps(values, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> LabSettings | None:
        """The settings of an existing lab; None where the folder holds none."""
        path = folder / "lab.json"
        if not path.is_file():
            return None
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            folder=folder,
            with_services=tuple(values["with_services"]),
            port_offset=values["port_offset"],
        )


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
