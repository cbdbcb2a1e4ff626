"""The role `certificates`: a host gets, keeps and renews a certificate, and its key stays there."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
]

NAME = "records.liberec.example"
PORT = 8443


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    return {
        "certificates__state_directory": str(tmp_path),
        "certificates__name": "records",
        "certificates__zone": "liberec.example",
        "certificates__dns_names": [NAME],
        "certificates__reload": ["handshake.service"],
    }


@contextmanager
def tls(address: str, chain: Path, name: str) -> Iterator[dict[str, Any]]:
    """A handshake as a client does it that trusts the region's authority and nobody else."""
    context = ssl.create_default_context(cafile=str(chain))
    with (
        socket.create_connection((address, PORT), timeout=30) as connection,
        context.wrap_socket(connection, server_hostname=name) as wrapped,
    ):
        yield wrapped.getpeercert() or {}


def serve(host: Any) -> None:
    """A server that uses the certificate and takes a new one when it is restarted."""
    host.run(
        "printf '[Service]\\nDynamicUser=yes\\nSupplementaryGroups=ssl-cert\\nExecStart="
        f"/usr/bin/openssl s_server -quiet -accept {PORT} -cert /etc/ssl/kraj/records.crt "
        "-key /etc/ssl/kraj/records.key\\n' > /etc/systemd/system/handshake.service"
        " && systemctl daemon-reload && systemctl start handshake"
        f" && timeout 30 sh -c 'until nc -z 127.0.0.1 {PORT}; do sleep 0.2; done'"
    )


def test_a_host_gets_keeps_and_renews_its_certificate(role_host, settings, tmp_path):
    host = role_host("certificates", memory_mib=512)
    settings["certificates__addresses"] = [host.address]
    chain = tmp_path / "authority/authority.crt"

    assert host.apply("certificates", settings, check=True).changed
    assert not chain.exists()
    assert not host.testinfra.file("/etc/ssl/kraj").exists

    # As it is when nobody has run kraj for a month: one day is left.
    host.apply("certificates", {**settings, "certificates__days": 1, "certificates__renew_days": 0})
    serve(host)
    with tls(host.address, chain, NAME) as old:
        assert old["subjectAltName"] == (("DNS", NAME), ("IP Address", host.address))
    host.run("systemctl start kraj-certificates.service")
    assert "records.crt ends on" in host.run("journalctl -p warning -u kraj-certificates -o cat")

    with pytest.raises(pytest.fail.Exception, match=r"FAILED .+no_certificate_ends"):
        host.prove("certificates")

    foreseen = host.apply("certificates", settings, check=True)
    assert foreseen.tasks_changed == ("Have it signed by the region's authority",)
    renewed = host.apply("certificates", settings)
    assert renewed.tasks_changed == (
        "Have it signed by the region's authority",
        "Put certificate and chain",
        "Reload what uses the certificate",
    )
    with tls(host.address, chain, NAME) as new:
        days = ssl.cert_time_to_seconds(new["notAfter"]) - ssl.cert_time_to_seconds(old["notAfter"])
        assert (new["serialNumber"] != old["serialNumber"], round(days / 86400)) == (True, 29)
    again = host.apply("certificates", settings)
    assert again.changed == 0, again.tasks_changed

    with tls(host.address, chain, host.address):
        pass
    for stranger in ("map.liberec.example", "127.0.0.1"):
        with pytest.raises(ssl.SSLCertVerificationError), tls(host.address, chain, stranger):
            pass
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|issuer"):
        ssl.create_default_context().wrap_socket(
            socket.create_connection((host.address, PORT)), server_hostname=NAME
        )
    host.prove("certificates")
    trusted = host.run(
        f"echo | openssl s_client -connect 127.0.0.1:{PORT} -verify_return_error "
        f"-verify_hostname {NAME} 2>&1"
    )
    assert "Verification: OK" in trusted

    key = host.run("cat /etc/ssl/kraj/records.key").splitlines()[1]
    kept_here = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in kept_here if key in path.read_text()]
    issued = (tmp_path / "authority/issued.jsonl").read_text().splitlines()
    assert [json.loads(line)["names"] for line in issued] == [[NAME, host.address]] * 2


def test_a_name_of_others_is_refused_and_the_image_gets_no_key(role_host, settings, tmp_path):
    host = role_host("certificates", memory_mib=512)
    image = {**settings, "kraj_phase": "image"}
    host.apply("certificates", image)
    assert not host.testinfra.file("/etc/ssl/kraj").exists
    assert not list(tmp_path.iterdir())
    with pytest.raises(pytest.fail.Exception, match=r"KRJ882.*www\.bank\.example"):
        host.apply("certificates", {**settings, "certificates__dns_names": ["www.bank.example"]})
    with pytest.raises(pytest.fail.Exception, match="must be less than"):
        host.apply("certificates", {**settings, "certificates__renew_days": 30})

    # Of another authority, here of another folder: files that fit are copied, others are refused.
    host.apply("certificates", settings)
    own = tmp_path / "provided"
    own.mkdir()
    for ending in ("crt", "key", "chain"):
        (own / ending).write_text(host.run(f"cat /etc/ssl/kraj/records.{ending}") + "\n")
    provided = {
        **settings,
        "certificates__provider": "provided",
        "certificates__name": "provided",
        "certificates__provided_certificate": str(own / "crt"),
        "certificates__provided_key": str(own / "key"),
        "certificates__provided_chain": str(own / "chain"),
    }
    assert "Put the key" in host.apply("certificates", provided).tasks_changed
    assert host.apply("certificates", provided).changed == 0
    host.prove("certificates")
    broken = {**provided, "certificates__provided_chain": str(own / "crt")}
    with pytest.raises(pytest.fail.Exception, match=r"KRJ884.*does not lead to"):
        host.apply("certificates", broken)
