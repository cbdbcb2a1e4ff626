"""Proofs of a records service, from inside its server: run by testinfra against a live host."""

from __future__ import annotations

from typing import Any

import pytest

#: What runs where the work is done.
UNITS = (
    "records-web.service",
    "records-beat.service",
    "redis-server.service",
    "nginx.service",
)

#: Asks the host as a client from outside would: by name, and the certificate is checked.
ASK = """
import socket, ssl, sys
name, chain = sys.argv[1:]
plain = socket.create_connection(("127.0.0.1", 443), 20)
with ssl.create_default_context(cafile=chain).wrap_socket(plain, server_hostname=name) as proxy:
    proxy.sendall(f"GET /healthz HTTP/1.0\\r\\nHost: {name}\\r\\n\\r\\n".encode())
    print(proxy.recv(64).split()[1].decode())
"""


@pytest.fixture
def primary(host: Any) -> Any:
    """The host, where it does the work; a standby runs nothing."""
    if not host.service("records.target").is_enabled:
        pytest.skip("a cold standby")
    return host


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_runs_and_starts_by_itself(primary: Any, unit: str) -> None:
    assert primary.service(unit).is_running


def test_the_workers_run_and_nothing_has_failed(primary: Any) -> None:
    workers = primary.check_output("systemctl list-units --plain --no-legend 'records-worker@*'")
    assert workers
    assert all(" active running " in " ".join(line.split()) for line in workers.splitlines())
    failed = primary.check_output("systemctl list-units --failed --plain --no-legend 'records*'")
    assert failed == ""


def test_a_standby_runs_nothing(host: Any) -> None:
    if host.service("records.target").is_enabled:
        pytest.skip("does the work")
    for unit in ("records-web.service", "records-beat.service", "redis-server.service"):
        assert not host.service(unit).is_running
    assert not host.service("redis-server.service").is_enabled


def test_the_health_page_answers_over_tls_with_the_database(primary: Any) -> None:
    name = primary.check_output("hostname")
    answer = primary.run(
        "python3 -c %s %s %s", ASK, certificate_name(primary), f"/etc/ssl/kraj/{name}.chain"
    )
    assert answer.stdout.strip() == "200", answer.stderr


def test_nothing_but_ssh_and_the_proxy_listens_outside(host: Any) -> None:
    lines = host.check_output("ss --no-header --listening --numeric --tcp").splitlines()
    outside = {
        line.split()[3].rsplit(":", 1)[1]
        for line in lines
        if not line.split()[3].startswith(("127.", "[::1]"))
    }
    assert outside <= {"22", "80", "443"}


def test_settings_and_documents_are_for_the_service_alone(host: Any) -> None:
    for path in ("/etc/records/environment", "/etc/records/mayan.yml", "/etc/redis/records.conf"):
        assert host.file(path).mode & 0o007 == 0, path
    for path in ("/etc/records", "/var/lib/records/media"):
        assert host.file(path).mode & 0o007 == 0, path
    assert host.file("/var/lib/records").mode & 0o006 == 0


def certificate_name(host: Any) -> str:
    """The first name that the host's certificate is for."""
    name = host.check_output("hostname")
    names = host.check_output(
        "openssl x509 -noout -ext subjectAltName -in %s", f"/etc/ssl/kraj/{name}.crt"
    )
    return str(names.split("DNS:")[1].split(",")[0].strip())
