"""Nova: flavours, key pairs, server groups and quotas.

Servers are in `compute_servers`, what is attached to them in `compute_attachments`, look-ups in
`compute_lookups`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from kraj.openstack.cloud import Call
from kraj.openstack.fields import (
    flag,
    integer,
    number,
    record,
    text,
    text_list,
    text_map,
)
from kraj.openstack.finding import Traces
from kraj.openstack.quota import QuotaResource
from kraj.openstack.resource import Properties, Resource


class ComputeResource(Resource):
    """Base of Nova's types."""

    service: ClassVar[str] = "compute"


def _number_or_nothing(value: Any) -> int:
    """Nova shows a flavour without swap as an empty text."""
    return int(value or 0)


class Flavor(ComputeResource):
    """A size of servers. Only description and extra specs can change in place."""

    pulumi_type = "openstack:compute/flavor:Flavor"
    path = "flavors"
    listing = "/detail"
    listing_parameters: ClassVar = {"is_public": "None"}  # both public and private ones
    singular = "flavor"
    microversion = "2.61"  # description and extra specs are part of a flavour

    name = text(replaces=True)
    description = text()
    disk = integer(required=True, replaces=True)
    ephemeral = integer(api="OS-FLV-EXT-DATA:ephemeral", replaces=True)
    extra_specs = text_map(computed=True, sent=False)
    flavor_id = text(api="id", computed=True, replaces=True)
    is_public = flag(api="os-flavor-access:is_public", replaces=True)
    ram = integer(required=True, replaces=True)
    rx_tx_factor = number(api="rxtx_factor", default=1, replaces=True)
    swap = integer(replaces=True, from_api=_number_or_nothing)
    vcpus = integer(required=True, replaces=True)

    def create_body(self, inputs: Properties) -> Properties:
        """A flavour is private unless the program says that it is public; its id is its mark."""
        body = {"os-flavor-access:is_public": False, **super().create_body(inputs)}
        return {"id": self.mark, **body} if self.mark else body

    def natural_identity(self, inputs: Properties) -> str:
        """The id that the program gives, or that of this creation."""
        return str(inputs.get("flavorId") or self.mark)

    def is_proven(self, found: Properties, _inputs: Mapping[str, Any], _traces: Traces) -> bool:
        """Nova keeps no field that it does not know, and tells no age."""
        return bool(self.mark) and found["id"] == self.mark

    def settle_created(self, identity: str, found: Properties, inputs: Properties) -> Properties:
        """Extra specs are set by a request of their own."""
        return {**found, "extra_specs": self._add_specs(identity, inputs.get("extraSpecs") or {})}

    def settle_updated(
        self,
        identity: str,
        found: Properties | None,
        olds: Properties,
        news: Properties,
        changed: Collection[str],
    ) -> Properties | None:
        """Take away the extra specs that are gone and set the others."""
        if "extraSpecs" not in changed:
            return found
        wanted = news.get("extraSpecs") or {}
        for name in (olds.get("extraSpecs") or {}).keys() - wanted.keys():
            self.cloud.delete(self.service, f"{self._specs_path(identity)}/{quote(name)}")
        self._add_specs(identity, wanted)
        return None

    def _add_specs(self, identity: str, specs: dict[str, str]) -> dict[str, str]:
        if specs:
            path = self._specs_path(identity)
            self.cloud.post(self.service, path, {"extra_specs": specs}, idempotent=True)
        return specs

    def _specs_path(self, identity: str) -> str:
        return f"{self.object_path(identity)}/os-extra_specs"


class FlavorAccess(ComputeResource):
    """A project's right to use a private flavour; its id is `<flavour>/<project>`."""

    pulumi_type = "openstack:compute/flavorAccess:FlavorAccess"
    relation = True

    flavor_id = text(required=True, replaces=True)
    tenant_id = text(required=True, replaces=True)

    def identity_of(self, found: Properties) -> str:
        """Flavour and project."""
        return f"{found['flavor_id']}/{found['tenant_id']}"

    def natural_identity(self, inputs: Properties) -> str:
        """Flavour and project."""
        return self.identity_of(self.create_body(inputs))

    def send_create(self, inputs: Properties) -> Properties:
        """Add the project; that it has the right already is fine."""
        found = self.create_body(inputs)
        self._act("addTenantAccess", found, accepted=frozenset({409}))
        return found

    def fetch(self, identity: str) -> Properties | None:
        """The right, if the flavour's list has it."""
        flavor, project = self.identity_parts(identity, "<flavour>/<project>")
        answer = self.cloud.find(self.service, f"flavors/{flavor}/os-flavor-access")
        rights = [] if answer is None else answer["flavor_access"]
        return next((dict(right) for right in rights if right["tenant_id"] == project), None)

    def send_delete(self, identity: str, _outputs: Properties) -> bool:
        """Take the right away."""
        flavor, project = self.identity_parts(identity, "<flavour>/<project>")
        right = {"flavor_id": flavor, "tenant_id": project}
        return self._act("removeTenantAccess", right, accepted=frozenset({404}))

    def _act(self, action: str, right: Properties, accepted: frozenset[int]) -> bool:
        path = f"flavors/{right['flavor_id']}/action"
        body = {action: {"tenant": right["tenant_id"]}}
        answer = self.cloud.call(self.request("POST", path, body=body, accepted=accepted))
        return bool(answer.status_code != 404)


