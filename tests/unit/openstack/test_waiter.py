"""Waiting with few requests. The collection here is in memory; time is real and short."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from kraj.errors import KrajError
from kraj.openstack.errors import FAILING
from kraj.openstack.waiter import Waiter, Watch


@dataclass
class Collection:
    """Servers that become ready, fail or go away at a given moment."""

    ready_at: dict[str, float] = field(default_factory=dict)
    end: str = "ACTIVE"
    asked_one: int = 0
    asked_all: int = 0
    asked_briefly: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, service, path, **options):
        with self.lock:
            self.asked_one += 1
        server = self.shown(path.rpartition("/")[2])
        return None if server is None else {"server": server}

    def get(self, service, path, **options):
        servers = [self.shown(identity) for identity in self.ready_at]
        there = [server for server in servers if server is not None]
        with self.lock:
            if path == "servers":
                self.asked_briefly += 1
                settled = [server for server in there if server["status"] != "BUILD"]
                return {"servers": [{"id": server["id"]} for server in settled]}
            assert path == "servers/detail"
            self.asked_all += 1
        return {"servers": there}

    def shown(self, identity):
        done = time.monotonic() >= self.ready_at[identity]
        if done and self.end == "GONE":
            return None
        return {"id": identity, "status": self.end if done else "BUILD", "fault": "no host"}


def watch(**options):
    return Watch(
        service="compute",
        path="servers",
        singular="server",
        plural="servers",
        list_path="servers/detail",
        list_parameters=lambda ids: [("limit", len(ids))],
        first_look_seconds=0.01,
        **options,
    )


def soon(seconds=0.2):
    return time.monotonic() + seconds


def test_the_object_comes_back_when_it_is_ready():
    waiter = Waiter(Collection({"a": soon()}))
    assert waiter.wait(watch(), "a", 5)["status"] == "ACTIVE"


def test_many_objects_are_looked_at_with_one_request():
    servers = Collection({f"s{n}": soon(0.5) for n in range(12)})
    waiter = Waiter(servers)
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda identity: waiter.wait(watch(), identity, 5), servers.ready_at))
    assert {server["status"] for server in found} == {"ACTIVE"}
    # How many looks it takes depends on how busy the machine is: fewer than one per object.
    assert servers.asked_all + servers.asked_one < 12


def test_objects_are_shown_only_when_a_brief_list_says_that_they_are_settled():
    collection = Collection({name: soon(1.0) for name in "abc"})
    waiter = Waiter(collection)
    brief = watch(settled_parameters=lambda ids: [("status", "ACTIVE"), ("status", "ERROR")])
    with ThreadPoolExecutor() as pool:
        seen = list(pool.map(lambda name: waiter.wait(brief, name, 5), "abc"))
    assert {server["status"] for server in seen} == {"ACTIVE"}
    assert collection.asked_briefly >= 3
    assert collection.asked_all + collection.asked_one <= 3


def test_an_object_that_a_brief_list_no_longer_has_is_missed_in_the_end():
    collection = Collection({"a": soon(0.1)}, end="GONE")
    brief = watch(settled_parameters=lambda ids: [("status", "ACTIVE")])
    with pytest.raises(KrajError, match="KRJ409 servers a vanished"):
        Waiter(collection).wait(brief, "a", 10)
    assert collection.asked_one == 1


def test_the_first_look_learns_from_earlier_objects():
    servers = Collection({"a": soon(0.6)})
    waiter = Waiter(servers)
    waiter.wait(watch(), "a", 5)
    before = servers.asked_one
    servers.ready_at["b"] = soon(0.4)
    waiter.wait(watch(), "b", 5)
    assert servers.asked_one - before == 1


def test_an_object_in_error_state_fails_with_the_clouds_words():
    waiter = Waiter(Collection({"a": soon()}, end="ERROR"))
    with pytest.raises(KrajError, match="KRJ409 servers a is in state ERROR: no host"):
        waiter.wait(watch(fault=lambda server: server["fault"]), "a", 5)


def test_a_failure_does_not_touch_the_others():
    servers = Collection({"a": soon(), "b": soon(0.1)})
    waiter = Waiter(servers)
    odd = watch(is_ready=lambda server: server["id"] == "b" and server["status"] == "ACTIVE")
    with ThreadPoolExecutor(2) as pool:
        failing = pool.submit(waiter.wait, odd, "a", 0.6)
        working = pool.submit(waiter.wait, odd, "b", 5)
        assert working.result()["id"] == "b"
        with pytest.raises(KrajError, match="KRJ410 servers a is still ACTIVE after"):
            failing.result()


def test_the_time_limit_is_kept():
    waiter = Waiter(Collection({"a": soon(60)}))
    started = time.monotonic()
    with pytest.raises(KrajError, match="KRJ410"):
        waiter.wait(watch(), "a", 0.5)
    assert time.monotonic() - started < 1.5


def test_an_object_may_be_awaited_to_go():
    waiter = Waiter(Collection({"a": soon()}, end="GONE"))
    assert waiter.wait(watch(gone=True, action="delete"), "a", 5) == {}


def test_an_object_that_vanishes_while_it_is_made_is_an_error():
    waiter = Waiter(Collection({"a": soon()}, end="GONE"))
    with pytest.raises(KrajError, match="KRJ409 servers a vanished"):
        waiter.wait(watch(), "a", 5)


def test_an_error_of_the_cloud_reaches_every_waiting_thread():
    class Broken(Collection):
        def get(self, service, path, **options):
            raise KrajError(FAILING, "no answer")

        find = get

    waiter = Waiter(Broken({"a": 0, "b": 0}))
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(waiter.wait, watch(), one, 5) for one in ("a", "b")]:
            with pytest.raises(KrajError, match="no answer"):
                future.result()


def test_cancelling_ends_all_waits_and_later_ones():
    waiter = Waiter(Collection({"a": soon(60)}))
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(waiter.wait, watch(), "a", 60)
        time.sleep(0.1)
        waiter.cancel()
        with pytest.raises(KrajError, match="cancelled"):
            future.result(timeout=5)
    with pytest.raises(KrajError, match="cancelled"):
        waiter.wait(watch(), "a", 60)
