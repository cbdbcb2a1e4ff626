"""Neutron: quotas of projects, and sharing of objects between projects."""

from __future__ import annotations

from kraj.openstack.fields import integer, text
from kraj.openstack.neutron import NetworkResource
from kraj.openstack.resource import Properties


class QuotaV2(NetworkResource):
    """A project's network quota; its id is `<project>/<region>`.

    A project always has a quota: creating sets it, deleting leaves it, as Pulumi's provider does.
    """

    pulumi_type = "openstack:networking/quotaV2:QuotaV2"
    path = "quotas"
    singular = "quota"

    floatingip = integer(computed=True)
    network = integer(computed=True)
    port = integer(computed=True)
    project_id = text(required=True, replaces=True, sent=False)
    rbac_policy = integer(computed=True)
    router = integer(computed=True)
    security_group = integer(computed=True)
    security_group_rule = integer(computed=True)
    subnet = integer(computed=True)
    subnetpool = integer(computed=True)

    def object_path(self, identity: str) -> str:
        """Quotas are kept by project."""
        return f"quotas/{identity.partition('/')[0]}"

    def send_create(self, inputs: Properties) -> Properties:
        """Set the quota of the project."""
        project = inputs["projectId"]
        found = self.put_update(project, inputs, self.create_body(inputs)) or {}
        return {**found, "id": f"{project}/{inputs.get('region') or self.cloud.region_name}"}

    def send_delete(self, _identity: str, _outputs: Properties) -> bool:
        """Leave the quota as it is."""
        return False

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """The id names the project."""
        found = {**found, "project_id": identity.partition("/")[0]}
        return super().outputs(identity, found, known)


class RbacPolicyV2(NetworkResource):
    """Lets another project use a network, address scope, subnet pool or the like."""

    pulumi_type = "openstack:networking/rbacPolicyV2:RbacPolicyV2"
    path = "rbac-policies"
    singular = "rbac_policy"

    action_ = text(required=True, replaces=True)
    object_id = text(required=True, replaces=True)
    object_type = text(required=True, replaces=True)
    project_id = text(output_only=True)
    target_tenant = text(required=True)
