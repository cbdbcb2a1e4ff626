"""The tenant program: who makes what, with which inputs, and in which order it goes again."""

from __future__ import annotations

import pytest

from kraj.planning.documents import StackOutputs
from kraj.planning.limits import limits_of, recorded_limits
from kraj.planning.transition import counted, wanted_resources
from tests.unit.stacks import builders
from tests.unit.stacks.program import PASSWORD, Registered, Run, run_program

#: What only an administrator may make; everything else is the service user's.
ADMINISTRATORS = {
    "Project",
    "User",
    "RoleAssignment",
    "QuotaSetV2",
    "QuotaV2",
    "QuoteSetV3",
    "ImageAccess",
}
#: Types that OpenStack gives neither tags nor metadata.
WITHOUT_TAGS = {
    "User",
    "RoleAssignment",
    "QuotaSetV2",
    "QuotaV2",
    "QuoteSetV3",
    "ApplicationCredential",
    "Keypair",
    "SecGroupRule",
    "ServerGroup",
    "RouterInterface",
    "FloatingIpAssociate",
    "VolumeAttach",
    "Members",
    "Monitor",
    "Zone",
    "RecordSet",
}


@pytest.fixture(scope="module")
def run() -> Run:
    return run_program(builders.tenant())


def waits_for(run: Run, start: Registered) -> set[str]:
    """URNs of all that must stand before `start`, through dependencies and providers."""
    by_urn = {found.urn: found for found in run.resources}
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        found = ahead.pop()
        needed = set(found.depends_on)
        if found.provider:
            needed.add(found.provider.rpartition("::")[0])
        ahead += [by_urn[urn] for urn in needed - seen]
        seen |= needed
    return seen


def of_administrator(found: Registered) -> bool:
    return found.kind in ADMINISTRATORS or found.name == "transit"


def test_administrators_make_the_project_its_limits_and_the_way_in_and_nothing_else(
    run: Run,
) -> None:
    by_administrator = {found.urn for found in run.in_cloud if not found.provider}

    assert by_administrator == {found.urn for found in run.in_cloud if of_administrator(found)}


def test_the_router_has_a_port_in_the_centres_network_that_belongs_to_the_tenant(run: Run) -> None:
    port = run.one("Port", "transit").inputs
    interface = run.one("RouterInterface", "transit").inputs

    assert port["networkId"] == "found-liberecky-centre-transit"
    assert port["tenantId"] == "id-of-Project-tenant"
    assert interface["portId"] == "id-of-Port-transit"
    assert interface["routerId"] == "id-of-Router-t563889"
    outputs = StackOutputs.model_validate(run.outputs["document"])
    assert outputs.transit_address == "10.64.12.32"
    assert "10.64.16.0/24" in outputs.prefixes


def test_a_preview_before_the_centre_stands_does_not_know_the_network_yet() -> None:
    network = frozenset({"liberecky-centre-transit"})
    before = run_program(builders.tenant(), preview=True, missing=network)

    assert "transit" in before.of("Port")


def test_everything_inside_is_made_by_the_service_user_in_the_project(run: Run) -> None:
    (provider,) = run.providers
    inside = [found for found in run.in_cloud if not of_administrator(found)]

    assert {found.provider for found in inside} == {f"{provider.urn}::id-of-openstack-tenant"}
    assert provider.inputs["userName"] == "t563889-service"
    assert provider.inputs["tenantId"] == "id-of-Project-tenant"
    assert provider.inputs["authUrl"] == "https://cloud.example:5000/v3"
    assert provider.inputs["endpointType"] == "public"


def test_the_service_users_provider_takes_nothing_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OS_CLOUD", "somebody-elses")
    monkeypatch.setenv("OS_REGION_NAME", "elsewhere")

    (provider,) = run_program(builders.tenant_of_shared_services()).providers

    assert provider.inputs["cloud"] == ""
    assert provider.inputs["token"] == ""
    assert provider.inputs["region"] == "RegionOne"


def test_the_password_is_secret_everywhere(run: Run) -> None:
    holders = [found for found in run.resources if PASSWORD in str(found.inputs)]

    assert {found.kind for found in holders} == {"User", "openstack"}
    assert all("password" in found.secret_inputs for found in holders)


