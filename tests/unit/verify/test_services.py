"""Services as people use them: real servers on the loopback interface, a certificate of the
region's authority."""

from __future__ import annotations

import http.server
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kraj.configure.authority import CERTIFICATE_FILE, Authority, Charter, Wanted
from kraj.verify.checks import Status
from kraj.verify.services import PublicService, ask_service

NAME = "records.liberec.kraj.example"
LOCAL = "127.0.0.1"

Serve = Callable[[int, str], int]


class Pages(http.server.BaseHTTPRequestHandler):
    """`/healthz` answers with what the server was told, where the name asked for is right."""

    def do_GET(self) -> None:
        wanted = self.path == "/healthz" and self.headers["Host"] == NAME
        self.send_response(self.server.status if wanted else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority", lambda: "a passphrase")


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    return tmp_path / "authority" / CERTIFICATE_FILE


def _certified(authority: Authority, name: str, folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    request = (
        x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, SHA256())
    )
    charter = Charter("kraj", ("kraj.example",), (ipaddress.ip_network("10.0.0.0/8"),), 30)
    wanted = Wanted((name,), (), days=10, renew_days=3)
    issued = authority.issue(charter, request.public_bytes(Encoding.PEM), b"", wanted)
    file = folder / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file.write_text(private + issued.certificate, encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.fixture
def serve(authority: Authority, tmp_path: Path) -> Iterator[Serve]:
    """Start a server whose certificate is for a name; its port."""
    servers: list[http.server.HTTPServer] = []

    def start(status: int, name: str = NAME) -> int:
        server = http.server.ThreadingHTTPServer((LOCAL, 0), Pages)
        server.status = status  # type: ignore[attr-defined]
        context = _certified(authority, name, tmp_path)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def service(port: int) -> PublicService:
    return PublicService(NAME, LOCAL, port, "https", "/healthz")


@pytest.mark.parametrize(
    ("status", "verdict"), [(200, Status.PASSED), (302, Status.PASSED), (503, Status.FAILED)]
)
def test_a_service_is_asked_by_its_name_for_its_health(
    serve: Serve, chain: Path, status: int, verdict: Status
) -> None:
    check = ask_service(service(serve(status, NAME)), chain)
    assert (check.id, check.subject, check.status) == ("service.answers", NAME, verdict)
    assert check.actual == status


def test_a_certificate_for_another_name_is_no_answer(serve: Serve, chain: Path) -> None:
    check = ask_service(service(serve(200, "map.liberec.kraj.example")), chain)
    assert check.status is Status.FAILED
    assert "certificate" in check.message


def test_a_certificate_of_an_unknown_authority_is_no_answer(serve: Serve, tmp_path: Path) -> None:
    check = ask_service(service(serve(200, NAME)), tmp_path / "nothing")
    assert check.status is Status.FAILED
    assert "certificate" in check.message


def test_where_nobody_listens_the_check_fails_with_the_address(chain: Path) -> None:
    with socket.create_server((LOCAL, 0)) as free:
        port = free.getsockname()[1]
    check = ask_service(service(port), chain)
    assert check.status is Status.FAILED
    assert LOCAL in check.message


def test_of_a_service_without_pages_the_connection_counts(chain: Path) -> None:
    with socket.create_server((LOCAL, 0)) as listening:
        port = listening.getsockname()[1]
        check = ask_service(PublicService(NAME, LOCAL, port, "tcp", None), chain)
    assert check.status is Status.PASSED


def test_a_service_that_accepts_and_says_nothing_fails_in_time(chain: Path) -> None:
    with socket.create_server((LOCAL, 0)) as listening:
        port = listening.getsockname()[1]
        check = ask_service(service(port), chain, timeout_seconds=0.2)
    assert check.status is Status.FAILED
