"""Cinder: volume types, who may use them, their qualities of service, and quotas."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from kraj.openstack.blockstorage import BlockStorageResource
from kraj.openstack.fields import WHOLE, flag, integer, text, text_map
from kraj.openstack.quota import QuotaResource
from kraj.openstack.resource import Properties
from kraj.openstack.values import has_unknown


class VolumeTypeV3(BlockStorageResource):
    """A kind of storage that volumes can be made of."""

    pulumi_type = "openstack:blockstorage/volumeTypeV3:VolumeTypeV3"
    path = "types"
    listing_parameters: ClassVar = {"is_public": "None"}  # both public and private ones
    singular = "volume_type"

    name = text()
    description = text(computed=True)
    extra_specs = text_map(computed=True)
    is_public = flag(computed=True)

    def create_body(self, inputs: Properties) -> Properties:
        """A type is private unless the program says that it is public."""
        body = super().create_body(inputs)
        body["os-volume-type-access:is_public"] = body.pop("is_public", False)
        return body

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """Extra specs change by requests of their own."""
        body = super().update_body(news, changed)
        return {key: value for key, value in body.items() if key != "extra_specs"}

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
        path = f"{self.object_path(identity)}/extra_specs"
        wanted = news.get("extraSpecs") or {}
        for name in (olds.get("extraSpecs") or {}).keys() - wanted.keys():
            self.cloud.delete(self.service, f"{path}/{quote(name)}")
        if wanted:
            self.cloud.post(self.service, path, {"extra_specs": wanted}, idempotent=True)
        return None


class VolumeTypeAccessV3(BlockStorageResource):
    """A project's right to use a private volume type; its id is `<type>/<project>`."""

    pulumi_type = "openstack:blockstorage/volumeTypeAccessV3:VolumeTypeAccessV3"
    relation = True

    project_id = text(required=True, replaces=True)
    volume_type_id = text(required=True, replaces=True)

    def identity_of(self, found: Properties) -> str:
        """Type and project."""
        return f"{found['volume_type_id']}/{found['project_id']}"

    def natural_identity(self, inputs: Properties) -> str:
        """Type and project."""
        return self.identity_of(self.create_body(inputs))

    def send_create(self, inputs: Properties) -> Properties:
        """Add the project."""
        found = self.create_body(inputs)
        self._act("addProjectAccess", found)
        return found

    def fetch(self, identity: str) -> Properties | None:
        """The right, if the type's list has it."""
        kind, project = self.identity_parts(identity, "<type>/<project>")
        answer = self.cloud.find(self.service, f"types/{kind}/os-volume-type-access")
        rights = [] if answer is None else answer["volume_type_access"]
        return next((dict(right) for right in rights if right["project_id"] == project), None)

    def send_delete(self, identity: str, _outputs: Properties) -> bool:
        """Take the right away."""
        kind, project = self.identity_parts(identity, "<type>/<project>")
        right = {"volume_type_id": kind, "project_id": project}
        return self._act("removeProjectAccess", right, accepted=frozenset({404}))

    def _act(self, action: str, right: Properties, accepted: frozenset[int] = frozenset()) -> bool:
        path = f"types/{right['volume_type_id']}/action"
        body = {action: {"project": right["project_id"]}}
        answer = self.cloud.call(self.request("POST", path, body=body, accepted=accepted))
        return bool(answer.status_code != 404)


class QosV3(BlockStorageResource):
    """Limits of speed, enforced by the hypervisor (`front-end`), the storage, or both."""

    pulumi_type = "openstack:blockstorage/qosV3:QosV3"
    path = "qos-specs"
    listing_parameters: ClassVar = {"name": None}  # Cinder's own filter finds no name
    singular = "qos_specs"

    name = text(replaces=True)
    consumer = text(computed=True, choices=("front-end", "back-end", "both"))
    specs = text_map()

    def create_body(self, inputs: Properties) -> Properties:
        """The limits stand beside name and consumer."""
        body = super().create_body(inputs)
        specs = body.pop("specs", {})
        return {**body, **specs}

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """The limits stand beside the consumer."""
        body = super().update_body(news, changed)
        specs = body.pop("specs", {})
        return {**body, **specs}

    def settle_updated(
        self,
        identity: str,
        _found: Properties | None,
        olds: Properties,
        news: Properties,
        changed: Collection[str],
    ) -> Properties | None:
        """Take away the limits that are gone; Cinder's answer to a change is incomplete."""
        gone = (olds.get("specs") or {}).keys() - (news.get("specs") or {}).keys()
        if "specs" in changed and gone:
            path = f"{self.object_path(identity)}/delete_keys"
            self.cloud.put(self.service, path, {"keys": sorted(gone)})
        return None

    def send_delete(self, identity: str, outputs: Properties) -> bool:
        """Take the limits from all volume types first."""
        self.cloud.find(self.service, f"{self.object_path(identity)}/disassociate_all")
        return super().send_delete(identity, outputs)


