"""The role `reverse_proxy`, asked from outside as a browser asks."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
]

MAP, RECORDS = "map.liberec.example", "records.liberec.example"
#: Says what it was asked; some paths answer with a header of their own, or not at all.
_SERVICE = """
import http.server, json
class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(503 if self.path == "/ill" else 200)
        if self.path == "/strict":
            self.send_header("X-Frame-Options", "DENY")
        self.end_headers()
        self.wfile.write(json.dumps({"path": self.path, **self.headers}).encode())
    do_POST = do_GET
http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Service).serve_forever()
"""


@dataclass(frozen=True)
class Browser:
    """Trusts the region's authority, and finds every name at one address."""

    address: str
    authority: Path

    def tls(self, name: str, *protocols: str) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.authority))
        context.set_alpn_protocols(list(protocols))
        connection = socket.create_connection((self.address, 443), timeout=30)
        return context.wrap_socket(connection, server_hostname=name)

    def ask(
        self, name: str, path: str = "/", *, host: str = "", body: bytes | None = None
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers and content."""
        asked = http.client.HTTPConnection(host or name)
        asked.sock = self.tls(name)
        asked.request("POST" if body else "GET", path, body)
        answer = asked.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()

    def ask_plainly(self, name: str, path: str) -> http.client.HTTPResponse:
        asked = http.client.HTTPConnection(self.address, timeout=30)
        asked.request("GET", path, headers={"Host": name})
        return asked.getresponse()


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    return {
        "certificates__state_directory": str(tmp_path),
        "certificates__name": "web",
        "certificates__zone": "liberec.example",
        "certificates__dns_names": [MAP, RECORDS],
        "reverse_proxy__certificate": "/etc/ssl/kraj/web.crt",
        "reverse_proxy__key": "/etc/ssl/kraj/web.key",
        "reverse_proxy__sites": [
            {
                "name": "records",
                "server_names": [RECORDS],
                "upstream": "http://127.0.0.1:8000",
                "health_upstream": "http://127.0.0.1:8000/live",
                "max_body_mib": 1,
                "requests_per_second": 1,
                "burst": 12,
            },
            {
                "name": "map",
                "server_names": [MAP],
                "root": "/srv/map",
                "content_security_policy": "default-src 'self'",
                "locations": [
                    {"path": "= /about", "options": "return 200 'a map';"},
                    {"path": "/wms", "upstream": "http://127.0.0.1:8000"},
                ],
            },
        ],
    }


def test_sites_are_served_as_browsers_and_balancers_want(role_host, settings, tmp_path):
    host = role_host("proxy", memory_mib=512)
    roles = ["certificates", "reverse_proxy"]
    assert host.apply(roles, settings, check=True).changed
    host.apply(roles, {**settings, "kraj_phase": "image"})
    assert not host.testinfra.socket("tcp://0.0.0.0:80").is_listening
    host.apply(roles, settings)
    again = host.apply(roles, settings)
    assert again.changed == 0, again.tasks_changed

    browser = Browser(host.address, tmp_path / "authority/authority.crt")
    assert browser.ask(RECORDS)[0] == 502
    (host.machine.root / "usr/local/bin/service.py").write_text(_SERVICE)
    host.run("systemd-run --unit service python3 /usr/local/bin/service.py")
    host.run("timeout 30 sh -c 'until nc -z 127.0.0.1 8000; do sleep 0.2; done'")
    host.run("mkdir -p /srv/map && echo a page > /srv/map/index.html")
    host.prove("reverse_proxy")
    host.run("systemctl stop nginx")
    with pytest.raises(pytest.fail.Exception, match=r"FAILED .+nginx_runs"):
        host.prove("reverse_proxy")
    host.run("systemctl start nginx")

    _the_service_gets_what_it_needs_to_know(browser)
    _every_site_has_the_headers(browser)
    _names_lead_to_their_site_and_to_no_other(browser, host)
    _what_is_too_much_is_refused(browser)

    broken = {**settings, "reverse_proxy__sites": [{**settings["reverse_proxy__sites"][0]}]}
    broken["reverse_proxy__sites"][0]["options"] = "no such line;"
    with pytest.raises(pytest.fail.Exception, match="unknown directive"):
        host.apply(roles, broken)
    assert host.apply(roles, settings).changed == 0  # the good configuration was never replaced
    host.reboot()
    assert browser.ask(MAP)[2] == "a page\n"


def _the_service_gets_what_it_needs_to_know(browser: Browser) -> None:
    status, _, content = browser.ask(RECORDS, "/file?number=7")
    told = json.loads(content)
    assert (status, told["path"], told["Host"]) == (200, "/file?number=7", RECORDS)
    assert told["X-Forwarded-Proto"] == "https"
    assert told["X-Forwarded-For"] == told["X-Real-IP"]
    assert json.loads(browser.ask(MAP, "/wms?service=WMS")[2])["path"] == "/wms?service=WMS"


def _every_site_has_the_headers(browser: Browser) -> None:
    _, headers, page = browser.ask(MAP)
    assert page == "a page\n"
    assert headers["Strict-Transport-Security"] == "max-age=63072000"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Content-Security-Policy"] == "default-src 'self'"
    assert headers["Server"] == "nginx"
    assert browser.ask(RECORDS, "/strict")[1]["X-Frame-Options"] == "DENY"
    assert "Strict-Transport-Security" in browser.ask(RECORDS, "/ill")[1]
    assert browser.tls(MAP, "h2", "http/1.1").selected_alpn_protocol() == "h2"


def _names_lead_to_their_site_and_to_no_other(browser: Browser, host: Any) -> None:
    moved = browser.ask_plainly(MAP, "/page?a=b")
    assert (moved.status, moved.getheader("Location")) == (301, f"https://{MAP}/page?a=b")
    with pytest.raises(http.client.RemoteDisconnected):
        browser.ask_plainly("bank.example", "/")
    assert browser.ask(MAP, host="bank.example")[0] == 421
    # The balancer knows no name; what answers is the first service that says how it is.
    status, _, content = browser.ask(MAP, "/healthz", host=host.address)
    assert (status, json.loads(content)["path"]) == (200, "/live")
    assert json.loads(content)["Host"] == RECORDS
    assert browser.ask(MAP, "/healthz")[2] == "ok\n"
    assert browser.ask(MAP, "/about")[2] == "a map"
    with pytest.raises(ssl.SSLCertVerificationError):
        browser.tls("other.liberec.example")
    logged = host.run("cat /var/log/nginx/records.access.log")
    assert '"GET /file HTTP/1.1" 200' in logged
    assert "number=7" not in logged


def _what_is_too_much_is_refused(browser: Browser) -> None:
    assert browser.ask(RECORDS, body=b"x" * 2_000_000)[0] == 413
    with ThreadPoolExecutor(20) as many:
        answers = list(many.map(lambda _: browser.ask(RECORDS)[0], range(40)))
    assert set(answers) == {200, 429}
    assert browser.ask(MAP)[0] == 200
    assert browser.ask(RECORDS, "/healthz")[0] == 200
