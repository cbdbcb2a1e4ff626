"""Flavours, key pairs, server groups and compute quotas on a real cloud."""

from __future__ import annotations

import pytest

from kraj.openstack.values import Secret

pytestmark = pytest.mark.lab

PROJECT = "openstack:identity/project:Project"
FLAVOR = "openstack:compute/flavor:Flavor"
ACCESS = "openstack:compute/flavorAccess:FlavorAccess"
KEYPAIR = "openstack:compute/keypair:Keypair"
GROUP = "openstack:compute/serverGroup:ServerGroup"
QUOTA = "openstack:compute/quotaSetV2:QuotaSetV2"
SIZE = {"ram": 512, "vcpus": 1, "disk": 1}


def test_a_flavor_changes_its_description_and_extra_specs_in_place(things):
    specs = {"scs:cpu-type": "shared-core", "scs:name-v1": "SCS-1V:0.5"}
    flavor = things.create(FLAVOR, **SIZE, description="small", isPublic=True, extraSpecs=specs)
    flavor.assert_settled()
    assert flavor.outputs["flavorId"] == flavor.id
    changed = {"scs:cpu-type": "crowded-core", "hw:cpu_policy": "shared"}
    flavor.update(**SIZE, description="", isPublic=True, extraSpecs=changed)
    flavor.assert_settled()
    assert flavor.outputs["extraSpecs"] == changed
    assert flavor.outputs["description"] == ""
    assert flavor.diff(**SIZE | {"ram": 1024}, isPublic=True).replaces == ["ram"]
    things.delete(flavor)


def test_a_flavor_is_private_unless_told_otherwise_and_opened_to_a_project(things):
    flavor = things.create(FLAVOR, **SIZE, swap=256, ephemeral=1)
    flavor.assert_settled()
    assert flavor.outputs["isPublic"] is False
    project = things.create(PROJECT)
    access = things.create(ACCESS, flavorId=flavor.id, tenantId=project.id)
    assert access.id == f"{flavor.id}/{project.id}"
    access.assert_settled()
    again = things.create(ACCESS, flavorId=flavor.id, tenantId=project.id)
    assert again.id == access.id
    things.made.remove(again)
    things.delete(access)


def test_an_imported_flavor_shows_no_difference(things):
    flavor = things.create(FLAVOR, **SIZE, extraSpecs={"a": "1"}, description="brought in")
    inputs, outputs = flavor.imported()
    assert outputs == flavor.outputs
    given = {key: value for key, value in inputs.items() if key != "__defaults"}
    assert not flavor.diff(**given).diffs


def test_a_generated_key_pair_keeps_its_private_key_secret(things):
    pair = things.create(KEYPAIR)
    private = pair.outputs["privateKey"]
    assert isinstance(private, Secret)
    assert private.value.startswith("-----BEGIN")
    pair.assert_settled()
    assert pair.outputs["privateKey"] == private
    other = things.create(
        KEYPAIR, name=f"{pair.name} its copy", publicKey=pair.outputs["publicKey"]
    )
    other.assert_settled()
    assert other.outputs["fingerprint"] == pair.outputs["fingerprint"]
    assert other.diff(name=other.outputs["name"], publicKey="ssh-ed25519 x").replaces == [
        "publicKey"
    ]
    things.delete(other)
    things.delete(pair)


def test_a_key_pair_belongs_to_the_user_named(things):
    user = things.create("openstack:identity/user:User", password=Secret("a word of theirs"))
    pair = things.create(KEYPAIR, userId=user.id)
    pair.assert_settled()
    assert pair.outputs["userId"] == user.id
    things.delete(pair)


def test_a_server_group_keeps_its_policy_and_rules(things):
    group = things.create(GROUP, policies="anti-affinity", rules={"maxServerPerHost": 2})
    group.assert_settled()
    assert group.outputs["rules"] == {"maxServerPerHost": 2}
    plain = things.create(GROUP, policies="soft-anti-affinity")
    plain.assert_settled()
    assert plain.diff(policies="affinity").replaces == ["policies"]
    found = things.invoke(
        "openstack:compute/getServergroupV2:getServergroupV2", name=plain.outputs["name"]
    )
    assert (found["id"], found["policies"]) == (plain.id, ["soft-anti-affinity"])
    things.delete(group)
    things.delete(plain)


def test_a_quota_is_set_and_stays_when_it_is_deleted(things):
    project = things.create(PROJECT)
    quota = things.create(QUOTA, projectId=project.id, cores=7, instances=0, ram=2048)
    assert quota.id == f"{project.id}/RegionOne"
    quota.assert_settled()
    quota.update(projectId=project.id, cores=9, instances=0, ram=2048)
    quota.assert_settled()
    assert (quota.outputs["cores"], quota.outputs["instances"]) == (9, 0)
    token = "openstack:compute/getQuotaSetV2:getQuotaSetV2"
    assert things.invoke(token, projectId=project.id)["ram"] == 2048
    quota.delete()
    assert quota.read()["cores"] == 9
    things.made.remove(quota)
    things.delete(project)
    assert quota.read() is None


def test_flavors_key_pairs_and_zones_are_found(things):
    flavor = things.create(FLAVOR, **SIZE, isPublic=True, extraSpecs={"a": "1"})
    pair = things.create(KEYPAIR)
    get_flavor = "openstack:compute/getFlavor:getFlavor"
    found = things.invoke(get_flavor, name=flavor.outputs["name"])
    assert (found["id"], found["extraSpecs"]) == (flavor.id, {"a": "1"})
    assert things.invoke(get_flavor, flavorId=flavor.id)["name"] == flavor.outputs["name"]
    get_pair = "openstack:compute/getKeypair:getKeypair"
    assert (
        things.invoke(get_pair, name=pair.outputs["name"])["publicKey"] == pair.outputs["publicKey"]
    )
    zones = things.invoke("openstack:compute/getAvailabilityZones:getAvailabilityZones")
    assert zones["names"] == sorted(zones["names"]) != []
