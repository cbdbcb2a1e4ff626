"""Lists in place of single requests. The cloud here is a shelf in memory."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from kraj.errors import KrajError
from kraj.openstack.batching import Lists
from kraj.openstack.cloud import Call
from kraj.openstack.errors import FAILING, FORBIDDEN
from kraj.openstack.listings import pairs_of, target_of

IDS = [f"00000000-0000-4000-8000-{number:012d}" for number in range(250)]


@dataclass
class Shelf:
    """Networks and servers, which it lists and shows; both take `id` and `marker`."""

    objects: dict[str, list[dict[str, Any]]]
    page: int = 10_000
    hidden: frozenset[str] = frozenset()  #: ids that lists do not show
    refusal: KrajError | None = None  #: of lists
    project_id: str = "own"
    asked: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, call: Call) -> dict[str, Any] | None:
        with self.lock:
            self.asked.append(call)
        collection, _, identity = call.path.rpartition("/")
        if identity in self.objects or identity == "detail":
            if self.refusal is not None:
                raise self.refusal
            return self._list(collection or identity, call)
        found = [item for item in self.objects[collection] if item["id"] == identity]
        return {collection.removesuffix("s"): found[0]} if found else None

    def _list(self, name: str, call: Call) -> dict[str, Any]:
        parameters = pairs_of(call.parameters)
        ids = {value for key, value in parameters if key == "id"}
        devices = {value for key, value in parameters if key == "device_id"}
        owner = dict(parameters).get("project_id")
        items = [
            item
            for item in self.objects[name]
            if (not ids or item["id"] in ids)
            and (not owner or item.get("project_id", "own") == owner)
            and (not devices or item["device_id"] in devices)
            and item["id"] not in self.hidden
        ]
        marker = dict(parameters).get("marker")
        start = [item["id"] for item in items].index(marker) + 1 if marker else 0
        links = [{"rel": "next"}] if start + self.page < len(items) else []
        return {name: items[start : start + self.page], f"{name}_links": links}

    @property
    def lists(self) -> list[str]:
        return [call.path for call in self.asked if call.path.endswith(("s", "detail"))]

    @property
    def alone(self) -> list[str]:
        return [call.path for call in self.asked if not call.path.endswith(("s", "detail"))]


def network(identity: str) -> Call:
    return Call("network", "GET", f"networks/{identity}")


def server(identity: str) -> Call:
    return Call("compute", "GET", f"servers/{identity}", microversion="2.26")


def shelf(count: int, **options: Any) -> Shelf:
    items = [{"id": identity, "name": identity[-3:]} for identity in IDS[:count]]
    return Shelf({"networks": items, "servers": items}, **options)


def test_objects_that_are_expected_are_listed_once():
    cloud, lists = shelf(3), Lists()
    lists.expect(cloud, [network(identity) for identity in IDS[:3]])
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: lists.answer(cloud, network(one)), IDS[:3] * 4))
    assert found == [{"network": {"id": one, "name": one[-3:]}} for one in IDS[:3]] * 4
    assert cloud.lists == ["networks"]
    assert cloud.alone == []


def test_a_list_is_asked_for_the_wanted_objects_only():
    cloud, lists = shelf(9), Lists()
    lists.expect(cloud, [network(IDS[2]), network(IDS[5])])
    lists.answer(cloud, network(IDS[2]))
    assert [dict(pairs_of(call.parameters)) for call in cloud.asked] == [{"id": IDS[5]}]
    assert [value for _, value in pairs_of(cloud.asked[0].parameters)] == [IDS[2], IDS[5]]


def test_one_object_is_not_worth_a_list():
    cloud, lists = shelf(2), Lists()
    lists.expect(cloud, [network(IDS[0]), server(IDS[1])])
    assert lists.answer(cloud, network(IDS[0])) is not None
    assert lists.answer(cloud, server(IDS[1])) is not None
    assert cloud.lists == []


def test_many_objects_need_several_requests_of_limited_length():
    cloud, lists = shelf(250), Lists()
    lists.expect(cloud, [network(identity) for identity in IDS])
    assert all(lists.answer(cloud, network(identity)) for identity in IDS)
    assert cloud.lists == ["networks"] * 3
    assert cloud.alone == []


def test_all_pages_of_a_list_are_read():
    cloud, lists = shelf(25, page=10), Lists()
    lists.expect(cloud, [server(identity) for identity in IDS[:25]])
    assert all(lists.answer(cloud, server(identity)) for identity in IDS[:25])
    assert cloud.lists == ["servers/detail"] * 3
    assert cloud.alone == []


def test_a_list_without_end_is_given_up_and_objects_are_asked_for_alone():
    cloud, lists = shelf(25, page=1), Lists()
    lists.expect(cloud, [server(identity) for identity in IDS[:25]])
    assert all(lists.answer(cloud, server(identity)) for identity in IDS[:25])
    assert len(cloud.lists) == 20
    assert len(cloud.alone) == 5


def test_an_object_missing_in_the_list_is_asked_for_before_it_is_called_gone():
    cloud, lists = shelf(2, hidden=frozenset({IDS[0]})), Lists()
    lists.expect(cloud, [network(identity) for identity in IDS[:3]])
    assert lists.answer(cloud, network(IDS[0])) is not None
    assert lists.answer(cloud, network(IDS[2])) is None
    assert sorted(cloud.alone) == [f"networks/{IDS[0]}", f"networks/{IDS[2]}"]


def test_who_may_not_list_is_shown_single_objects():
    refusal = KrajError(FORBIDDEN, "no", details={"status": 403})
    cloud, lists = shelf(2, refusal=refusal), Lists()
    lists.expect(cloud, [network(identity) for identity in IDS[:2]])
    assert lists.answer(cloud, network(IDS[0])) is not None


def test_a_cloud_in_trouble_is_told_to_everybody_who_reads():
    refusal = KrajError(FAILING, "no", details={"status": 503})
    cloud, lists = shelf(2, refusal=refusal), Lists()
    lists.expect(cloud, [network(identity) for identity in IDS[:2]])
    for identity in IDS[:2]:
        with pytest.raises(KrajError, match="no"):
            lists.answer(cloud, network(identity))
    assert cloud.alone == []


def test_what_several_objects_refer_to_is_asked_for_once():
    cloud, lists = shelf(1), Lists()
    call = Call("compute", "GET", f"servers/{IDS[0]}")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: lists.answer(cloud, call), range(8)))
    assert all(found)
    assert Counter(cloud.alone) == {f"servers/{IDS[0]}": 1}


def test_stacks_that_are_refreshed_together_share_the_list_of_what_each_has_one_of():
    cloud, lists = shelf(6), Lists(stacks=6)
    for identity in IDS[:6]:
        lists.expect(cloud, [server(identity)])
        assert lists.answer(cloud, server(identity)) is not None
    assert cloud.lists == ["servers/detail"]
    assert cloud.alone == []


def test_stacks_that_are_refreshed_together_share_the_list_of_their_project():
    cloud, lists = shelf(6), Lists(stacks=3)
    for start in (0, 2, 4):
        wanted = [network(identity) for identity in IDS[start : start + 2]]
        lists.expect(cloud, wanted)
        assert all(lists.answer(cloud, call) for call in wanted)
    assert len(cloud.asked) == 1
    assert ("project_id", "own") in pairs_of(cloud.asked[0].parameters)


def test_objects_of_other_projects_are_listed_by_their_ids():
    cloud, lists = shelf(3), Lists(stacks=2)
    for item in cloud.objects["networks"][1:]:
        item["project_id"] = "other"
    lists.expect(cloud, [network(identity) for identity in IDS[:3]], frozenset(IDS[1:3]))
    assert all(lists.answer(cloud, network(identity)) for identity in IDS[:3])
    assert cloud.lists == ["networks"] * 2
    assert cloud.alone == []


def test_ports_of_several_servers_come_with_one_list():
    ports = [{"id": str(at), "device_id": IDS[at // 2]} for at in range(6)]
    cloud, lists = Shelf({"ports": ports}), Lists()
    fields = [("fields", "id"), ("fields", "mac_address")]
    calls = [
        Call("network", "GET", "ports", parameters=[("device_id", identity), *fields])
        for identity in IDS[:3]
    ]
    lists.expect(cloud, calls)
    found = [lists.answer(cloud, call) for call in calls]
    assert [[port["id"] for port in one["ports"]] for one in found] == [
        ["0", "1"],
        ["2", "3"],
        ["4", "5"],
    ]
    assert len(cloud.asked) == 1
    assert ("fields", "device_id") in pairs_of(cloud.asked[0].parameters)


def test_rights_in_one_project_are_one_list():
    project, user, roles = "p" * 32, "u" * 32, ("r" * 32, "s" * 32)
    items = [
        {"role": {"id": role}, "user": {"id": user}, "scope": {"project": {"id": project}}}
        for role in roles
    ]
    inherited = {"project": {"id": project}, "OS-INHERIT:inherited_to": "projects"}
    items[1]["scope"] = inherited
    cloud = Shelf({"role_assignments": [{"id": "-", **item} for item in items]})
    cloud.objects["roles"] = []
    lists = Lists()
    calls = [
        Call("identity", "HEAD", f"projects/{project}/users/{user}/roles/{role}") for role in roles
    ]
    lists.expect(cloud, calls)
    assert lists.answer(cloud, calls[0]) is not None
    assert [call.path for call in cloud.asked] == ["role_assignments"]


@pytest.mark.parametrize(
    "call",
    [
        Call("compute", "GET", f"os-quota-sets/{IDS[0]}"),
        Call("network", "GET", "ports", parameters={"id": IDS[0]}),
        Call("network", "PUT", f"networks/{IDS[0]}"),
        Call("key-manager", "GET", f"secrets/{IDS[0]}"),
        Call("network", "GET", f"networks/{IDS[0]}/tags"),
    ],
)
def test_what_no_list_tells_is_asked_for_alone(call):
    assert target_of(call) is None


def test_record_sets_are_listed_by_zone():
    one, other = (
        target_of(Call("dns", "GET", f"zones/{zone}/recordsets/{IDS[3]}")) for zone in IDS[:2]
    )
    assert one is not None
    assert other is not None
    assert one.listing.path == f"zones/{IDS[0]}/recordsets"
    assert one.group != other.group
