"""A tenant router's port in the centre's transit network, through which the bastion comes.

The administrator makes it: the network is the centre's, and no tenant may use or even see it.
"""

from __future__ import annotations

import pulumi
import pulumi_openstack as openstack

from kraj.planning import documents
from stacks.components.base import Component
from stacks.components.network import Router
from stacks.components.project import TenantProject


class TransitPort(Component):
    """The port, owned by the tenant's project, with an address that Neutron chooses."""

    module = "network"

    def __init__(
        self,
        name: str,
        document: documents.TenantDocument,
        project: TenantProject,
        router: Router,
        network_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        port = openstack.networking.Port(
            name,
            name=f"{document.project}-{name}",
            network_id=network_id,
            tenant_id=project.id,
            admin_state_up=True,
            # Neutron filters no port of a router.
            no_security_groups=True,
            tags=list(document.tag_list),
            opts=self.child(after=[*project.limits, router.router], exclusive=True),
        )
        openstack.networking.RouterInterface(
            name, router_id=router.id, port_id=port.id, opts=self.child(exclusive=True)
        )
        self.address: pulumi.Output[str] = port.all_fixed_ips.apply(lambda found: found[0])
        self.register_outputs({"address": self.address})