class QosAssociationV3(BlockStorageResource):
    """Limits given to a volume type; its id is `<limits>/<type>`."""

    pulumi_type = "openstack:blockstorage/qosAssociationV3:QosAssociationV3"
    relation = True

    qos_id = text(required=True, replaces=True)
    volume_type_id = text(required=True, replaces=True)

    def identity_of(self, found: Properties) -> str:
        """Limits and type."""
        return f"{found['qos_id']}/{found['volume_type_id']}"

    def natural_identity(self, inputs: Properties) -> str:
        """Limits and type."""
        return self.identity_of(self.create_body(inputs))

    def send_create(self, inputs: Properties) -> Properties:
        """Give the limits to the type."""
        found = self.create_body(inputs)
        self._act("associate", found)
        return found

    def fetch(self, identity: str) -> Properties | None:
        """The association, if the limits' list has it."""
        limits, kind = self.identity_parts(identity, "<limits>/<type>")
        answer = self.cloud.find(self.service, f"qos-specs/{limits}/associations")
        types = [] if answer is None else [one["id"] for one in answer["qos_associations"]]
        return {"qos_id": limits, "volume_type_id": kind} if kind in types else None

    def send_delete(self, identity: str, _outputs: Properties) -> bool:
        """Take the limits from the type."""
        limits, kind = self.identity_parts(identity, "<limits>/<type>")
        return self._act("disassociate", {"qos_id": limits, "volume_type_id": kind})

    def _act(self, action: str, pair: Properties) -> bool:
        """Cinder changes associations by GET."""
        path = f"qos-specs/{pair['qos_id']}/{action}"
        accepted = frozenset({404}) if action == "disassociate" else frozenset[int]()
        parameters = {"vol_type_id": pair["volume_type_id"]}
        call = self.request("GET", path, parameters=parameters, accepted=accepted)
        return bool(self.cloud.call(call).status_code != 404)


def _limits(properties: Mapping[str, Any]) -> dict[str, str]:
    """The limits per type that are any."""
    named = properties.get("volumeTypeQuota") or {}
    return {key: str(limit) for key, limit in named.items() if str(limit) != "-1"}


def _whole_numbers(limits: Any) -> dict[str, int]:
    return {name: int(limit) for name, limit in limits.items()}


class QuoteSetV3(QuotaResource):
    """A project's volume quota, sizes in GiB (the name is spelled as Pulumi spells it).

    `volumeTypeQuota` holds limits per volume type: `gigabytes_fast`, `volumes_fast`, …
    """

    pulumi_type = "openstack:blockstorage/quoteSetV3:QuoteSetV3"
    service = "block-storage"
    path = "os-quota-sets"
    singular = "quota_set"

    backup_gigabytes = integer(computed=True)
    backups = integer(computed=True)
    gigabytes = integer(computed=True)
    groups = integer(computed=True)
    per_volume_gigabytes = integer(computed=True)
    snapshots = integer(computed=True)
    volume_type_quota = text_map(api=WHOLE, to_api=_whole_numbers, read=False)
    volumes = integer(computed=True)

    @classmethod
    def refine_changes(
        cls, olds: Mapping[str, Any], news: Mapping[str, Any], changes: dict[str, bool]
    ) -> dict[str, bool]:
        """A type that nobody spoke of, as one that the cloud got since, has no limit (-1)."""
        if has_unknown(news.get("volumeTypeQuota")) or _limits(olds) != _limits(news):
            return changes
        return {name: forced for name, forced in changes.items() if name != "volumeTypeQuota"}

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """Limits per type that the program no longer names stay as they are."""
        named = set(changed) if news.get("volumeTypeQuota") else set(changed) - {"volumeTypeQuota"}
        return super().update_body(news, named)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Of the limits per type, those that the program names are shown."""
        result = super().outputs(identity, found, known)
        named = known.get("volumeTypeQuota") or {}
        if named:
            shown = {name: str(found[name]) for name in named if name in found}
            result["volumeTypeQuota"] = shown
        return result
