"""Prepares the lab's database: server files, accounts, and every service's tables, side by side."""

from __future__ import annotations

import concurrent.futures
import getpass
import grp
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from kraj.errors import KrajError
from kraj.lab.errors import MIGRATION_FAILED
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
    _run(
        settings,
        "mariadb-install",
        [
            "/usr/bin/mariadb-install-db", "--no-defaults", f"--datadir={unfinished}",
            "--skip-test-db", "--auth-root-authentication-method=normal", "--skip-log-bin",
        ],
    )  # fmt: skip
    unfinished.rename(folder)


def create_accounts(settings: LabSettings) -> None:
    """Databases and the account that services use; can be repeated."""
    password = Passwords.of(settings).database
    statements = [
        f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET utf8mb3;" for name in DATABASES
    ]
    # The password is of the URL-safe base64 alphabet: nothing in it needs quoting.
    statements += [
        f"CREATE OR REPLACE USER 'lab'@'127.0.0.1' IDENTIFIED BY '{password}';",
        "GRANT ALL ON *.* TO 'lab'@'127.0.0.1';",
        # Nobody but the lab signs in: the installer's root account has no password.
        f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{password}';",
    ]
    socket = settings.socket("mariadb.sock")
    client = ["/usr/bin/mariadb", "--no-defaults", f"--socket={socket}", "--user=root"]
    # First without the password that this very call sets, then, when repeated, with it.
    for environment in ({}, {"MYSQL_PWD": password}):
        done = subprocess.run(
            client,
            env=environment,
            input="\n".join(statements),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return
    raise KrajError(MIGRATION_FAILED, "mariadb refused its accounts", causes=(done.stderr.strip(),))


def migrate(settings: LabSettings, done: Callable[[str], None]) -> None:
    """Create or upgrade the tables of all services, as many at once as makes sense.

    `done` is called with each service's name. Raises KRJ504 with the end of the failed one's log.
    """
    chains = _chains(settings)
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(chains)) as pool:
        futures = {
            pool.submit(_chain, settings, name, commands): name for name, commands in chains.items()
        }
        for future in concurrent.futures.as_completed(futures):
            future.result()
            done(futures[future])


def _chain(settings: LabSettings, name: str, commands: Sequence[Sequence[str]]) -> None:
    for command in commands:
        _run(settings, f"migrate-{name}", command)


def _chains(settings: LabSettings) -> dict[str, list[list[str]]]:
    etc = settings.etc
    nova = ["nova-manage", "--config-file", str(etc / "nova" / "nova.conf")]
    keystone = ["keystone-manage", "--config-dir", str(etc / "keystone")]
    chains = {
        "neutron": [
            [
                "neutron-db-manage", "--config-file", str(etc / "neutron" / "neutron.conf"),
                "--config-file", str(etc / "neutron" / "ml2_conf.ini"), "upgrade", "heads",
            ]
        ],
        "nova": [
            [*nova, "api_db", "sync"],
            # Finds its database by its own rule: the name of nova's with `_cell0` behind.
            [*nova, "cell_v2", "map_cell0"],
            [*nova, "db", "sync"],
        ],
        "keystone": [[*keystone, "db_sync"]],
        "glance": [
            ["glance-manage", "--config-dir", str(etc / "glance"), "db_sync"],
            [
                "glance-manage", "--config-dir", str(etc / "glance"), "db_load_metadefs",
                str(settings.venv / "etc" / "glance" / "metadefs"),
            ],
            ["placement-manage", "--config-dir", str(etc / "placement"), "db", "sync"],
            [
                "octavia-db-manage", "--config-file", str(etc / "octavia" / "octavia.conf"),
                "upgrade", "head",
            ],
            ["barbican-db-manage", "upgrade"],
            [
                "cinder-manage", "--config-file", str(etc / "cinder" / "cinder.conf"), "db", "sync",
            ],
        ],
    }  # fmt: skip
    if "designate" in settings.with_services:
        chains["glance"].append(
            [
                "designate-manage", "--config-file", str(etc / "designate" / "designate.conf"),
                "database", "sync",
            ]
        )  # fmt: skip
    return chains


def create_cell(settings: LabSettings) -> None:
    """nova's one cell; told by name whether it exists."""
    nova = ["nova-manage", "--config-file", str(settings.etc / "nova" / "nova.conf"), "cell_v2"]
    listed = _run(settings, "nova-cells", [*nova, "list_cells"])
    if "cell1" not in listed:
        _run(settings, "nova-cells", [*nova, "create_cell", "--name", "cell1"])


def discover_hosts(settings: LabSettings) -> None:
    """Map compute hosts to the cell: an unmapped host gets no servers."""
    nova = ["nova-manage", "--config-file", str(settings.etc / "nova" / "nova.conf"), "cell_v2"]
    _run(settings, "nova-hosts", [*nova, "discover_hosts"])


def bootstrap_keystone(settings: LabSettings) -> None:
    """Token keys, and the first administrator with the identity service's endpoints."""

    user, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    keystone = ["keystone-manage", "--config-dir", str(settings.etc / "keystone")]
    for setup in ("fernet_setup", "credential_setup"):
        owner = ["--keystone-user", user, "--keystone-group", group]
        _run(settings, "keystone-keys", [*keystone, setup, *owner])
    url = f"{settings.keystone_url}/"
    _run(
        settings,
        "keystone-bootstrap",
        [
            *keystone, "bootstrap", "--bootstrap-admin-url", url, "--bootstrap-internal-url", url,
            "--bootstrap-public-url", url, "--bootstrap-region-id", "RegionOne",
        ],
        # By the environment, because anybody may read a process's command line.
        {"OS_BOOTSTRAP_PASSWORD": Passwords.of(settings).admin},
    )  # fmt: skip


def update_dns_pools(settings: LabSettings) -> None:
    """Tell designate of its name server; done once."""
    stamp = settings.data / "designate" / ".pools"
    if not stamp.exists():
        configuration = settings.etc / "designate"
        _run(
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
        _run(settings, "swift-rings", [*builder, "create", "4", "1", "1"])
        device = f"r1z1-127.0.0.1:{settings.ports[f'swift-{kind}']}/d1"
        _run(settings, "swift-rings", [*builder, "add", device, "1"])
        _run(settings, "swift-rings", [*builder, "rebalance"])


def _run(
    settings: LabSettings,
    name: str,
    command: Sequence[str],
    environment: dict[str, str] | None = None,
) -> str:
    """Run a program of the venv (or an absolute one); its output goes to `log/<name>.out`."""
    program = command[0] if command[0].startswith("/") else str(settings.venv / "bin" / command[0])
    done = subprocess.run(
        [program, *command[1:]],
        env={
            "PATH": f"{settings.venv / 'bin'}:/usr/sbin:/usr/bin:/sbin:/bin",
            # barbican reads ~/.barbican/barbican.conf, so that no password is on a command line.
            "HOME": str(settings.data / "barbican"),
            "PYTHONWARNINGS": "ignore",
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    log = settings.log / f"{name}.out"
    with log.open("a", encoding="utf-8") as stream:
        stream.write(done.stdout + done.stderr)
    if done.returncode != 0:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise KrajError(
            MIGRATION_FAILED,
            f"{Path(program).name} ended with {done.returncode} (log: {log})",
            causes=tuple(lines[-6:]),
        )
    return done.stdout
