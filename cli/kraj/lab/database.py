"""Prepares the lab's database: server files, accounts, and every service's tables, side by side."""

from __future__ import annotations

import concurrent.futures
import functools
import getpass
import grp
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kraj.errors import KrajError
from kraj.lab import packages
from kraj.lab.errors import DATABASE_EXISTS
from kraj.lab.programs import run_logged
from kraj.lab.settings import LabSettings, Passwords

DATABASES = (
    "keystone", "glance", "placement", "nova_api", "nova", "nova_cell0", "neutron", "cinder",
    "octavia", "designate", "barbican",
)  # fmt: skip


def create_server_files(settings: LabSettings) -> None:
    """Make MariaDB's data folder once, by way of a name that only a whole one gets."""
    folder = settings.data / "mariadb"
    if folder.is_dir():
        return
    unfinished = settings.data / "mariadb.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    run_logged(
        settings,
        "mariadb-install",
        [
            "/usr/bin/mariadb-install-db", "--no-defaults", f"--datadir={unfinished}",
            "--skip-test-db", "--auth-root-authentication-method=normal", "--skip-log-bin",
        ],
    )  # fmt: skip
    unfinished.rename(folder)


def create_accounts(settings: LabSettings) -> None:
    """Databases, and on the lab's own server the account that services use; can be repeated.

    Raises KRJ514 where databases of these names are on the user's server already.
    """
    server = settings.database
    if settings.database_url:
        _claim_names(settings)
    statements = [
        f"CREATE DATABASE IF NOT EXISTS {server.name(name)} CHARACTER SET utf8mb3"
        for name in DATABASES
    ]
    if not settings.database_url:
        # The password is of the URL-safe base64 alphabet: nothing in it needs quoting.
        statements += [
            f"CREATE OR REPLACE USER 'lab'@'127.0.0.1' IDENTIFIED BY '{server.password}'",
            "GRANT ALL ON *.* TO 'lab'@'127.0.0.1'",
            # Nobody but the lab signs in: the installer's root account has no password.
            f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{server.password}'",
        ]
    query(settings, statements)


def _empty(settings: LabSettings, service: str) -> None:
    """Begin anew with tables whose first making was cut off.

    MariaDB cannot undo half of a migration, and migrations do not find their place in one.
    """
    names = [settings.database.name(name) for name in DATABASES if name.split("_")[0] == service]
    query(
        settings,
        [
            *(f"DROP DATABASE IF EXISTS {name}" for name in names),
            *(f"CREATE DATABASE {name} CHARACTER SET utf8mb3" for name in names),
        ],
    )


def _claim_names(settings: LabSettings) -> None:
    """Take the names on the user's server once, unless somebody else has them. Raises KRJ514."""
    claim = _claim(settings)
    if claim.exists():
        return
    wanted = {settings.database.name(name) for name in DATABASES}
    taken = sorted(wanted & {row[0] for row in query(settings, ["SHOW DATABASES"])})
    if taken:
        server = settings.database
        raise KrajError(DATABASE_EXISTS, f"{server.host} has already: {', '.join(taken)}")
    settings.tables.mkdir(exist_ok=True)
    claim.touch()


def _claim(settings: LabSettings) -> Path:
    """Exists from before the first database is made: what `destroy` may drop is the lab's own."""
    return settings.tables / "databases-are-ours"


def drop_databases(settings: LabSettings) -> None:
    """Remove what the lab made on the user's database server. Raises KRJ504."""
    if not settings.database_url or not _claim(settings).exists():
        return
    server = settings.database
    try:
        query(settings, [f"DROP DATABASE IF EXISTS {server.name(name)}" for name in DATABASES])
    except KrajError as error:
        error.hint = (
            f"Start the database and run it again. If the server is gone for good: delete "
            f"{settings.folder} yourself; databases {server.prefix}… stay on {server.host}."
        )
        raise


def query(settings: LabSettings, statements: Sequence[str]) -> list[list[Any]]:
    """Run SQL statements and return the rows of the last. Raises KRJ504."""
    server = settings.database
    account = {"user": server.user, "password": server.password}
    ways: list[dict[str, Any]] = [{"host": server.host, "port": server.port, **account}]
    if not settings.database_url:
        root = {"unix_socket": str(settings.socket("mariadb.sock")), "user": "root"}
        # Without the password that `create_accounts` sets, then, when it is repeated, with it.
        ways = [{**root, "password": ""}, {**root, "password": server.password}]
    order = json.dumps({"connections": ways, "statements": list(statements)})
    printed = run_logged(
        settings, "accounts", ["python", "-m", "kraj_lab_drivers.sql"], given=order
    )
    rows: list[list[Any]] = json.loads(printed)
    return rows


def migrate(settings: LabSettings, done: Callable[[str], None]) -> None:
    """Create or upgrade the tables of all services, as many at once as makes sense.

    `done` is called with each service's name. What is done already, for the locked versions, is not
    repeated. Raises KRJ504 with the end of the failed one's log.
    """
    stamps = settings.tables
    stamps.mkdir(exist_ok=True)
    version = packages.locked_versions()[:12]

    def run_lane(lane: Mapping[str, Callable[[], None]]) -> None:
        for name, prepare in lane.items():
            stamp, begun = stamps / f"{name}-{version}", stamps / f"{name}.begun"
            if not stamp.exists():
                if begun.exists():
                    _empty(settings, name)
                elif not list(stamps.glob(f"{name}-*")):
                    begun.touch()
                prepare()
                stamp.touch()
                begun.unlink(missing_ok=True)
            done(name)

    lanes = _lanes(settings)
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(lanes)) as pool:
        for future in [pool.submit(run_lane, lane) for lane in lanes]:
            future.result()


