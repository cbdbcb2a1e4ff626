"""ML2 mechanism driver that binds every port at once and reports it ACTIVE.

Where servers boot it also calls the lab's network agent, whenever something has changed that links,
routers or packet rules are made from.
"""

from __future__ import annotations

import os
from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.plugins.ml2 import api

from kraj_lab_drivers.calls import VARIABLE, call_agent

BINDABLE = (portbindings.VNIC_NORMAL, portbindings.VNIC_DIRECT, portbindings.VNIC_MACVTAP)

CALLED_FOR = (
    resources.NETWORK, resources.SUBNET, resources.PORT, resources.SECURITY_GROUP,
    resources.SECURITY_GROUP_RULE, resources.ROUTER, resources.ROUTER_INTERFACE,
    resources.ROUTER_GATEWAY, resources.FLOATING_IP,
)  # fmt: skip


class LabMechanismDriver(api.MechanismDriver):
    def initialize(self) -> None:
        if VARIABLE not in os.environ:
            return
        for resource in CALLED_FOR:
            for event in (events.AFTER_CREATE, events.AFTER_UPDATE, events.AFTER_DELETE):
                registry.subscribe(call_agent, resource, event)

    @property
    def connectivity(self) -> str:
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context: Any) -> None:
        if context.current[portbindings.VNIC_TYPE] not in BINDABLE:
            return
        context.set_binding(
            context.segments_to_bind[0][api.ID],
            portbindings.VIF_TYPE_OVS,
            {
                portbindings.CAP_PORT_FILTER: True,
                portbindings.VIF_DETAILS_CONNECTIVITY: portbindings.CONNECTIVITY_L2,
            },
            status=constants.PORT_STATUS_ACTIVE,
        )
