"""Neutron: floating addresses and their association with ports."""

from __future__ import annotations

from collections.abc import Collection

from kraj.errors import KrajError
from kraj.openstack.errors import NOT_UNIQUE, status_of
from kraj.openstack.fields import text, text_list, text_map
from kraj.openstack.neutron import NetworkResource, TaggedResource
from kraj.openstack.resource import Properties
from kraj.openstack.spelling import same_address


class FloatingIp(TaggedResource):
    """An address of an external network, for one port at a time.

    `pool` is the external network's name or id.
    """

    pulumi_type = "openstack:networking/floatingIp:FloatingIp"
    path = "floatingips"
    singular = "floatingip"
    told_by = ("description", "floating_network_id")  # addresses have no names

    address = text(api="floating_ip_address", computed=True, replaces=True, same=same_address)
    description = text()
    dns_domain = text(computed=True, replaces=True)
    dns_name = text(computed=True, replaces=True)
    fixed_ip = text(api="fixed_ip_address", computed=True, same=same_address)
    pool = text(required=True, replaces=True, sent=False, read=False)
    port_id = text(computed=True)
    subnet_id = text(computed=True, read=False)
    subnet_ids = text_list(sent=False, read=False, conflicts=("subnetId",))
    tenant_id = text(computed=True, replaces=True)
    value_specs = text_map(replaces=True, sent=False, read=False)

    def create_body(self, inputs: Properties) -> Properties:
        """Name the external network by its id."""
        body = {key: value for key, value in super().create_body(inputs).items() if value != ""}
        return {**body, "floating_network_id": self._network(inputs["pool"])["id"]}

    def send_create(self, inputs: Properties) -> Properties:
        """Take the first of the given subnets that has a free address."""
        for subnet in inputs.get("subnetIds") or []:
            try:
                return super().send_create({**inputs, "subnetId": subnet})
            except KrajError as error:
                if status_of(error) not in (400, 404, 409):
                    raise
        return super().send_create(inputs)

    def send_update(
        self, identity: str, olds: Properties, news: Properties, changed: Collection[str]
    ) -> Properties | None:
        """A port that the program does not name stays as it is."""
        news = {**news, "portId": news.get("portId", olds.get("portId"))}
        return super().send_update(identity, olds, news, changed)

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """A fixed address is sent with its port; an empty port is null."""
        body = super().update_body(news, changed)
        if "fixedIp" in changed or "portId" in changed:
            body["port_id"] = news.get("portId") or None
        if not body.get("fixed_ip_address"):
            body.pop("fixed_ip_address", None)
        return body

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """The pool is shown as the program names it, else by its name."""
        result = super().outputs(identity, found, known)
        network = found.get("floating_network_id")
        if not result.get("pool") and network:
            result["pool"] = self._network(network)["name"]
        return result

    def _network(self, name_or_id: str) -> Properties:
        """Id and name of the external network. Raises KRJ414."""
        for criterion in ("name", "id"):
            parameters = {criterion: name_or_id, "fields": ["id", "name"]}
            found = self.cloud.get("network", "networks", parameters=parameters)["networks"]
            if len(found) == 1:
                return dict(found[0])
            if found:
                raise KrajError(NOT_UNIQUE, f"{len(found)} networks are named {name_or_id!r}")
        raise KrajError(NOT_UNIQUE, f"no network has the name or id {name_or_id!r}")


class FloatingIpAssociate(NetworkResource):
    """A floating address given to a port; its id is that of the floating address."""

    pulumi_type = "openstack:networking/floatingIpAssociate:FloatingIpAssociate"
    relation = True
    path = "floatingips"
    singular = "floatingip"

    fixed_ip = text(api="fixed_ip_address", computed=True, same=same_address)
    floating_ip = text(api="floating_ip_address", required=True, replaces=True, sent=False)
    port_id = text(required=True)

    def find_existing(self, inputs: Properties, _since: float | None) -> list[str]:
        """The address, if it points at the port."""
        criteria = {"floating_ip_address": inputs["floatingIp"], "port_id": inputs["portId"]}
        found = self.cloud.get(self.service, self.path, parameters=criteria)["floatingips"]
        return [str(item["id"]) for item in found if item["port_id"] == inputs["portId"]]

    def send_create(self, inputs: Properties) -> Properties:
        """Point the address at the port."""
        address = inputs["floatingIp"]
        answer = self.cloud.get(
            self.service, self.path, parameters={"floating_ip_address": address, "fields": "id"}
        )
        found = answer["floatingips"]
        if len(found) != 1:
            raise KrajError(NOT_UNIQUE, f"{len(found) or 'no'} floating address is {address!r}")
        body = {key: value for key, value in self.create_body(inputs).items() if value != ""}
        changed = self.put_update(found[0]["id"], inputs, body)
        return changed or {}

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """The port is always named."""
        return {**super().update_body(news, changed), "port_id": news["portId"]}

    def send_delete(self, identity: str, _outputs: Properties) -> bool:
        """Take the address away from the port."""
        body = self.wrapped({"port_id": None})
        path = self.object_path(identity)
        answer = self.cloud.call(self.request("PUT", path, body=body, accepted=frozenset({404})))
        return bool(answer.status_code != 404)

    def fetch(self, identity: str) -> Properties | None:
        """An address without a port is not associated."""
        found = super().fetch(identity)
        return found if found and found.get("port_id") else None
