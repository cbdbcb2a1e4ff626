"""Nova: look-ups of flavours, key pairs, server groups, quotas and availability zones."""

from __future__ import annotations

from typing import ClassVar

from kraj.openstack.compute import Flavor, Keypair, QuotaSetV2, ServerGroup
from kraj.openstack.compute_servers import Instance
from kraj.openstack.datasource import DataSource
from kraj.openstack.resource import Properties


class GetFlavor(DataSource):
    """One flavour by its properties; `minRam` (MiB) and `minDisk` (GiB) are lower bounds."""

    pulumi_function = "openstack:compute/getFlavor:getFlavor"
    resource = Flavor
    plural = "flavors"
    identity_argument = "flavorId"

    def candidates(self, given: Properties) -> list[Properties]:
        """Private flavours are listed only to administrators who ask for them."""
        if given.get("flavorId"):
            return super().candidates(given)
        public = given.get("isPublic")
        parameters = {
            "is_public": "None" if public is None else str(bool(public)),
            "minRam": given.get("minRam", 0),
            "minDisk": given.get("minDisk", 0),
        }
        answer = self.cloud.get(
            "compute", "flavors/detail", parameters=parameters, microversion=Flavor.microversion
        )
        return list(answer["flavors"])


class GetKeypair(DataSource):
    """One key pair of the own or of another user."""

    pulumi_function = "openstack:compute/getKeypair:getKeypair"
    resource = Keypair

    def candidates(self, given: Properties) -> list[Properties]:
        """Key pairs are found by name and user."""
        user = {"user_id": given["userId"]} if given.get("userId") else {}
        resource = Keypair(self.cloud)
        answer = self.cloud.find(
            "compute",
            resource.object_path(given["name"]),
            parameters=user,
            microversion=Keypair.microversion,
        )
        return [] if answer is None else [resource.unwrapped(answer)]

    def shown(self, item: Properties) -> Properties:
        """A look-up knows no private key."""
        outputs = {**super().shown(item), "userId": item["user_id"]}
        del outputs["privateKey"]
        return outputs


class GetServergroupV2(DataSource):
    """One server group by its name."""

    pulumi_function = "openstack:compute/getServergroupV2:getServergroupV2"
    resource = ServerGroup
    plural = "server_groups"

    def shown(self, item: Properties) -> Properties:
        """Pulumi shows policy and rules of this look-up as lists."""
        outputs = super().shown(item)
        return {
            **outputs,
            "policies": [item["policy"]],
            "rules": [outputs["rules"]],
            "metadata": {},
            "projectId": item["project_id"],
            "userId": item["user_id"],
        }


class GetQuotaSetV2(DataSource):
    """A project's compute quota."""

    pulumi_function = "openstack:compute/getQuotaSetV2:getQuotaSetV2"
    resource = QuotaSetV2

    def candidates(self, given: Properties) -> list[Properties]:
        """A project has exactly one."""
        project = given["projectId"]
        found = QuotaSetV2(self.cloud).must_fetch(project)
        return [{**found, "id": f"{project}/{self.cloud.region_name}"}]


class GetAvailabilityZones(DataSource):
    """Names of the zones that servers can be placed in, in order."""

    pulumi_function = "openstack:compute/getAvailabilityZones:getAvailabilityZones"
    service: ClassVar[str] = "compute"
    zones_path: ClassVar[str] = "os-availability-zone"

    def look_up(self, arguments: Properties) -> Properties:
        """Zones in the state asked for, `available` where none is named."""
        state = arguments.get("state") or "available"
        answer = self.cloud.get(self.service, self.zones_path)
        names = sorted(
            zone["zoneName"]
            for zone in answer["availabilityZoneInfo"]
            if zone["zoneState"]["available"] == (state == "available")
        )
        region = arguments.get("region") or self.cloud.region_name
        return {"id": ",".join(names), "names": names, "state": state, "region": region}


class GetInstanceV2(DataSource):
    """One server by its id."""

    pulumi_function = "openstack:compute/getInstanceV2:getInstanceV2"
    resource = Instance
    identity_argument = "id"
