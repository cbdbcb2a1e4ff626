"""When a request is sent again."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from kraj.openstack.retry import (
    ConnectionLostError,
    Policy,
    is_idempotent,
    retry_after_seconds,
    send,
)


@dataclass
class Answer:
    status_code: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Service:
    """Answers in turn, the last for ever; keeps the time by the naps of its caller."""

    answers: list[Answer | ConnectionLostError]
    calls: int = 0
    naps: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def request(self) -> Answer:
        answer = self.answers[min(self.calls, len(self.answers) - 1)]
        self.calls += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, *, idempotent: bool, policy: Policy | None = None, **options) -> Answer:
        return send(
            self.request,
            idempotent=idempotent,
            policy=policy or Policy(),
            notify=lambda again: self.told.append(again.reason),
            sleep=self.naps.append,
            clock=lambda: sum(self.naps),
            **options,
        )


LOST_BEFORE = ConnectionLostError("refused", taken=False)
LOST_AFTER = ConnectionLostError("reset", taken=True)
OK = Answer(200)


@pytest.mark.parametrize("fault", [Answer(500), Answer(502), Answer(504), LOST_AFTER, LOST_BEFORE])
def test_an_idempotent_request_is_repeated(fault):
    service = Service([fault, fault, OK])
    assert service.send(idempotent=True) is OK
    assert service.calls == 3
    assert len(service.told) == 2


@pytest.mark.parametrize("fault", [Answer(500), Answer(502), Answer(503), Answer(504)])
def test_a_creation_is_not_repeated_after_a_server_error(fault):
    service = Service([fault, OK])
    assert service.send(idempotent=False) is fault
    assert service.calls == 1


def test_a_creation_is_not_repeated_when_its_connection_broke():
    service = Service([LOST_AFTER, OK])
    with pytest.raises(ConnectionLostError):
        service.send(idempotent=False)


@pytest.mark.parametrize("fault", [Answer(429), Answer(503, {"Retry-After": "1"}), LOST_BEFORE])
def test_a_creation_that_was_not_taken_is_repeated(fault):
    assert Service([fault, OK]).send(idempotent=False) is OK


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413])
def test_a_refusal_is_final(status):
    service = Service([Answer(status), OK])
    assert service.send(idempotent=True).status_code == status
    assert service.calls == 1


def test_a_status_that_means_busy_here_is_repeated():
    assert Service([Answer(409), OK]).send(idempotent=True, retry_statuses=frozenset({409})) is OK


def test_delays_grow_and_stop_growing():
    service = Service([Answer(500)])
    service.send(idempotent=True, policy=Policy(attempts=12, total_seconds=1000))
    assert service.naps[0] < 0.5
    assert service.naps[-1] <= 18.0
    assert all(b > a for a, b in zip(service.naps, service.naps[1:5], strict=False))


def test_retry_after_replaces_the_delay_within_bounds():
    service = Service([Answer(503, {"Retry-After": "7"}), Answer(429, {"Retry-After": "900"}), OK])
    service.send(idempotent=True, policy=Policy(total_seconds=200))
    assert service.naps == [7.0, 90.0]


def test_attempts_and_time_are_bounded():
    service = Service([Answer(500)])
    assert service.send(idempotent=True, policy=Policy(attempts=3)).status_code == 500
    assert service.calls == 3
    service = Service([LOST_AFTER])
    with pytest.raises(ConnectionLostError):
        service.send(idempotent=True, policy=Policy(attempts=99, total_seconds=20))
    assert sum(service.naps) <= 20


DATE = "Sun, 17 Mar 2030 17:46:50 GMT"
AT = 1_900_000_010.0


def test_retry_after_may_be_a_date():
    asked = {"Retry-After": DATE}
    assert retry_after_seconds(asked, now=lambda: AT - 10) == 10.0
    assert retry_after_seconds(asked, now=lambda: AT + 60) == 0.0


@pytest.mark.parametrize("ahead", [-7200, 0, 7200])
def test_a_date_is_read_by_the_clock_of_the_service(ahead):
    headers = {"Retry-After": DATE, "Date": "Sun, 17 Mar 2030 17:46:45 GMT"}
    assert retry_after_seconds(headers, now=lambda: AT + ahead) == 5.0


@pytest.mark.parametrize("header", ["soon", "", "nan", "Sun, 99 Foo 2030", "0x10"])
def test_what_is_no_retry_after_asks_for_nothing(header):
    assert retry_after_seconds({"Retry-After": header}) is None


@pytest.mark.parametrize("header", ["0", "-5", "Sun, 17 Mar 2002 17:46:50 GMT"])
def test_a_pause_that_is_over_does_not_use_up_all_attempts_at_once(header):
    service = Service([Answer(429, {"Retry-After": header})])
    service.send(idempotent=True, policy=Policy(total_seconds=1000))
    assert service.calls == 9
    assert sum(service.naps) > 30


def test_only_a_post_has_an_effect_twice():
    assert not is_idempotent("post")
    assert all(is_idempotent(method) for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD"))
