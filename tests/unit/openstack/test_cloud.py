"""Requests over real connections: tokens that end, log-ins that fail, answers cut short."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from kraj.errors import KrajError
from kraj.openstack.cloud import Cloud
from kraj.openstack.configuration import settings_from
from kraj.openstack.finding import is_older
from kraj.openstack.retry import Policy

QUICK = Policy(attempts=4, first_delay_seconds=0.001, longest_delay_seconds=0.002)


@dataclass
class Service:
    """Keystone and a network service at one address."""

    url: str = ""
    lifetime: timedelta = timedelta(hours=1)  #: of tokens, by the service's clock
    issued: int = 0
    valid: set[str] = field(default_factory=set)
    log_in_failures: list[int] = field(default_factory=list)  #: statuses, each for one log-in
    created: int = 0
    body: bytes = b'{"networks": []}'
    ahead: float = 0.0  #: of its clock, in seconds
    lock: threading.Lock = field(default_factory=threading.Lock)

    def issue(self) -> tuple[int, dict[str, Any]]:
        with self.lock:
            if self.log_in_failures:
                return self.log_in_failures.pop(0), {"error": {"message": "not now"}}
            self.issued += 1
            self.valid.add(f"token-{self.issued}")
        expires = (datetime.now(UTC) + self.lifetime).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        endpoint = {"interface": "public", "url": f"{self.url}/v2.0", "region": "one"}
        endpoint |= {"region_id": "one", "id": "e"}
        catalog = [{"type": "network", "name": "neutron", "id": "n", "endpoints": [endpoint]}]
        domain = {"id": "default", "name": "Default"}
        token = {"methods": ["password"], "expires_at": expires, "catalog": catalog}
        project = {"id": "p", "name": "p", "domain": domain}
        return 201, {"token": token | {"project": project, "user": {"id": "u", "domain": domain}}}

    def revoke(self) -> None:
        self.valid.clear()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: Service

    def do_GET(self) -> None:
        known = self.headers.get("X-Auth-Token") in self.service.valid
        self._answer(200 if known else 401, self.service.body if known else b"{}")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v3/auth/tokens":
            status, content = self.service.issue()
            self._answer(status, json.dumps(content).encode())
            return
        known = self.headers.get("X-Auth-Token") in self.service.valid
        self.service.created += known
        self._answer(201 if known else 401, self.service.body if known else b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Subject-Token", f"token-{self.service.issued}")
        self.end_headers()
        self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.service.ahead)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": made}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def cloud_of(service: Service, told: list[Any] | None = None) -> Cloud:
    access = {"authUrl": f"{service.url}/v3", "userName": "u", "password": "p", "tenantName": "p"}
    access |= {"userDomainId": "default", "projectDomainId": "default", "region": "one"}
    report = (lambda _event: None) if told is None else told.append
    return Cloud(settings_from(access, {}), report, QUICK)


def test_a_revoked_token_is_renewed_within_the_request(service: Service) -> None:
    cloud = cloud_of(service)
    cloud.get("network", "networks")
    service.revoke()
    assert cloud.post("network", "networks", {}) == {"networks": []}
    assert (service.issued, service.created) == (2, 1)


def test_threads_whose_token_was_revoked_log_in_once_together(service: Service) -> None:
    first, second = cloud_of(service), cloud_of(service)  # which share a session
    first.get("network", "networks")
    for round_ in range(3):
        service.revoke()
        with ThreadPoolExecutor(12) as pool:
            clouds = [first, second] * 12
            found = list(pool.map(lambda cloud: cloud.get("network", "networks"), clouds))
        assert found == [{"networks": []}] * 24
        assert service.issued == 2 + round_


def test_a_service_that_never_takes_a_token_is_told(service: Service) -> None:
    cloud = cloud_of(service)
    cloud.get("network", "networks")
    service.valid = set()
    service.issue = lambda issue=service.issue: (issue(), service.revoke())[0]  # type: ignore[method-assign]
    with pytest.raises(KrajError, match="KRJ402"):
        cloud.get("network", "networks")
    assert service.issued == 2


def test_a_log_in_that_fails_for_a_while_delays_a_creation_and_leaves_no_doubt(
    service: Service,
) -> None:
    cloud = cloud_of(service)
    cloud.get("network", "networks")
    service.revoke()
    service.log_in_failures = [500, 502, 503]
    cloud.post("network", "networks", {})
    assert service.created == 1
    service.revoke()
    service.log_in_failures = [500] * 9
    with pytest.raises(KrajError, match="log in") as caught:
        cloud.post("network", "networks", {})
    assert not caught.value.details.get("unsure")


def test_a_token_that_was_cut_short_is_asked_for_again(service: Service) -> None:
    issue, cut = service.issue, iter([True, True])
    service.issue = lambda: (201, {}) if next(cut, False) else issue()  # type: ignore[method-assign]
    assert cloud_of(service).get("network", "networks") == {"networks": []}
    assert service.issued == 1


def test_a_clock_that_is_ahead_does_not_log_in_for_each_request(service: Service) -> None:
    service.lifetime = timedelta(hours=-3)
    told: list[Any] = []
    cloud = cloud_of(service, told)
    for _request in range(3):
        cloud.get("network", "networks")
    assert service.issued == 1
    assert [event.message for event in told] == [
        "new tokens of the cloud have expired already by the clock of this machine"
    ]


@pytest.mark.parametrize("body", [b'{"networks": [{"id"', b""])
def test_an_answer_that_was_cut_short_is_asked_for_again(service: Service, body: bytes) -> None:
    cloud = cloud_of(service)
    cloud.get("network", "networks")
    service.body = body
    with pytest.raises(KrajError, match=r"KRJ401.*GET networks.*answered in part"):
        cloud.get("network", "networks")


def test_a_creation_whose_answer_was_cut_short_has_an_open_outcome(service: Service) -> None:
    cloud = cloud_of(service)
    service.body = b'{"network'
    with pytest.raises(KrajError, match="answered in part") as caught:
        cloud.post("network", "networks", {})
    assert caught.value.details["unsure"]
    assert service.created == 1


@pytest.mark.parametrize("ahead", [-7200, 0, 7200])
def test_what_was_made_before_is_told_by_the_clock_of_the_cloud(
    service: Service, ahead: float
) -> None:
    service.ahead = ahead
    cloud = cloud_of(service)
    cloud.get("network", "networks")
    begun = time.time()
    made = [
        {"created_at": datetime.fromtimestamp(begun + ahead + later, UTC).isoformat()}
        for later in (1, -1000)
    ]
    assert [is_older(cloud, item, begun) for item in made] == [False, True]


def test_a_clock_that_was_set_back_since_tells_nothing(service: Service) -> None:
    cloud = cloud_of(service)
    cloud.get("network", "networks")
    made = {"created_at": datetime.now(UTC).isoformat()}
    assert not is_older(cloud, made, time.time() + 7200)
