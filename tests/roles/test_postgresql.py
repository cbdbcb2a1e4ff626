"""The role `postgresql`: queried over TLS from outside, dumped, broken and restored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
]

NAME = "database.liberec.example"
ROLES = ["certificates", "postgresql"]
PASSWORD = "it's ключ $1"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    return {
        "certificates__state_directory": str(tmp_path),
        "certificates__name": "database",
        "certificates__zone": "liberec.example",
        "certificates__dns_names": [NAME],
        "certificates__reload": ["postgresql@15-main.service"],
        "postgresql__certificate": "/etc/ssl/kraj/database.crt",
        "postgresql__key": "/etc/ssl/kraj/database.key",
        "postgresql__listen": ["*"],
        "postgresql__networks": ["0.0.0.0/0"],
        "postgresql__memory_mib": 256,
        "postgresql__data_directory": "/srv/data/postgresql",
        "postgresql__roles": [
            {"name": "records", "password": PASSWORD, "connection_limit": 2},
            {"name": "map", "password": "another"},
        ],
        "postgresql__databases": [
            {"name": "records", "owner": "records", "extensions": ["pg_trgm"]},
            {"name": "map", "owner": "map", "connection_limit": 5},
        ],
    }


class Client:
    """An application on another host, that checks whom it talks to."""

    def __init__(self, address: str, authority: Path) -> None:
        self._address, self._authority = address, authority

    def connect(self, **other: str) -> psycopg.Connection[Any]:
        given = {
            "host": NAME,
            "hostaddr": self._address,
            "dbname": "records",
            "user": "records",
            "password": PASSWORD,
            "sslmode": "verify-full",
            "sslrootcert": str(self._authority),
            "connect_timeout": "60",
            **other,
        }
        return psycopg.connect(**given)  # type: ignore[arg-type]

    def ask(self, query: str) -> Any:
        with self.connect() as connection:
            found = connection.execute(query)
            return found.fetchall() if found.description else None


def test_an_application_is_served_and_gets_its_data_back(role_host, settings, tmp_path):
    host = role_host("database", memory_mib=768)
    assert host.apply(ROLES, settings, check=True).changed
    host.apply(ROLES, {**settings, "kraj_phase": "image"})
    assert host.run("pg_lsclusters --no-header") == ""
    host.apply(ROLES, settings)
    again = host.apply(ROLES, settings)
    assert again.changed == 0, again.tasks_changed
    host.prove("postgresql")
    client = Client(host.address, tmp_path / "authority/authority.crt")

    _strangers_are_refused(client)
    client.ask("CREATE TABLE files (number int PRIMARY KEY, title text)")
    client.ask("INSERT INTO files VALUES (7, 'Žádost')")
    how = client.ask("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert how == [("TLSv1.3",)]
    _a_database_comes_back(host, client)
    _a_replaced_server_takes_over_its_volume(host, client, settings)
    _changes_are_foreseen_and_made(host, client, settings)


def _strangers_are_refused(client: Client) -> None:
    for wrong, why in (
        ({"password": "it"}, "password authentication failed"),
        ({"sslmode": "disable"}, "no pg_hba.conf entry"),
        ({"user": "map", "password": "another"}, "permission denied for database"),
        ({"host": "other.liberec.example"}, "does not match"),
    ):
        with pytest.raises(psycopg.OperationalError, match=why):
            client.connect(**wrong)
    with (
        client.connect(),
        client.connect(),
        pytest.raises(psycopg.OperationalError, match="too many connections"),
    ):
        client.connect()


def _a_database_comes_back(host: Any, client: Client) -> None:
    host.run("systemctl start kraj-postgresql-backup.service")
    dumps = host.run("ls /var/backups/postgresql/records/*.dump").split()
    assert len(dumps) == 1
    client.ask("DROP TABLE files")
    with client.connect():  # somebody is at work; the restore ends that
        assert "is as in" in host.run("kraj-postgresql-restore records")
    assert client.ask("SELECT title FROM files WHERE number = 7") == [("Žádost",)]
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        client.connect(user="map", password="another")

    # A dump that cannot be restored leaves what is there.
    client.ask("INSERT INTO files VALUES (8, 'newer')")
    host.run(
        f"install -m 644 {dumps[0]} /tmp/broken.dump && printf XXXXXXXX | dd of=/tmp/broken.dump "
        "bs=1 conv=notrunc status=none seek=$(($(stat --format=%s /tmp/broken.dump) - 24))"
    )
    broken = host.testinfra.run("kraj-postgresql-restore records /tmp/broken.dump")
    assert (broken.rc, "records is as before" in broken.stderr) == (1, True)
    assert client.ask("SELECT count(*) FROM files") == [(2,)]
    wrong = host.testinfra.run(f"kraj-postgresql-restore map {dumps[0]}")
    assert (wrong.rc, "is a dump of records" in wrong.stderr) == (1, True)

    host.run(
        "cd /var/backups/postgresql/records && sudo -u postgres cp *.dump 20200101T000000Z.dump"
    )
    host.run("kraj-postgresql-backup records")
    assert "20200101" not in host.run("ls /var/backups/postgresql/records")


def _a_replaced_server_takes_over_its_volume(
    host: Any, client: Client, settings: dict[str, Any]
) -> None:
    """Another boot volume, the same data volume."""
    host.run("systemctl stop postgresql@15-main && rm -r /etc/postgresql/15/main")
    host.apply(ROLES, settings)
    assert client.ask("SELECT count(*) FROM files") == [(2,)]
    assert host.apply(ROLES, settings).changed == 0


def _changes_are_foreseen_and_made(host: Any, client: Client, settings: dict[str, Any]) -> None:
    roles = [{"name": "records", "password": "new"}, *settings["postgresql__roles"][1:]]
    changed = {**settings, "postgresql__roles": roles, "postgresql__max_connections": 33}
    foreseen = host.apply(ROLES, changed, check=True).tasks_changed
    assert "Make roles, databases and extensions" in foreseen
    assert client.ask("SHOW max_connections") == [("100",)]
    host.apply(ROLES, changed)
    with client.connect(password="new") as connection:
        assert connection.execute("SHOW max_connections").fetchone() == ("33",)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        client.connect()
    logs = host.run("cat /var/log/postgresql/*.log")
    assert PASSWORD not in logs
    assert "'new'" not in logs
