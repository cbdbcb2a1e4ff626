"""What cannot be planned is refused with its place, never with a traceback or an overlap."""

from __future__ import annotations

import pytest

from kraj.errors import KrajErrors
from kraj.model.loader import RegionFiles
from kraj.planning.addresses import Ledger
from kraj.planning.build import plan_region
from tests.unit.planning.regions import (
    CLOUD,
    example_region,
    with_card,
    with_network,
    with_parts,
)

FILES = example_region()


def refusals(files: RegionFiles) -> list[tuple[str, str, str]]:
    """(code, name of the file, message) of each refusal."""
    with pytest.raises(KrajErrors) as caught:
        plan_region(files, Ledger(), CLOUD)
    return [
        (error.code.code, error.location.file.rsplit("/", 1)[-1], error.message)
        for error in caught.value.errors
        if error.location is not None
    ]


@pytest.mark.parametrize(("family", "length"), [("ipv4", 23), ("ipv4", 28), ("ipv6", 63)])
def test_a_centre_prefix_without_room_for_its_networks_is_refused(family: str, length: int) -> None:
    ((code, file, _message),) = refusals(with_network(FILES, family, centre_prefix_length=length))
    assert (code, file) == ("KRJ206", "region.yaml")


@pytest.mark.parametrize(("family", "length"), [("ipv4", 22), ("ipv6", 62)])
def test_the_smallest_centre_prefixes_are_planned(family: str, length: int) -> None:
    plan = plan_region(with_network(FILES, family, centre_prefix_length=length), Ledger(), CLOUD)
    assert len(plan.centre.networks) == 4


def test_more_servers_than_a_block_of_addresses_holds_are_refused_all_at_once() -> None:
    balancer = FILES.region.centre.load_balancer.model_copy(update={"servers": 9})
    centre = FILES.region.centre.model_copy(update={"load_balancer": balancer})
    region = FILES.region.model_copy(update={"centre": centre})
    files = with_parts(with_card(FILES, "records", servers=8), region=region)
    assert [(code, file) for code, file, _message in refusals(files)] == [
        ("KRJ205", "region.yaml"),
        ("KRJ205", "service.yaml"),
    ]


def test_seven_servers_have_addresses_of_their_own() -> None:
    plan = plan_region(with_card(FILES, "records", servers=7), Ledger(), CLOUD)
    document = plan.tenants["liberec"]
    addresses = [
        server.ports[0].fixed_ipv4 for pool in document.server_pools for server in pool.servers
    ]
    addresses += [balancer.address for balancer in document.load_balancers]
    assert len(set(addresses)) == len(addresses) == 7 + 2 + 2


def test_a_shared_service_cannot_have_the_name_of_the_centres_own_servers() -> None:
    files = with_card(FILES, "archive", name="database")
    bela = files.tenants["bela"]
    order = bela.services[0].model_copy(update={"service": "database"})
    tenants = {"bela": bela.model_copy(update={"services": (order,)})}
    ((code, _file, message),) = refusals(with_parts(files, tenants=tenants))
    assert code == "KRJ221"
    assert "'database'" in message


def test_a_tenant_cannot_have_the_centres_dns_zone() -> None:
    files = with_parts(FILES, tenants={"centre": FILES.tenants["bela"]})
    ((code, file, message),) = refusals(files)
    assert (code, file) == ("KRJ221", "centre.yaml")
    assert "centre.liberecky.example." in message
