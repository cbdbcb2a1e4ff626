"""Designate: zones and record sets.

Objects belong to the provider's own project; Designate's ways to act for another project are left
out.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import ClassVar, Final

from kraj.errors import KrajError
from kraj.openstack.datasource import DataSource
from kraj.openstack.errors import REFUSED
from kraj.openstack.fields import flag, integer, text, text_map, text_set
from kraj.openstack.resource import Properties, Resource
from kraj.openstack.spelling import same_ignoring_case
from kraj.openstack.waiter import Watch

_READY: Final = Watch(service="dns", path="zones", first_look_seconds=0.6)


class DnsResource(Resource):
    """Base of Designate's types: changes take effect a little later on the name servers."""

    service: ClassVar[str] = "dns"
    disable_status_check = flag(default=False, sent=False, read=False)

    def send_create(self, inputs: Properties) -> Properties:
        """Only the own project is acted for."""
        project = inputs.get("projectId")
        if project and project != self.cloud.project_id:
            raise KrajError(
                REFUSED,
                f"{self.action('create', inputs)}: projectId is {project!r}, but the provider "
                f"acts for project {self.cloud.project_id!r}",
                hint="Use a provider that is configured with that project.",
            )
        return super().send_create(inputs)

    def settle_created(self, identity: str, found: Properties, inputs: Properties) -> Properties:
        """Wait until the name servers answer."""
        return self._served(identity, found, inputs, "create")

    def settle_updated(
        self,
        identity: str,
        found: Properties | None,
        _olds: Properties,
        news: Properties,
        _changed: Collection[str],
    ) -> Properties | None:
        """Wait until the name servers answer anew, where something was changed."""
        return None if found is None else self._served(identity, found, news, "change")

    def delete(self, identity: str, outputs: Properties) -> None:
        """Delete and wait until the name servers have forgotten it."""
        if self.send_delete(identity, outputs) and not outputs.get("disableStatusCheck"):
            gone = replace(self._watch(), gone=True, failed=frozenset(), action="delete")
            self.cloud.waiter.wait(gone, identity.rpartition("/")[2], self.timeout)

    def _served(
        self, identity: str, found: Properties, properties: Properties, action: str
    ) -> Properties:
        if properties.get("disableStatusCheck"):
            return found
        watch = replace(self._watch(), action=action)
        return self.cloud.waiter.wait(watch, identity.rpartition("/")[2], self.timeout)

    def _watch(self) -> Watch:
        return replace(_READY, path=self.collection_path())


class Zone(DnsResource):
    """A domain; its name ends with a dot. `ttl` is in seconds."""

    pulumi_type = "openstack:dns/zone:Zone"
    path = "zones"
    update_method = "PATCH"

    name = text(replaces=True, same=same_ignoring_case)
    description = text()
    attributes = text_map(replaces=True)
    email = text()
    masters = text_set()
    project_id = text(computed=True, replaces=True, sent=False)
    ttl = integer(computed=True)
    type = text(computed=True, replaces=True, choices=("PRIMARY", "SECONDARY"))
    value_specs = text_map(replaces=True, sent=False, read=False)


class RecordSet(DnsResource):
    """All records of one name and type; its id is `<zone>/<record set>`. `ttl` is in seconds."""

    pulumi_type = "openstack:dns/recordSet:RecordSet"
    told_by = ("name", "type")
    zone: str = ""

    name = text(replaces=True, same=same_ignoring_case)
    description = text()
    project_id = text(computed=True, replaces=True, sent=False)
    records = text_set(required=True)
    ttl = integer(computed=True)
    type = text(computed=True, replaces=True)
    value_specs = text_map(replaces=True, sent=False, read=False)
    zone_id = text(required=True, replaces=True, sent=False)

    def collection_path(self) -> str:
        """Record sets are kept by zone."""
        return f"zones/{self.zone}/recordsets"

    def object_path(self, identity: str) -> str:
        """The id names the zone."""
        self.zone, record_set = self.identity_parts(identity, "<zone>/<record set>")
        return super().object_path(record_set)

    def identity_of(self, found: Properties) -> str:
        """Zone and record set."""
        return f"{found['zone_id']}/{found['id']}"

    def find_existing(self, inputs: Properties, since: float | None) -> list[str]:
        """Look in the zone, where name and type occur once."""
        self.zone = inputs["zoneId"]
        return super().find_existing(inputs, since)

    def send_create(self, inputs: Properties) -> Properties:
        """Make it in its zone."""
        self.zone = inputs["zoneId"]
        return super().send_create(inputs)


class GetDnsZone(DataSource):
    """One zone by its properties."""

    pulumi_function = "openstack:dns/getDnsZone:getDnsZone"
    resource = Zone
    plural = "zones"
    criteria: ClassVar = {
        "name": "name",
        "description": "description",
        "email": "email",
        "status": "status",
        "ttl": "ttl",
        "type": "type",
    }

    def shown(self, item: Properties) -> Properties:
        """This look-up shows more than the type."""
        return {
            **super().shown(item),
            "createdAt": item["created_at"],
            "poolId": item["pool_id"],
            "serial": item["serial"],
            "status": item["status"],
            "transferredAt": item["transferred_at"] or "",
            "updatedAt": item["updated_at"] or "",
            "version": item["version"],
        }
