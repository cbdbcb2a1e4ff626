"""Neutron: routers, their interfaces and routes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from kraj.errors import KrajError
from kraj.openstack.cloud import Call
from kraj.openstack.errors import REFUSED, status_of
from kraj.openstack.fields import flag, record, record_list, text, text_list, text_map
from kraj.openstack.neutron import NetworkResource, TaggedResource
from kraj.openstack.resource import IN_USE, Properties
from kraj.openstack.spelling import same_address, same_prefix
from kraj.openstack.waiter import Watch

#: Properties that live in the router's `external_gateway_info`.
_GATEWAY: Final = frozenset(
    {"externalNetworkId", "enableSnat", "externalFixedIps", "externalQosPolicyId"}
)


class Router(TaggedResource):
    """A router between networks, with a gateway where it has an external network."""

    pulumi_type = "openstack:networking/router:Router"
    path = "routers"
    singular = "router"

    name = text()
    description = text()
    admin_state_up = flag(computed=True)
    availability_zone_hints = text_list(computed=True, replaces=True)
    distributed = flag(computed=True, replaces=True)
    enable_snat = flag(api="external_gateway_info.enable_snat", computed=True)
    external_fixed_ips = record_list(
        {"subnet_id": text(computed=True), "ip_address": text(computed=True)},
        api="external_gateway_info.external_fixed_ips",
        computed=True,
    )
    external_network_id = text(api="external_gateway_info.network_id", computed=True)
    external_qos_policy_id = text(api="external_gateway_info.qos_policy_id", computed=True)
    external_subnet_ids = text_list(sent=False, read=False, conflicts=("externalFixedIps",))
    tenant_id = text(computed=True, replaces=True)
    value_specs = text_map(replaces=True, sent=False, read=False)
    vendor_options = record(
        {"set_router_gateway_after_create": flag(default=False)}, sent=False, read=False
    )

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """Addresses outside need a network outside."""
        if inputs.get("externalNetworkId") is not None:
            return {}
        needing = ("externalFixedIps", "externalSubnetIds", "externalQosPolicyId")
        return {name: f"{name} needs externalNetworkId" for name in needing if inputs.get(name)}

    def send_create(self, inputs: Properties) -> Properties:
        """Take the first external subnet that has a free address."""
        subnets = inputs.get("externalSubnetIds") or []
        if not subnets or _gateway_later(inputs):
            return super().send_create(inputs)
        for subnet in subnets[:-1]:
            try:
                return super().send_create(_on_subnet(inputs, subnet))
            except KrajError as error:
                if status_of(error) not in (400, 404, 409):
                    raise
        return super().send_create(_on_subnet(inputs, subnets[-1]))

    def create_body(self, inputs: Properties) -> Properties:
        """Some vendors' routers take their gateway only once they exist."""
        body = super().create_body(inputs)
        if _gateway_later(inputs) or not inputs.get("externalNetworkId"):
            body.pop("external_gateway_info", None)
        return body

    def settle_created(self, identity: str, found: Properties, inputs: Properties) -> Properties:
        """Set the gateway afterwards where that was asked for."""
        if _gateway_later(inputs) and inputs.get("externalNetworkId"):
            gateway = super().create_body(inputs)["external_gateway_info"]
            changed = self.put_update(identity, inputs, {"external_gateway_info": gateway})
            found = changed or found
        return super().settle_created(identity, found, inputs)

    def send_update(
        self, identity: str, olds: Properties, news: Properties, changed: Collection[str]
    ) -> Properties | None:
        """An external network that the program does not name stays as it is."""
        network = news.get("externalNetworkId", olds.get("externalNetworkId"))
        news = {**news, "externalNetworkId": network}
        return super().send_update(identity, olds, news, changed)

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """A gateway is always sent with its network; no network takes the gateway away."""
        body = super().update_body(news, changed)
        if not _GATEWAY.intersection(changed):
            return body
        network = news.get("externalNetworkId")
        kept = {k: v for k, v in body.get("external_gateway_info", {}).items() if v != ""}
        body["external_gateway_info"] = {**kept, "network_id": network} if network else {}
        return body


def _gateway_later(inputs: Mapping[str, Any]) -> bool:
    return bool((inputs.get("vendorOptions") or {}).get("setRouterGatewayAfterCreate"))


def _on_subnet(inputs: Properties, subnet: str) -> Properties:
    return {**inputs, "externalFixedIps": [{"subnetId": subnet}]}