def test_rights_and_limits_stand_as_long_as_what_was_made_with_them(run: Run) -> None:
    limits = {
        found.urn
        for found in run.in_cloud
        if found.kind in {"RoleAssignment", "QuotaSetV2", "QuotaV2", "QuoteSetV3"}
    }

    for found in run.in_cloud:
        if not of_administrator(found) or found.name == "transit":
            assert limits <= waits_for(run, found), found.urn


def test_quotas_are_the_documents(run: Run) -> None:
    compute = run.one("QuotaSetV2", "tenant").inputs
    network = run.one("QuotaV2", "tenant").inputs
    volume = run.one("QuoteSetV3", "tenant").inputs

    assert (compute["instances"], compute["cores"], compute["ram"]) == (2, 4, 8192)
    assert (network["network"], network["port"], network["floatingip"]) == (1, 10, 1)
    assert (volume["volumes"], volume["gigabytes"]) == (4, 140)


def test_planning_counts_what_the_program_makes_under_the_names_that_it_gives(run: Run) -> None:
    made = {(found.type, found.name): found.inputs for found in run.in_cloud if counted(found.type)}
    wanted = wanted_resources(builders.tenant())

    assert made.keys() == wanted.keys()
    for key, properties in wanted.items():
        assert properties.items() <= made[key].items()


def test_limits_are_read_from_a_state_as_the_program_wrote_them(run: Run) -> None:
    limits: dict[str, int] = {}
    for found in run.in_cloud:
        limits |= recorded_limits(found.type, found.inputs)

    assert limits == limits_of(builders.tenant().quota) | {"gigabytes_else": -1}


def test_every_volume_type_of_the_cloud_has_its_limit_in_the_quota(run: Run) -> None:
    """Pulumi's provider shows a change for each that the program leaves out."""
    limits = run.one("QuoteSetV3", "tenant").inputs["volumeTypeQuota"]

    assert limits == {
        "gigabytes_fast": "40",
        "gigabytes_bulk": "100",
        "gigabytes_else": "-1",
        "volumes_fast": "-1",
        "volumes_bulk": "-1",
        "volumes_else": "-1",
    }


def test_every_resource_that_takes_tags_carries_them(run: Run) -> None:
    for found in run.in_cloud:
        if found.kind in WITHOUT_TAGS:
            assert "tags" not in found.inputs
        elif found.kind in {"Instance", "Volume"}:
            assert builders.TAGS.items() <= found.inputs["metadata"].items(), found.urn
        else:
            assert found.inputs["tags"] == list(builders.TAG_LIST), found.urn


def test_every_resource_belongs_to_a_component(run: Run) -> None:
    alone = [found.kind for found in run.in_cloud if "kraj:" not in found.parent.split("::")[2]]

    assert alone == ["Keypair"]


def test_every_urn_is_unique(run: Run) -> None:
    assert len({found.urn for found in run.resources}) == len(run.resources)


def test_a_new_display_name_keeps_every_logical_name(run: Run) -> None:
    pool = builders.server_pool()
    servers = tuple(
        server.model_copy(update={"name": f"renamed-{server.key}"}) for server in pool.servers
    )
    network = builders.network(name="renamed")
    document = builders.tenant(
        project="renamed",
        service_user="renamed",
        networks=(network,),
        server_pools=(pool.model_copy(update={"servers": servers, "server_group": "renamed"}),),
        load_balancers=(builders.load_balancer(name="renamed"),),
    )

    renamed = run_program(document)

    assert {found.urn for found in renamed.resources} == {found.urn for found in run.resources}


def test_subnets_take_the_planned_prefixes_from_the_centres_pools(run: Run) -> None:
    ipv4 = run.one("Subnet", "service/ipv4").inputs
    ipv6 = run.one("Subnet", "service/ipv6").inputs

    assert (ipv4["cidr"], ipv4["subnetpoolId"]) == ("10.64.16.0/24", "found-liberecky-ipv4")
    assert ipv4["allocationPools"] == [{"start": "10.64.16.128", "end": "10.64.16.254"}]
    assert "ipv6RaMode" not in ipv4
    assert (ipv6["ipVersion"], ipv6["subnetpoolId"]) == (6, "found-liberecky-ipv6")
    assert ipv6["ipv6RaMode"] == ipv6["ipv6AddressMode"] == "dhcpv6-stateful"


