"""Cinder: look-ups of volumes, quotas and availability zones."""

from __future__ import annotations

from kraj.openstack.blockstorage import Volume
from kraj.openstack.blockstorage_types import QuoteSetV3
from kraj.openstack.compute_lookups import GetAvailabilityZones
from kraj.openstack.datasource import DataSource
from kraj.openstack.resource import Properties


class GetVolumeV3(DataSource):
    """One volume by its properties."""

    pulumi_function = "openstack:blockstorage/getVolumeV3:getVolumeV3"
    resource = Volume
    plural = "volumes"

    def candidates(self, given: Properties) -> list[Properties]:
        """Name and status are filters of Cinder's."""
        parameters = {name: given[name] for name in ("name", "status") if given.get(name)}
        answer = self.cloud.get("block-storage", "volumes/detail", parameters=parameters)
        return list(answer["volumes"])

    def shown(self, item: Properties) -> Properties:
        """This look-up shows more than the type, and names the source in its own way."""
        outputs = super().shown(item)
        return {
            **outputs,
            "sourceVolumeId": outputs["sourceVolId"],
            "status": item["status"],
            "bootable": item["bootable"],
            "host": item.get("os-vol-host-attr:host", ""),
        }

    def fits(self, outputs: Properties, given: Properties) -> bool:
        """All metadata given must be there."""
        wanted = (given.get("metadata") or {}).items()
        rest = {name: value for name, value in given.items() if name != "metadata"}
        return wanted <= outputs["metadata"].items() and super().fits(outputs, rest)


class GetQuotasetV3(DataSource):
    """A project's volume quota, with all limits per volume type."""

    pulumi_function = "openstack:blockstorage/getQuotasetV3:getQuotasetV3"
    resource = QuoteSetV3

    def candidates(self, given: Properties) -> list[Properties]:
        """A project has exactly one."""
        project = given["projectId"]
        found = QuoteSetV3(self.cloud).must_fetch(project)
        return [{**found, "id": f"{project}/{self.cloud.region_name}"}]

    def shown(self, item: Properties) -> Properties:
        """What is no limit of the project as a whole is one per volume type."""
        whole = {declared.api for declared in QuoteSetV3.fields.values()}
        per_type = {key: str(value) for key, value in item.items() if key not in {"id", *whole}}
        return {**super().shown(item), "volumeTypeQuota": per_type}


class GetAvailabilityZonesV3(GetAvailabilityZones):
    """Names of the zones that volumes can be placed in, in order."""

    pulumi_function = "openstack:blockstorage/getAvailabilityZonesV3:getAvailabilityZonesV3"
    service = "block-storage"
