"""Requests in flight to one cloud. Threads are real."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from kraj.errors import KrajError
from kraj.openstack.traffic import DEFAULT_REQUESTS, VARIABLE, Gate, gate_of

DEADLINE_SECONDS = 60


def region(url="http://cloud/v3", name="one"):
    return SimpleNamespace(config={"auth": {"auth_url": url}}, region_name=name)


def wait_for(condition):
    until = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)


def waiting(gate):
    with gate._lock:
        return sum(map(len, gate._lines.values()))


def test_no_more_than_the_limit_are_inside_at_once():
    gate, inside, most, lock = Gate(3), 0, 0, threading.Lock()

    def work():
        nonlocal inside, most
        for _ in range(20):
            with gate.turn("one"):
                with lock:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0)
                with lock:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert most <= 3
    assert inside == 0
    with gate.turn("one"), gate.turn("two"), gate.turn("three"):
        pass  # every place was given back


def test_a_large_tenant_does_not_hold_up_a_small_one():
    gate, order = Gate(1), []

    def work(owner):
        with gate.turn(owner):
            order.append(owner)

    threads = []
    with gate.turn("somebody"):
        for owner in ["large"] * 6 + ["small"] * 2:
            before = waiting(gate)
            threads.append(threading.Thread(target=work, args=(owner,)))
            threads[-1].start()
            wait_for(lambda before=before: waiting(gate) == before + 1)
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert order == ["large", "small", "large", "small", *["large"] * 4]


def test_a_failure_gives_the_place_back():
    gate = Gate(1)
    with pytest.raises(ValueError, match="no"), gate.turn("one"):
        raise ValueError("no")
    with gate.turn("one"):
        pass


def test_all_stacks_of_a_process_have_one_gate_to_a_cloud():
    first = gate_of(region(), {})
    assert first.limit == DEFAULT_REQUESTS
    assert gate_of(region("http://cloud/v3/"), {}) is first
    assert gate_of(region(name="two"), {}) is not first
    assert gate_of(region("http://other/v3"), {}) is not first


def test_the_environment_sets_the_limit():
    assert gate_of(region("http://third/v3"), {VARIABLE: "7"}).limit == 7


@pytest.mark.parametrize("given", ["0", "-1", "many", "1.5", "²"])
def test_a_limit_that_is_no_number_is_told_with_its_name(given):
    with pytest.raises(KrajError, match=VARIABLE):
        gate_of(region(), {VARIABLE: given})