def test_what_neutron_limits_exactly_is_made_one_by_one() -> None:
    document = builders.tenant(
        networks=(builders.network("service"), builders.network("dmz")),
        floating_addresses=tuple(builders.floating_address(key=key) for key in ("first", "public")),
    )

    run = run_program(document)

    for kind in ("Subnet", "SecGroup", "FloatingIp"):
        found = list(run.of(kind).values())
        for one in found:
            others = [other for other in found if other is not one]
            assert all(
                other.urn in waits_for(run, one) or one.urn in waits_for(run, other)
                for other in others
            ), kind


def test_groups_hold_the_documents_rules_and_no_default_ones(run: Run) -> None:
    assert all(group.inputs["deleteDefaultRules"] is True for group in run.of("SecGroup").values())
    planned = {
        f"{group.key}/{rule.key}" for group in builders.security_groups() for rule in group.rules
    }
    assert set(run.of("SecGroupRule")) == planned


def test_no_rule_admits_a_group_of_another_stack(run: Run) -> None:
    own = {f"id-of-SecGroup-{name}" for name in run.of("SecGroup")}

    for rule in run.of("SecGroupRule").values():
        assert rule.inputs.get("remoteGroupId", next(iter(own))) in own
        assert "remoteAddressGroupId" not in rule.inputs
    assert run.one("SecGroupRule", "records/peers-ipv4").inputs["remoteGroupId"] in own
    assert run.one("SecGroupRule", "management/ssh-ipv4").inputs["remoteIpPrefix"] == "10.64.0.0/24"


def test_a_port_has_its_planned_addresses_and_only_its_groups(run: Run) -> None:
    port = run.one("Port", "records/1/service").inputs

    assert [item["ipAddress"] for item in port["fixedIps"]] == [
        "10.64.16.11",
        "fd4c:5a05:1000:100::11",
    ]
    assert port["securityGroupIds"] == ["id-of-SecGroup-records", "id-of-SecGroup-management"]
    assert port["allowedAddressPairs"] == [{"ipAddress": "10.64.16.5"}]
    assert "noFixedIp" not in port  # replaced on every second update by the provider


def test_a_port_without_groups_does_not_get_the_default_group() -> None:
    bare = builders.documents.ServerPort(network="service", security_groups=())
    pool = builders.server_pool(servers=(builders.server("1", ports=(bare,)),))

    run = run_program(builders.tenant(server_pools=(pool,)))
    port = run.one("Port", "records/1/service")

    assert port.inputs["noSecurityGroups"] is True
    assert "securityGroupIds" not in port.inputs
    assert {subnet.urn for subnet in run.of("Subnet").values()} <= port.depends_on


def test_servers_are_kept_apart_and_boot_from_named_volumes(run: Run) -> None:
    first = run.one("Instance", "records/1").inputs
    second = run.one("Instance", "records/2").inputs
    boot = run.one("Volume", "records/1/boot").inputs

    assert run.one("ServerGroup", "records").inputs["policies"] == "anti-affinity"
    assert first["schedulerHints"] == second["schedulerHints"]
    assert (first["availabilityZone"], second["availabilityZone"]) == ("site-a", "site-b")
    assert first["blockDevices"][0]["uuid"] == "id-of-Volume-records/1/boot"
    assert first["blockDevices"][0]["deleteOnTermination"] is False
    assert (boot["name"], boot["size"], boot["volumeType"]) == (
        "t563889-records-1-boot",
        20,
        "fast",
    )
    assert boot["imageId"] == "found-Debian 12"
    assert first["flavorName"] == "SCS-2V-4"
    assert first["keyPair"] == "t563889-operators"
    assert first["userData"] == "#cloud-config\n"
    assert first["metadata"]["kraj:service"] == "records"


