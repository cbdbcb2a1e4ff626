"""Octavia: members of pools, and how their health is watched."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from kraj.openstack.cloud import Call
from kraj.openstack.fields import flag, integer, record_set, text, text_set, to_api
from kraj.openstack.octavia import OctaviaResource
from kraj.openstack.resource import Made, Properties

_KINDS: Final = (
    *("HTTP", "HTTPS", "PING", "SCTP", "TCP"),
    *("TLS-HELLO", "UDP-CONNECT"),
)


class Member(OctaviaResource):
    """One server of a pool. An import names it as `<pool>/<member>`."""

    pulumi_type = "openstack:loadbalancer/member:Member"
    singular = "member"
    told_by = ("address", "protocol_port")
    pool: str = ""

    name = text()
    address = text(required=True, replaces=True)
    admin_state_up = flag(default=True)
    backup = flag()
    monitor_address = text()
    monitor_port = integer()
    pool_id = text(required=True, replaces=True, sent=False)
    protocol_port = integer(required=True, replaces=True)
    subnet_id = text(replaces=True)
    tags = text_set()
    tenant_id = text(api="project_id", computed=True, replaces=True)
    weight = integer(computed=True)

    def balancer_of(self, properties: Properties) -> str:
        """That of the pool."""
        self.pool = properties["poolId"]
        return self.behind_pool(self.pool)

    def collection_path(self) -> str:
        """Members are kept by pool."""
        return f"lbaas/pools/{self.pool}/members"

    def find_existing(self, inputs: Properties, since: float | None) -> list[str]:
        """Look in the pool, where address and port occur once."""
        self.pool = inputs["poolId"]
        return super().find_existing(inputs, since)

    def read(self, identity: str, known: Properties) -> Properties | None:
        """Look in the pool that is known, or that the id names."""
        return super().read(self._in_pool(identity, known), known)

    def expected_reads(self, identity: str, known: Properties) -> tuple[Call, ...]:
        """Look in the pool that is known, or that the id names."""
        return super().expected_reads(self._in_pool(identity, known), known)

    def _in_pool(self, identity: str, known: Properties) -> str:
        """The member's own id; the pool is taken note of."""
        pool, _, member = identity.rpartition("/")
        self.pool = pool or known["poolId"]
        return member

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Octavia does not name the pool."""
        return super().outputs(identity, {**found, "pool_id": self.pool}, known)


class Members(OctaviaResource):
    """All servers of a pool at once; the id is that of the pool."""

    pulumi_type = "openstack:loadbalancer/members:Members"
    relation = True
    path = "lbaas/pools"
    singular = "pool"

    members = record_set(
        {
            "address": text(required=True),
            "admin_state_up": flag(default=True),
            "backup": flag(),
            "id": text(output_only=True),
            "monitor_address": text(),
            "monitor_port": integer(),
            "name": text(),
            "protocol_port": integer(required=True),
            "subnet_id": text(),
            "weight": integer(default=1),
        }
    )
    pool_id = text(required=True, replaces=True)

    def balancer_of(self, properties: Properties) -> str:
        """That of the pool."""
        return self.behind_pool(properties["poolId"])

    def natural_identity(self, inputs: Properties) -> str:
        """That of the pool."""
        return str(inputs["poolId"])

    def create(self, inputs: Properties) -> Made:
        """Set the pool's members."""
        return super().create({"members": [], **inputs})

    def send_create(self, inputs: Properties) -> Properties:
        """Replace all members by those of the program."""
        return self._replace(inputs["poolId"], inputs)

    def send_update(
        self, identity: str, _olds: Properties, news: Properties, _changed: Collection[str]
    ) -> Properties | None:
        """Replace all members by those of the program."""
        return self._replace(identity, news)

    def settle(self, identity: str) -> Properties:
        """The pool is ready when its members are; they are listed then."""
        super().settle(identity)
        return self._listed(identity)

    def fetch(self, identity: str) -> Properties | None:
        """The members, if there is the pool."""
        return None if super().fetch(identity) is None else self._listed(identity)

    def delete(self, identity: str, outputs: Properties) -> None:
        """Leave the pool without members."""
        balancer = self.balancer_of({**outputs, "poolId": identity})
        if balancer:
            with self.alone_on(balancer):
                self._replace(identity, {})
                self.settle(identity)

    def _replace(self, pool: str, properties: Properties) -> Properties:
        members = self.fields["members"]
        body = {"members": to_api(members, properties.get("members") or [])}
        path = f"{self.object_path(pool)}/members"
        action = f"set members of pool {pool!r}"
        self.when_free(lambda: self.cloud.put(self.service, path, body, action=action))
        return {"id": pool}

    def _listed(self, pool: str) -> Properties:
        answer = self.cloud.get(self.service, f"{self.object_path(pool)}/members")
        return {"id": pool, "pool_id": pool, "members": answer["members"]}


class Monitor(OctaviaResource):
    """How a pool's members are asked whether they are well; times in seconds."""

    pulumi_type = "openstack:loadbalancer/monitor:Monitor"
    path = "lbaas/healthmonitors"
    singular = "healthmonitor"

    name = text()
    admin_state_up = flag(default=True)
    delay = integer(required=True)
    domain_name = text()
    expected_codes = text(computed=True)
    http_method = text(computed=True)
    http_version = text(to_api=float, from_api=lambda number: "" if number is None else str(number))
    max_retries = integer(required=True)
    max_retries_down = integer(computed=True)
    pool_id = text(required=True, replaces=True)
    tenant_id = text(api="project_id", computed=True, replaces=True)
    timeout_ = integer(required=True)
    type = text(required=True, replaces=True, choices=_KINDS)
    url_path = text(computed=True)

    def balancer_of(self, properties: Properties) -> str:
        """That of the pool."""
        return self.behind_pool(properties["poolId"])

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Octavia shows a list of the one pool."""
        for pool in found.get("pools") or []:
            found = {**found, "pool_id": pool["id"]}
        return super().outputs(identity, found, known)