class Keypair(ComputeResource):
    """A public key for logging in to servers; its id is its name.

    Without `publicKey` Nova makes a pair and tells the private key once; the state keeps it
    encrypted.
    """

    pulumi_type = "openstack:compute/keypair:Keypair"
    path = "os-keypairs"
    singular = "keypair"
    secret_once = "publicKey"  # noqa: S105 - the name of a property; Nova tells the private key of a pair that it made
    microversion = "2.10"  # pairs of other users; from 2.92 on Nova makes no keys any more

    name = text(replaces=True)
    fingerprint = text(output_only=True)
    private_key = text(output_only=True, secret=True)
    public_key = text(computed=True, replaces=True)
    user_id = text(computed=True, replaces=True, read=False)
    value_specs = text_map(replaces=True, sent=False, read=False)

    def identity_of(self, found: Properties) -> str:
        """Key pairs have no id of their own."""
        return str(found["name"])

    def read(self, identity: str, known: Properties) -> Properties | None:
        """Look where the pair's user keeps it."""
        answer = self.cloud.find(
            self.service,
            self.object_path(identity),
            microversion=self.microversion,
            parameters=_of_user(known),
        )
        return None if answer is None else self.outputs(identity, self.unwrapped(answer), known)

    def expected_reads(self, identity: str, known: Properties) -> tuple[Call, ...]:
        """Look where the pair's user keeps it."""
        return (self.request("GET", self.object_path(identity), parameters=_of_user(known)),)

    def natural_identity(self, inputs: Properties) -> str:
        """Names are ids."""
        return str(inputs["name"])

    def object_path(self, identity: str) -> str:
        """Names may hold any character."""
        return f"{self.path}/{quote(identity, safe='')}"

    def send_delete(self, identity: str, outputs: Properties) -> bool:
        """Delete the pair of its user."""
        return self.cloud.delete(
            self.service,
            self.object_path(identity),
            microversion=self.microversion,
            parameters=_of_user(outputs),
            action=self.action("delete", outputs, identity),
        )


def _of_user(properties: Properties) -> dict[str, str]:
    user = properties.get("userId")
    return {"user_id": user} if user else {}


class ServerGroup(ComputeResource):
    """Servers that are kept together or apart; a group cannot be changed, only replaced."""

    pulumi_type = "openstack:compute/serverGroup:ServerGroup"
    path = "os-server-groups"
    singular = "server_group"
    microversion = "2.64"  # one policy with rules

    name = text(replaces=True)
    #: Sorted, since Nova lists them in any order.
    members = text_list(output_only=True, from_api=lambda ids: sorted(ids or ()))
    policies = text(api="policy", replaces=True)
    rules = record({"max_server_per_host": integer(replaces=True)}, computed=True, replaces=True)
    value_specs = text_map(replaces=True, sent=False, read=False)

    def create_body(self, inputs: Properties) -> Properties:
        """Only anti-affinity has rules."""
        body = super().create_body(inputs)
        if body.get("policy") != "anti-affinity" or not (body.get("rules") or {}):
            body.pop("rules", None)
        return body


class QuotaSetV2(QuotaResource):
    """A project's compute quota. `ram` is in MiB."""

    pulumi_type = "openstack:compute/quotaSetV2:QuotaSetV2"
    service = "compute"
    path = "os-quota-sets"
    singular = "quota_set"

    cores = integer(computed=True)
    fixed_ips = integer(computed=True)
    floating_ips = integer(computed=True)
    injected_file_content_bytes = integer(computed=True)
    injected_file_path_bytes = integer(computed=True)
    injected_files = integer(computed=True)
    instances = integer(computed=True)
    key_pairs = integer(computed=True)
    metadata_items = integer(computed=True)
    ram = integer(computed=True)
    security_group_rules = integer(computed=True)
    security_groups = integer(computed=True)
    server_group_members = integer(computed=True)
    server_groups = integer(computed=True)
