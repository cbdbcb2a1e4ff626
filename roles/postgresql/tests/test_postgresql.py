"""Proofs of the role `postgresql`: it runs as it is set up, and lets in whom it should."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True, scope="module")
def configured(host: Any) -> None:
    """A standby has the packages alone; this file is written where the role makes a cluster."""
    if not host.file("/etc/default/kraj-postgresql").exists:
        pytest.skip("no database here: this host only has the packages")


def ask(host: Any, query: str) -> str:
    with host.sudo("postgres"):
        return str(host.check_output(f'cd / && psql -XAtq -d postgres -c "{query}"'))


def test_the_cluster_is_online(host: Any) -> None:
    clusters = [
        line.split() for line in host.check_output("pg_lsclusters --no-header").splitlines()
    ]
    assert [(name, status) for _, name, _, status, *_ in clusters] == [("main", "online")]
    assert host.service("postgresql").is_enabled


def test_its_settings_are_good_and_in_use(host: Any) -> None:
    assert ask(host, "SELECT name FROM pg_file_settings WHERE error IS NOT NULL") == ""
    assert ask(host, "SELECT name FROM pg_settings WHERE pending_restart") == ""
    assert ask(host, "SELECT line_number FROM pg_hba_file_rules WHERE error IS NOT NULL") == ""


@pytest.mark.parametrize(
    ("setting", "value"), [("data_checksums", "on"), ("password_encryption", "scram-sha-256")]
)
def test_what_it_promises(host: Any, setting: str, value: str) -> None:
    assert ask(host, f"SHOW {setting}") == value


def test_everybody_shows_a_password_or_is_the_user_of_the_system(host: Any) -> None:
    methods = ask(host, "SELECT DISTINCT auth_method FROM pg_hba_file_rules").split()
    assert set(methods) <= {"peer", "scram-sha-256"}
    weak = "SELECT rolname FROM pg_authid WHERE rolpassword NOT LIKE 'SCRAM-SHA-256%'"
    assert ask(host, weak) == ""


def test_passwords_from_other_hosts_come_by_tls_alone(host: Any) -> None:
    plain = "SELECT line_number FROM pg_hba_file_rules WHERE type IN ('host', 'hostnossl') "
    assert ask(host, f"{plain} AND address NOT IN ('127.0.0.1', '::1')") == ""


def test_no_database_is_open_to_every_role(host: Any) -> None:
    opened = (
        "SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template1') "
        "AND datallowconn AND has_database_privilege('public', oid, 'CONNECT')"
    )
    assert ask(host, opened) == ""


def test_dumps_are_made_where_they_are_wanted(host: Any) -> None:
    folder = host.check_output(". /etc/default/kraj-postgresql && echo $BACKUP_DIRECTORY")
    assert host.service("kraj-postgresql-backup.timer").is_running is bool(folder)
    if folder:
        assert (host.file(folder).user, host.file(folder).mode) == ("postgres", 0o700)
