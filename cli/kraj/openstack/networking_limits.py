"""Neutron: quotas of projects, and sharing of objects between projects."""

from __future__ import annotations

from kraj.openstack.fields import integer, text
from kraj.openstack.neutron import NetworkResource
from kraj.openstack.quota import QuotaResource


class QuotaV2(QuotaResource):
    """A project's network quota."""

    pulumi_type = "openstack:networking/quotaV2:QuotaV2"
    service = "network"
    path = "quotas"
    singular = "quota"

    floatingip = integer(computed=True)
    network = integer(computed=True)
    port = integer(computed=True)
    rbac_policy = integer(computed=True)
    router = integer(computed=True)
    security_group = integer(computed=True)
    security_group_rule = integer(computed=True)
    subnet = integer(computed=True)
    subnetpool = integer(computed=True)


class RbacPolicyV2(NetworkResource):
    """Lets another project use a network, address scope, subnet pool or the like."""

    pulumi_type = "openstack:networking/rbacPolicyV2:RbacPolicyV2"
    path = "rbac-policies"
    singular = "rbac_policy"
    told_by = ("object_id", "object_type", "action", "target_tenant")
    owners = ("object_id",)

    action_ = text(required=True, replaces=True)
    object_id = text(required=True, replaces=True)
    object_type = text(required=True, replaces=True)
    project_id = text(output_only=True)
    target_tenant = text(required=True)