def test_an_image_of_the_administrators_is_shared_once_before_servers_boot_from_it() -> None:
    pools = (
        builders.server_pool(image="kraj records", shared_image=True),
        builders.server_pool(key="more", image="kraj records", shared_image=True),
    )
    run = run_program(builders.tenant(server_pools=pools))
    access = run.one("ImageAccess", "tenant/kraj-records")
    assert access.inputs == {
        "imageId": "found-kraj records",
        "memberId": "id-of-Project-tenant",
        "status": "accepted",
    }
    assert not access.provider
    assert access.urn in waits_for(run, run.one("Volume", "records/1/boot"))


def test_up_before_an_image_is_published_says_how() -> None:
    pool = builders.server_pool(image="kraj records", shared_image=True)
    with pytest.raises(Exception, match=r"no image 'kraj records' .*kraj image publish records"):
        run_program(builders.tenant(server_pools=(pool,)), missing=frozenset({"kraj records"}))


def test_a_server_starts_after_the_rules_of_its_groups(run: Run) -> None:
    rules = {rule.urn for rule in run.of("SecGroupRule").values()}

    assert rules <= run.one("Instance", "records/1").depends_on


def test_servers_of_a_pool_are_placed_one_by_one_in_each_zone() -> None:
    zones = {"1": "site-a", "2": "site-b", "3": "site-a"}
    servers = tuple(builders.server(key, zone) for key, zone in zones.items())

    run = run_program(builders.tenant(server_pools=(builders.server_pool(servers=servers),)))

    first, second, third = (run.one("Instance", f"records/{key}") for key in zones)
    assert first.urn in third.depends_on
    assert second.urn not in third.depends_on
    assert first.urn not in second.depends_on


def test_data_volumes_are_attached_in_the_order_of_the_document(run: Run) -> None:
    first = run.one("VolumeAttach", "records/1/documents")
    second = run.one("VolumeAttach", "records/1/index")

    assert first.urn in second.depends_on
    assert second.urn not in first.depends_on


def test_data_volumes_are_never_deleted_before_their_replacement_stands(run: Run) -> None:
    data = [volume for name, volume in run.of("Volume").items() if not name.endswith("/boot")]

    assert len(data) == 4
    assert not any(volume.delete_before_replace for volume in data)


def test_what_claims_an_address_or_a_name_goes_before_its_replacement_comes(run: Run) -> None:
    for kind in ("Port", "Instance", "Subnet", "RouterInterface", "FloatingIpAssociate", "Keypair"):
        assert all(found.delete_before_replace for found in run.of(kind).values()), kind


def test_a_floating_address_leads_to_the_load_balancer_over_the_router(run: Run) -> None:
    association = run.one("FloatingIpAssociate", "public")

    assert association.inputs["floatingIp"] == "203.0.113.7"
    assert association.inputs["portId"] == "vip-port"
    interfaces = [item for item in run.of("RouterInterface").values() if item.name != "transit"]
    assert {found.urn for found in interfaces} <= association.depends_on


def test_a_floating_address_can_lead_to_a_server() -> None:
    address = builders.floating_address(target_pool="records", target_server="2")

    run = run_program(builders.tenant(floating_addresses=(address,)))

    association = run.one("FloatingIpAssociate", "public").inputs
    assert association["portId"] == "id-of-Port-records/2/service"
    assert association["fixedIp"] == "10.64.16.12"
    servers = StackOutputs.model_validate(run.outputs["document"]).servers
    assert [server.floating_address for server in servers] == [None, "203.0.113.7"]


def test_a_floating_address_without_a_target_is_kept_in_reserve() -> None:
    run = run_program(builders.tenant(floating_addresses=(builders.floating_address(),)))

    assert run.of("FloatingIp")
    assert not run.of("FloatingIpAssociate")


def test_the_load_balancer_watches_its_members(run: Run) -> None:
    members = run.one("Members", "public/https").inputs["members"]
    monitor = run.one("Monitor", "public/https").inputs

    assert run.one("LoadBalancer", "public").inputs["vipSubnetId"] == "id-of-Subnet-service/ipv4"
    assert [(item["address"], item["protocolPort"]) for item in members] == [
        ("10.64.16.11", 443),
        ("10.64.16.12", 443),
    ]
    assert monitor["timeout"] < monitor["delay"]  # Octavia refuses the contrary
    assert monitor["type"] == "TCP"
    assert "expectedCodes" not in monitor


