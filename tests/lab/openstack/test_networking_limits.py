"""Network quotas and sharing on a real cloud."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab

PROJECT = "openstack:identity/project:Project"
NETWORK = "openstack:networking/network:Network"
QUOTA = "openstack:networking/quotaV2:QuotaV2"
RBAC = "openstack:networking/rbacPolicyV2:RbacPolicyV2"


def test_a_quota_is_set_and_stays_when_it_is_deleted(things):
    project = things.create(PROJECT)
    quota = things.create(QUOTA, projectId=project.id, port=7, subnetpool=0)
    assert quota.id == f"{project.id}/RegionOne"
    quota.assert_settled()
    quota.update(projectId=project.id, port=9, subnetpool=0)
    quota.assert_settled()
    assert (quota.outputs["port"], quota.outputs["subnetpool"]) == (9, 0)
    token = "openstack:networking/getQuotaV2:getQuotaV2"
    assert things.invoke(token, projectId=project.id)["port"] == 9
    quota.delete()
    assert quota.read()["port"] == 9


def test_a_network_is_shared_with_a_project_and_then_another(things):
    one, two = things.create(PROJECT), things.create(PROJECT)
    network = things.create(NETWORK)
    given = {"action": "access_as_shared", "objectType": "network", "objectId": network.id}
    policy = things.create(RBAC, **given, targetTenant=one.id)
    policy.assert_settled()
    policy.update(**given, targetTenant=two.id)
    policy.assert_settled()
    assert policy.diff(**given | {"action": "access_as_external"}, targetTenant=two.id).replaces
    things.delete(policy)
