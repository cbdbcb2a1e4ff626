"""Octavia: load balancers, listeners, pools and quotas.

Members and monitors are in `loadbalancer_members`, policies of layer 7 in `loadbalancer_policies`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from kraj.openstack.cloud import Call
from kraj.openstack.fields import (
    flag,
    integer,
    record,
    text,
    text_list,
    text_map,
    text_set,
)
from kraj.openstack.octavia import BALANCERS, OctaviaResource
from kraj.openstack.quota import QuotaResource
from kraj.openstack.resource import Made, Properties, Resource
from kraj.openstack.waiter import Watch

_CREATED: Final = Watch(
    service="load-balancer",
    path=BALANCERS,
    singular="loadbalancer",
    # Each is looked at alone: a query with several ids is an error of Octavia's database.
    state="provisioning_status",
    first_look_seconds=1.5,
)


class LoadBalancer(OctaviaResource):
    """A virtual address; what stands behind it is said by listeners and pools."""

    pulumi_type = "openstack:loadbalancer/loadBalancer:LoadBalancer"
    path = BALANCERS
    singular = "loadbalancer"

    name = text()
    description = text()
    admin_state_up = flag(default=True)
    availability_zone = text(replaces=True)
    flavor_id = text(computed=True, replaces=True)
    loadbalancer_provider = text(api="provider", computed=True, replaces=True)
    security_group_ids = text_set(computed=True, sent=False)
    tags = text_set()
    tenant_id = text(api="project_id", computed=True, replaces=True)
    vip_address = text(computed=True, replaces=True)
    vip_network_id = text(computed=True, replaces=True)
    vip_port_id = text(computed=True, replaces=True)
    vip_qos_policy_id = text()
    vip_subnet_id = text(computed=True, replaces=True)

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """The address must be somewhere."""
        places = ("vipNetworkId", "vipSubnetId", "vipPortId")
        if any(inputs.get(place) is not None for place in places):
            return {}
        return {"vipSubnetId": "vipSubnetId, vipNetworkId or vipPortId is required"}

    def balancer_of(self, properties: Properties) -> str:
        """Itself."""
        return str(properties["id"])

    def create(self, inputs: Properties) -> Made:
        """Nobody can be changing what does not exist yet."""
        return Resource.create(self, inputs)

    def send_create(self, inputs: Properties) -> Properties:
        """Ask for it. A conflict is with something else: its own changes cannot be waited for."""
        return Resource.send_create(self, inputs)

    def settle_created(self, identity: str, _found: Properties, inputs: Properties) -> Properties:
        """Wait, then put the security groups on the port of the address."""
        balancer = self.cloud.waiter.wait(_CREATED, identity, self.timeout)
        groups = inputs.get("securityGroupIds")
        if groups:
            self._set_groups(balancer["vip_port_id"], groups)
        return self._with_groups(balancer)

    def settle_updated(
        self,
        identity: str,
        found: Properties | None,
        olds: Properties,
        news: Properties,
        changed: Collection[str],
    ) -> Properties | None:
        """Security groups are those of the port."""
        if found is not None:
            self.settle(identity)
        if "securityGroupIds" in changed:
            self._set_groups(olds["vipPortId"], news.get("securityGroupIds") or [])
        return self.fetch(identity)

    def fetch(self, identity: str) -> Properties | None:
        """The load balancer with the security groups of its port."""
        found = super().fetch(identity)
        return None if found is None else self._with_groups(found)

    def expected_reads(self, identity: str, known: Properties) -> tuple[Call, ...]:
        """The load balancer, then its port."""
        port = Call("network", "GET", f"ports/{known.get('vipPortId', '')}")
        return (*super().expected_reads(identity, known), port)

    def _with_groups(self, balancer: Properties) -> Properties:
        path = f"ports/{balancer['vip_port_id']}"
        answer = self.cloud.find("network", path, parameters={"fields": "security_groups"})
        groups = [] if answer is None else answer["port"]["security_groups"]
        return {**balancer, "security_group_ids": groups}

    def _set_groups(self, port: str, groups: Collection[str]) -> None:
        self.cloud.put("network", f"ports/{port}", {"port": {"security_groups": list(groups)}})


_NOBODY_IS_ASKED: Final = "NONE"


class Listener(OctaviaResource):
    """A port of a load balancer's address."""

    pulumi_type = "openstack:loadbalancer/listener:Listener"
    path = "lbaas/listeners"
    singular = "listener"

    name = text(computed=True)
    description = text()
    admin_state_up = flag(default=True)
    allowed_cidrs = text_list()
    alpn_protocols = text_set(computed=True)
    client_authentication = text(computed=True)
    client_ca_tls_container_ref = text()
    client_crl_container_ref = text()
    connection_limit = integer(computed=True)
    default_pool_id = text(computed=True)
    default_tls_container_ref = text()
    hsts_include_subdomains = flag()
    hsts_max_age = integer()
    hsts_preload = flag()
    insert_headers = text_map()
    loadbalancer_id = text(required=True, replaces=True)
    protocol = text(
        required=True,
        replaces=True,
        choices=("TCP", "UDP", "SCTP", "HTTP", "HTTPS", "TERMINATED_HTTPS", "PROMETHEUS"),
    )
    protocol_port = integer(required=True, replaces=True)
    sni_container_refs = text_list()
    tags = text_set()
    tenant_id = text(api="project_id", computed=True, replaces=True)
    timeout_client_data = integer(computed=True)
    timeout_member_connect = integer(computed=True)
    timeout_member_data = integer(computed=True)
    timeout_tcp_inspect = integer(computed=True)
    tls_ciphers = text(computed=True)
    tls_versions = text_set(computed=True)

    def balancer_of(self, properties: Properties) -> str:
        """The one that the program names."""
        return str(properties["loadbalancerId"])

    @classmethod
    def refine_changes(
        cls, olds: Mapping[str, Any], news: Mapping[str, Any], changes: dict[str, bool]
    ) -> dict[str, bool]:
        """Where the program no longer asks clients who they are, nobody does."""
        asked = olds.get("clientAuthentication") not in (None, "", _NOBODY_IS_ASKED)
        if asked and news.get("clientAuthentication") is None:
            return {**changes, "clientAuthentication": False}
        return changes

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """Octavia has a word for no authentication of clients."""
        body = super().update_body(news, changed)
        if "clientAuthentication" in changed and not news.get("clientAuthentication"):
            body["client_authentication"] = _NOBODY_IS_ASKED
        return body

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Octavia shows a list of the one load balancer."""
        for balancer in found.get("loadbalancers") or []:
            found = {**found, "loadbalancer_id": balancer["id"]}
        return super().outputs(identity, found, known)


class Pool(OctaviaResource):
    """Servers that share the work, and how it is shared."""

    pulumi_type = "openstack:loadbalancer/pool:Pool"
    path = "lbaas/pools"
    singular = "pool"

    name = text()
    description = text()
    admin_state_up = flag(default=True)
    alpn_protocols = text_set(computed=True)
    ca_tls_container_ref = text()
    crl_container_ref = text()
    lb_method = text(
        api="lb_algorithm",
        required=True,
        choices=("ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP", "SOURCE_IP_PORT"),
    )
    listener_id = text(replaces=True, read=False)
    loadbalancer_id = text(replaces=True, read=False)
    persistence = record(
        {"type": text(required=True), "cookie_name": text()}, api="session_persistence"
    )
    protocol = text(
        required=True,
        replaces=True,
        choices=("TCP", "UDP", "SCTP", "HTTP", "HTTPS", "PROXY", "PROXYV2"),
    )
    tags = text_set()
    tenant_id = text(api="project_id", computed=True, replaces=True)
    tls_ciphers = text(computed=True)
    tls_container_ref = text()
    tls_enabled = flag()
    tls_versions = text_set(computed=True)

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """A pool belongs to a listener or to a load balancer."""
        if inputs.get("listenerId") is None and inputs.get("loadbalancerId") is None:
            return {"listenerId": "listenerId or loadbalancerId is required"}
        return {}

    def balancer_of(self, properties: Properties) -> str:
        """The one that the program names, or that of its listener."""
        if properties.get("loadbalancerId"):
            return str(properties["loadbalancerId"])
        if properties.get("listenerId"):
            return self.behind_listener(properties["listenerId"])
        return self.behind_pool(properties["id"])

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """An import learns what the pool belongs to."""
        result = super().outputs(identity, found, known)
        if "protocol" not in known:
            for key in ("listener", "loadbalancer"):
                for parent in (found.get(f"{key}s") or [])[:1]:
                    result.setdefault(f"{key}Id", parent["id"])
        return result


class Quota(QuotaResource):
    """A project's quota of load balancers and their parts."""

    pulumi_type = "openstack:loadbalancer/quota:Quota"
    service = "load-balancer"
    path = "lbaas/quotas"
    singular = "quota"

    health_monitor = integer(computed=True)
    l7_policy = integer(api="l7policy", computed=True)
    l7_rule = integer(api="l7rule", computed=True)
    listener = integer(computed=True)
    loadbalancer = integer(api="load_balancer", computed=True)
    member = integer(computed=True)
    pool = integer(computed=True)