def test_the_load_balancer_asks_a_page_where_the_plan_says_so() -> None:
    balancer = builders.load_balancer()
    (listener,) = balancer.listeners
    asking = listener.model_copy(update={"monitor_type": "HTTPS", "monitor_path": "/healthz"})
    run = run_program(
        builders.tenant(load_balancers=(balancer.model_copy(update={"listeners": (asking,)}),))
    )

    monitor = run.one("Monitor", "public/https").inputs
    assert (monitor["type"], monitor["urlPath"]) == ("HTTPS", "/healthz")
    assert monitor["expectedCodes"] == "200-399"  # what a card's health check takes for healthy


def test_a_record_follows_its_floating_address(run: Run) -> None:
    assert run.one("RecordSet", "zone/records").inputs["records"] == ["203.0.113.7"]
    assert run.one("RecordSet", "zone/mail").inputs["records"] == ["10 mx.example."]


def test_a_tenant_of_shared_services_has_no_server_volume_or_zone() -> None:
    run = run_program(builders.tenant_of_shared_services())

    kinds = {found.kind for found in run.in_cloud}
    assert not kinds & {"Instance", "Volume", "Port", "LoadBalancer", "FloatingIp", "Zone"}
    assert {"Project", "Network", "SecGroup", "ApplicationCredential"} <= kinds
    assert not any(token.endswith("getImage") for token, _args, _provider in run.invokes)
    assert StackOutputs.model_validate(run.outputs["document"]).servers == ()


def test_the_application_credential_cannot_make_others(run: Run) -> None:
    credential = run.one("ApplicationCredential", "tenant/automation").inputs

    assert credential["unrestricted"] is False
    # With what Keystone adds by itself: Pulumi's provider would take that for a change.
    assert credential["roles"] == ["creator", "member", "reader"]


def test_the_application_credential_goes_before_what_it_gives_access_to(run: Run) -> None:
    credential = run.one("ApplicationCredential", "tenant/automation")

    for kind in ("Network", "RouterInterface", "Instance", "LoadBalancer"):
        urns = {found.urn for found in run.of(kind).values() if found in run.in_cloud}
        assert urns
        assert urns <= credential.depends_on, kind


def test_the_exported_document_is_complete(run: Run) -> None:
    outputs = StackOutputs.model_validate(run.outputs["document"])

    assert outputs.stack == "tenant:liberec"
    assert outputs.project_id == "id-of-Project-tenant"
    assert outputs.networks == {"service": "id-of-Network-service"}
    assert outputs.load_balancers == {"public": "10.64.16.5"}
    assert outputs.floating_addresses == {"public": "203.0.113.7"}
    assert outputs.servers[0].addresses == ("10.64.16.11", "fd4c:5a05:1000:100::11")
    assert outputs.application_credential_id


def test_the_secret_of_the_credential_is_exported_as_a_secret_and_nowhere_else(run: Run) -> None:
    assert is_secret(run.outputs["applicationCredentialSecret"])
    assert "app-secret" not in str(run.outputs["document"])


def is_secret(value: object) -> bool:
    return isinstance(value, dict) and "1b47061264138c4ac30d75fd1eb44270" in value.values()


def test_data_sources_are_asked_with_the_administrators_provider(run: Run) -> None:
    assert {provider for _token, _args, provider in run.invokes} == {""}


def test_a_preview_before_the_centre_stands_takes_its_offer_as_not_yet_known() -> None:
    missing = frozenset({"Debian 12", "liberecky-ipv4", "liberecky-ipv6"})

    run = run_program(builders.tenant(), preview=True, missing=missing)

    assert "cidr" in run.one("Subnet", "service/ipv4").inputs
    assert run.of("Instance").keys() == {"records/1", "records/2"}


def test_up_before_the_centre_stands_says_what_to_do() -> None:
    with pytest.raises(Exception, match=r"no image 'Debian 12' .*apply the centre first"):
        run_program(builders.tenant(), missing=frozenset({"Debian 12"}))
