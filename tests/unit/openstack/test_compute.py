"""Rules of Nova's types."""

from __future__ import annotations

import pytest

FLAVOR = "openstack:compute/flavor:Flavor"
KEYPAIR = "openstack:compute/keypair:Keypair"
GROUP = "openstack:compute/serverGroup:ServerGroup"
QUOTA = "openstack:compute/quotaSetV2:QuotaSetV2"


def test_a_flavor_changes_only_description_and_extra_specs_in_place(rules_of):
    flavor = rules_of(FLAVOR)
    size = {"name": "a", "ram": 512, "vcpus": 1, "disk": 0}
    olds = {**size, "isPublic": True, "rxTxFactor": 1, "extraSpecs": {"a": "1"}, "description": ""}
    assert flavor.updates(olds, **size, isPublic=True, extraSpecs={"a": "2"}, description="x") == {
        "extraSpecs",
        "description",
    }
    assert flavor.replaces(olds, **size | {"vcpus": 2}, isPublic=True) == {"vcpus"}
    assert flavor.replaces(olds, **size) == {"isPublic"}
    assert flavor.updates(olds, **size, isPublic=True) == set()


@pytest.mark.parametrize("missing", ["ram", "vcpus", "disk"])
def test_a_flavor_needs_its_size(rules_of, missing):
    size = {"ram": 512, "vcpus": 1, "disk": 0}
    del size[missing]
    assert rules_of(FLAVOR).failures(**size) == {missing: f"{missing} is required"}


def test_a_generated_public_key_is_no_difference_and_another_key_a_replacement(rules_of):
    pair = rules_of(KEYPAIR)
    olds = {"name": "a", "publicKey": "ssh-ed25519 one", "userId": ""}
    assert not pair.diff(olds, {"name": "a"}).changes
    found = pair.diff(olds, {"name": "a", "publicKey": "ssh-ed25519 two"})
    assert found.replaces == {"publicKey"}
    assert found.delete_before_replace


def test_a_server_group_is_replaced_for_another_policy(rules_of):
    group = rules_of(GROUP)
    olds = {"name": "a", "policies": "anti-affinity", "rules": {"maxServerPerHost": 0}}
    assert not group.diff(olds, {"name": "a", "policies": "anti-affinity"}).changes
    assert group.replaces(olds, name="a", policies="affinity") == {"policies"}
    ruled = {"name": "a", "policies": "anti-affinity", "rules": {"maxServerPerHost": 2}}
    assert group.replaces(olds, **ruled) == {"rules"}


def test_limits_that_the_program_does_not_name_are_left_alone(rules_of):
    quota = rules_of(QUOTA)
    olds = {"projectId": "p", "cores": 20, "instances": 0, "ram": 51200}
    assert quota.updates(olds, projectId="p", cores=20, instances=0) == set()
    assert quota.updates(olds, projectId="p", cores=21) == {"cores"}
    assert quota.replaces(olds, projectId="q") == {"projectId"}