class RouterInterface(NetworkResource):
    """A router's connection to a subnet; its id is that of its port."""

    pulumi_type = "openstack:networking/routerInterface:RouterInterface"
    relation = True
    path = "ports"
    singular = "port"
    created = Watch(
        service="network",
        path="ports",
        singular="port",
        plural="ports",
        list_path="ports",
        list_parameters=lambda ids: [("id", identity) for identity in ids],
        ready=frozenset({"ACTIVE", "DOWN"}),
        action="add interface",
        first_look_seconds=0.0,
    )

    force_destroy = flag(default=False, sent=False, read=False)
    port_id = text(api="id", computed=True, replaces=True)
    router_id = text(api="device_id", required=True, replaces=True)
    subnet_id = text(computed=True, replaces=True)

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """A subnet, or a port on one."""
        if inputs.get("subnetId") is None and inputs.get("portId") is None:
            return {"subnetId": "subnetId or portId is required"}
        return {}

    def find_existing(self, inputs: Properties, _since: float | None) -> list[str]:
        """The router's own port of that id or on that subnet."""
        port = inputs.get("portId")
        wanted = {"port_id": port} if port else {"subnet_id": inputs["subnetId"]}
        found = self._existing(inputs["routerId"], wanted)
        return [] if found is None else [self.identity_of(found)]

    def send_create(self, inputs: Properties) -> Properties:
        """Add the interface; a router takes one at a time.

        An interface that is there already is the one wanted: an earlier run may have been cut off
        after Neutron made it.
        """
        router = inputs["routerId"]
        port = inputs.get("portId")
        body = {"port_id": port} if port else {"subnet_id": inputs["subnetId"]}
        with self.cloud.lock(f"router {router}"):
            try:
                answer = self.cloud.put(
                    self.service,
                    f"routers/{router}/add_router_interface",
                    body,
                    action="add router interface",
                )
            except KrajError as error:
                existing = self._existing(router, body) if status_of(error) in (400, 409) else None
                if existing is None:
                    raise
                return existing
        return {"id": answer["port_id"], "device_id": router, "subnet_id": answer["subnet_id"]}

    def _existing(self, router: str, wanted: Properties) -> Properties | None:
        """The router's own port of that id or on that subnet."""
        criteria = [("device_id", router)]
        if "port_id" in wanted:
            criteria.append(("id", wanted["port_id"]))
        else:
            criteria.append(("fixed_ips", f"subnet_id={wanted['subnet_id']}"))
        found = self.cloud.get(self.service, "ports", parameters=criteria)["ports"]
        own = [port for port in found if "router_interface" in port["device_owner"]]
        return dict(own[0]) if len(own) == 1 else None

    def send_update(
        self, _identity: str, _olds: Properties, _news: Properties, _changed: Collection[str]
    ) -> None:
        """Only `forceDestroy` changes in place, and the cloud knows nothing of it."""

    def send_delete(self, identity: str, outputs: Properties) -> bool:
        """Take the interface away, with the routes through it where that was asked for."""
        router = outputs["routerId"]
        with self.cloud.lock(f"router {router}"):
            if outputs.get("forceDestroy"):
                self.cloud.put(self.service, f"routers/{router}", {"router": {"routes": []}})
            answer = self.cloud.call(
                self.request(
                    "PUT",
                    f"routers/{router}/remove_router_interface",
                    body={"port_id": identity},
                    accepted=frozenset({404}),
                    busy=IN_USE,
                    action="remove router interface",
                )
            )
        return bool(answer.status_code != 404)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """The subnet is that of the port's only address."""
        fixed = found.get("fixed_ips") or []
        if len(fixed) == 1:
            found = {**found, "subnet_id": fixed[0]["subnet_id"]}
        return super().outputs(identity, found, known)


class RouterRoute(NetworkResource):
    """A static route of a router; its id is `<router>-route-<prefix>-<next hop>`."""

    pulumi_type = "openstack:networking/routerRoute:RouterRoute"
    relation = True

    destination_cidr = text(api="destination", required=True, replaces=True, same=same_prefix)
    next_hop = text(api="nexthop", required=True, replaces=True, same=same_address)
    router_id = text(required=True, replaces=True)

    def identity_of(self, found: Properties) -> str:
        """Router, prefix and next hop."""
        return f"{found['router_id']}-route-{found['destination']}-{found['nexthop']}"

    def natural_identity(self, inputs: Properties) -> str:
        """Router, prefix and next hop."""
        return self.identity_of(self.create_body(inputs))

    def send_create(self, inputs: Properties) -> Properties:
        """Add one route and leave the others alone."""
        found = self.create_body(inputs)
        self._change("add_extraroutes", found)
        return found

    def send_delete(self, identity: str, _outputs: Properties) -> bool:
        """Take one route away and leave the others alone."""
        return self._change("remove_extraroutes", _route(identity))

    def fetch(self, identity: str) -> Properties | None:
        """The route, if the router has it."""
        wanted = _route(identity)
        answer = self.cloud.find(self.service, f"routers/{wanted['router_id']}")
        routes = [] if answer is None else answer["router"]["routes"]
        for route in routes:
            if wanted == {**route, "router_id": wanted["router_id"]}:
                return wanted
        return None

    def expected_reads(self, identity: str, _known: Properties) -> tuple[Call, ...]:
        """The router has it."""
        return (self.request("GET", f"routers/{_route(identity)['router_id']}"),)

    def _change(self, action: str, route: Properties) -> bool:
        path = f"routers/{route['router_id']}/{action}"
        routes = [{"destination": route["destination"], "nexthop": route["nexthop"]}]
        answer = self.cloud.call(
            self.request(
                "PUT",
                path,
                body={"router": {"routes": routes}},
                accepted=frozenset({404}) if action.startswith("remove") else frozenset(),
            )
        )
        return bool(answer.status_code != 404)


def _route(identity: str) -> Properties:
    """The route that an id names. Raises KRJ408."""
    router, _, rest = identity.partition("-route-")
    destination, _, next_hop = rest.partition("-")
    if not (router and destination and next_hop):
        raise KrajError(REFUSED, f"{identity!r} is no id of a router's route")
    return {"router_id": router, "destination": destination, "nexthop": next_hop}