def _lanes(settings: LabSettings) -> list[dict[str, Callable[[], None]]]:
    """What runs side by side: neutron alone takes as long as all the small ones together."""
    lanes: list[dict[str, Callable[[], None]]] = [
        {"neutron": lambda: _upgrade(settings, "neutron")},
        {"nova": lambda: _prepare_nova(settings)},
        {"keystone": lambda: _prepare_keystone(settings)},
    ]
    small = [name for name in _upgrades(settings) if name != "neutron"]
    if "designate" not in settings.with_services:
        small.remove("designate")
    lanes.append({name: functools.partial(_upgrade, settings, name) for name in small})
    return lanes


def _upgrades(settings: LabSettings) -> dict[str, list[list[str]]]:
    """Service → commands that make its tables."""

    def manage(program: str, service: str, *words: str) -> list[str]:
        file = str(settings.etc / service / f"{service}.conf")
        return [program, "--config-file", file, *words]

    glance = ["glance-manage", "--config-dir", str(settings.etc / "glance")]
    metadata = str(settings.venv / "etc" / "glance" / "metadefs")
    ml2 = str(settings.etc / "neutron" / "ml2_conf.ini")
    placement = ["placement-manage", "--config-dir", str(settings.etc / "placement")]
    return {
        "neutron": [
            manage("neutron-db-manage", "neutron", "--config-file", ml2, "upgrade", "heads")
        ],
        "glance": [[*glance, "db_sync"], [*glance, "db_load_metadefs", metadata]],
        "placement": [[*placement, "db", "sync"]],
        "octavia": [manage("octavia-db-manage", "octavia", "upgrade", "head")],
        "barbican": [["barbican-db-manage", "upgrade"]],
        "cinder": [manage("cinder-manage", "cinder", "db", "sync")],
        "designate": [manage("designate-manage", "designate", "database", "sync")],
    }


def _upgrade(settings: LabSettings, service: str) -> None:
    for command in _upgrades(settings)[service]:
        run_logged(settings, f"migrate-{service}", command)


def _nova_manage(settings: LabSettings, *words: str) -> str:
    file = str(settings.etc / "nova" / "nova.conf")
    return run_logged(settings, "migrate-nova", ["nova-manage", "--config-file", file, *words])


def _prepare_nova(settings: LabSettings) -> None:
    _nova_manage(settings, "api_db", "sync")
    # Finds its database by its own rule: the name of nova's with `_cell0` behind.
    _nova_manage(settings, "cell_v2", "map_cell0")
    _nova_manage(settings, "db", "sync")
    # Told by name whether it exists: a second cell of one database would double every server.
    if "cell1" not in _nova_manage(settings, "cell_v2", "list_cells"):
        _nova_manage(settings, "cell_v2", "create_cell", "--name", "cell1")


def discover_hosts(settings: LabSettings) -> None:
    """Map compute hosts to the cell: an unmapped host gets no servers."""
    _nova_manage(settings, "cell_v2", "discover_hosts")


def _prepare_keystone(settings: LabSettings) -> None:
    """Tables, token keys, and the first administrator with the identity service's endpoints."""
    user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    keystone = ["keystone-manage", "--config-dir", str(settings.etc / "keystone")]
    run_logged(settings, "migrate-keystone", [*keystone, "db_sync"])
    for setup in ("fernet_setup", "credential_setup"):
        owner = ["--keystone-user", user, "--keystone-group", group]
        run_logged(settings, "migrate-keystone", [*keystone, setup, *owner])
    url = f"{settings.keystone_url}/"
    run_logged(
        settings,
        "migrate-keystone",
        [
            *keystone, "bootstrap", "--bootstrap-admin-url", url, "--bootstrap-internal-url", url,
            "--bootstrap-public-url", url, "--bootstrap-region-id", "RegionOne",
        ],
        # By the environment, because anybody may read a process's command line.
        environment={"OS_BOOTSTRAP_PASSWORD": Passwords.of(settings).admin},
    )  # fmt: skip


def update_dns_pools(settings: LabSettings) -> None:
    """Tell designate of its name server; done once."""
    stamp = settings.data / "designate" / ".pools"
    if not stamp.exists():
        configuration = settings.etc / "designate"
        run_logged(
            settings,
            "designate-pools",
            [
                "designate-manage", "--config-file", str(configuration / "designate.conf"),
                "pool", "update", "--file", str(configuration / "pools.yaml"),
            ],
        )  # fmt: skip
        stamp.touch()


def build_rings(settings: LabSettings) -> None:
    """swift's rings: one partition power of 4, one replica, one device."""
    folder = settings.etc / "swift"
    for kind in ("account", "container", "object"):
        if (folder / f"{kind}.ring.gz").exists():
            continue
        builder = ["swift-ring-builder", str(folder / f"{kind}.builder")]
        (folder / f"{kind}.builder").unlink(missing_ok=True)
        run_logged(settings, "swift-rings", [*builder, "create", "4", "1", "1"])
        device = f"r1z1-127.0.0.1:{settings.ports[f'swift-{kind}']}/d1"
        run_logged(settings, "swift-rings", [*builder, "add", device, "1"])
        run_logged(settings, "swift-rings", [*builder, "rebalance"])
