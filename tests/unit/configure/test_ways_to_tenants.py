"""A bastion learns the way to every tenant, also when another tenant's servers are configured."""

from __future__ import annotations

from kraj.configure.inventory import inventory, transit_routes
from kraj.operations.configure import _with_bastions
from kraj.planning.documents import ServerOutput
from tests.unit.configure.exports import CENTRE, TENANT

BASTION = ServerOutput(
    pool="bastion",
    name="lib-centre-bastion-1",
    id="s3",
    addresses=("10.64.0.16", "10.64.12.16"),
    floating_address="198.51.100.9",
)
WHOLE = CENTRE.model_copy(update={"servers": (*CENTRE.servers, BASTION)})
REACHED = TENANT.model_copy(
    update={"prefixes": ("10.64.16.0/24", "fd00::/64"), "transit_address": "10.64.12.33"}
)


def test_routes_lead_to_the_tenants_ipv4_networks_through_their_routers() -> None:
    routes = transit_routes([WHOLE, TENANT, REACHED])
    assert routes == [{"prefix": "10.64.16.0/24", "via": "10.64.12.33"}]


def test_bastions_have_the_routes_and_no_other_server() -> None:
    routes = transit_routes([REACHED])
    hosts = inventory("liberecky", [WHOLE, REACHED], (), routes)["_meta"]["hostvars"]
    having = {name for name, known in hosts.items() if known.get("kraj_transit_routes") == routes}
    assert having == {BASTION.name}


def test_whoever_is_configured_the_bastions_are_too_and_first() -> None:
    chosen = _with_bastions([REACHED], [WHOLE, REACHED])
    assert [one.stack for one in chosen] == ["centre", REACHED.stack]
    assert [server.name for server in chosen[0].servers] == [BASTION.name]


def test_a_centre_without_a_bastion_is_left_alone() -> None:
    chosen = _with_bastions([REACHED], [CENTRE, REACHED])
    assert [server.name for one in chosen for server in one.servers] == [
        server.name for server in REACHED.servers
    ]
