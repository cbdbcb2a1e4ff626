"""Load balancers of Octavia, with listeners, pools, members and health monitors."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_openstack as openstack

from kraj.planning import documents
from stacks.components.base import Component
from stacks.components.network import Network

#: How often a member is asked, how long it may take, how many failures take it out of service: a
#: dead member gets no new connection after 15 seconds at most.
MONITOR_DELAY_SECONDS = 5
MONITOR_TIMEOUT_SECONDS = 4
MONITOR_MAX_RETRIES = 3
#: What a card's health check takes for healthy.
MONITOR_EXPECTED_CODES = "200-399"


class LoadBalancer(Component):
    """A virtual address and what stands behind each of its ports."""

    module = "loadbalancer"

    def __init__(
        self,
        name: str,
        balancer: documents.LoadBalancer,
        *,
        tags: Sequence[str],
        network: Network,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self._tags = list(tags)
        self.network = network
        version = 6 if balancer.address and ":" in balancer.address else min(network.subnets)
        self.balancer = openstack.loadbalancer.LoadBalancer(
            name,
            name=balancer.name,
            description=balancer.description,
            vip_subnet_id=network.subnets[version].id,
            vip_address=balancer.address,
            admin_state_up=True,
            tags=self._tags,
            # Octavia notes a project's quota with its first load balancer; of two that are asked
            # for at that moment, one is refused ("Already an entity with that specified id").
            opts=self.child(after=after, exclusive=True),
        )
        self.address: pulumi.Output[str] = self.balancer.vip_address
        self.port_id: pulumi.Output[str] = self.balancer.vip_port_id
        for listener in balancer.listeners:
            self._listener(f"{name}/{listener.key}", listener)
        self.register_outputs({"address": self.address})

    def _listener(self, name: str, listener: documents.LoadBalancerListener) -> None:
        made = openstack.loadbalancer.Listener(
            name,
            name=listener.name,
            loadbalancer_id=self.balancer.id,
            protocol=listener.protocol,
            protocol_port=listener.port,
            admin_state_up=True,
            tags=self._tags,
            opts=self.child(exclusive=True),
        )
        pool = openstack.loadbalancer.Pool(
            name,
            name=listener.pool_name,
            listener_id=made.id,
            protocol=listener.protocol,
            lb_method=listener.algorithm,
            admin_state_up=True,
            tags=self._tags,
            opts=self.child(exclusive=True),
        )
        members = openstack.loadbalancer.Members(
            name,
            pool_id=pool.id,
            members=[
                openstack.loadbalancer.MembersMemberArgs(
                    name=member.name, address=member.address, protocol_port=member.port
                )
                for member in listener.members
            ],
            opts=self.child(),
        )
        # Octavia changes one thing of a load balancer at a time and refuses the rest meanwhile.
        openstack.loadbalancer.Monitor(
            name,
            name=listener.pool_name,
            pool_id=pool.id,
            type=listener.monitor_type,
            url_path=listener.monitor_path,
            expected_codes=MONITOR_EXPECTED_CODES if listener.monitor_path else None,
            delay=MONITOR_DELAY_SECONDS,
            timeout=MONITOR_TIMEOUT_SECONDS,
            max_retries=MONITOR_MAX_RETRIES,
            admin_state_up=True,
            opts=self.child(after=[members], exclusive=True),
        )
