"""Cinder: volumes.

Volume types, their qualities and quotas are in `blockstorage_types`, look-ups in
`blockstorage_lookups`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar, Final

from kraj.errors import KrajError
from kraj.openstack.errors import FAILED_STATE, REFUSED, status_of
from kraj.openstack.fields import (
    Field,
    flag,
    integer,
    record_set,
    text,
    text_list,
    text_map,
    to_api,
)
from kraj.openstack.resource import IN_USE, Properties, Resource
from kraj.openstack.waiter import Watch

#: From this version on, a volume in use can grow.
_ONLINE_EXTEND: Final = "3.42"
_FROM_BACKUP: Final = "3.47"
#: From this version on, messages can be asked for by the object that they are about.
_MESSAGES_OF_ONE: Final = "3.5"
#: Cinder shows these of its own beside the metadata, to administrators.
_CINDERS_OWN: Final = frozenset({"attached_mode", "readonly"})
#: Where a volume comes from: at most one of these.
_SOURCES: Final = ("snapshotId", "sourceVolId", "imageId", "backupId")


def _newest(identities: Sequence[str]) -> list[tuple[str, Any]]:
    """Volumes awaited were asked for last, so the newest few are listed."""
    return [("sort", "created_at:desc"), ("limit", len(identities) + 10)]


_CREATED: Final = Watch(
    service="block-storage",
    path="volumes",
    singular="volume",
    plural="volumes",
    list_path="volumes/detail",
    list_parameters=_newest,
    ready=frozenset({"available", "in-use"}),
    failed=frozenset({"error", "error_deleting", "error_extending", "error_restoring"}),
    first_look_seconds=0.4,
)
_CHANGED: Final = replace(_CREATED, list_path="", action="change", first_look_seconds=0.3)
_DETACHED: Final = replace(_CHANGED, ready=frozenset({"available"}), action="detach")


def _others(source: str) -> tuple[str, ...]:
    return tuple(other for other in _SOURCES if other != source)


def _own_metadata(found: Any) -> dict[str, str]:
    return {key: value for key, value in (found or {}).items() if key not in _CINDERS_OWN}


class BlockStorageResource(Resource):
    """Base of Cinder's types."""

    service: ClassVar[str] = "block-storage"


class Volume(BlockStorageResource):
    """A virtual disk; `size` is in GiB and can grow in place."""

    pulumi_type = "openstack:blockstorage/volume:Volume"
    path = "volumes"
    listing = "/detail"
    singular = "volume"
    created = _CREATED
    deleted = replace(_CHANGED, gone=True, failed=frozenset({"error_deleting"}), action="delete")

    name = text()
    description = text()
    attachments = record_set(
        {"id": text(), "instance_id": text(api="server_id"), "device": text()}, output_only=True
    )
    availability_zone = text(computed=True, replaces=True)
    backup_id = text(replaces=True, conflicts=_others("backupId"))
    consistency_group_id = text(api="consistencygroup_id", replaces=True, read=False)
    enable_online_resize = flag(sent=False, read=False)
    image_id = text(api="imageRef", replaces=True, read=False, conflicts=_others("imageId"))
    metadata = text_map(computed=True, from_api=_own_metadata)
    scheduler_hints = record_set(
        {
            "different_hosts": text_list(api="different_host"),
            "same_hosts": text_list(api="same_host"),
            "query": text(),
            "local_to_instance": text(),
            "additional_properties": text_map(),
        },
        replaces=True,
        sent=False,
        read=False,
    )
    size = integer(required=True)
    snapshot_id = text(replaces=True, conflicts=_others("snapshotId"))
    source_replica = text(replaces=True, read=False)
    source_vol_id = text(api="source_volid", replaces=True, conflicts=_others("sourceVolId"))
    volume_retype_policy = text(
        default="never", sent=False, read=False, choices=("never", "on-demand")
    )
    volume_type = text(computed=True)

    def send_create(self, inputs: Properties) -> Properties:
        """Hints to the scheduler stand beside the volume."""
        body: Properties = {"volume": self.create_body(inputs)}
        if inputs.get("schedulerHints"):
            hints = inputs["schedulerHints"][0]
            body["OS-SCH-HNT:scheduler_hints"] = _hints(self.fields["schedulerHints"], hints)
        version = _FROM_BACKUP if inputs.get("backupId") else None
        call = self.request("POST", self.path, body=body, action=self.action("create", inputs))
        return self.create_once(replace(call, microversion=version), body["volume"])

    @classmethod
    def refuse_update(cls, identity: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
        """Cinder has an action to extend a volume, and none to shrink one."""
        has, wanted = olds.get("size"), news.get("size")
        if isinstance(has, int) and isinstance(wanted, int) and wanted < has:
            raise KrajError(
                REFUSED,
                f"volume {identity} has {has} GiB and is to have {wanted} GiB: no volume shrinks",
                hint="Order the size that it has (`kraj drift accept` writes what was grown by "
                "hand into the files), or copy the data to a new volume.",
            )

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """Size and type change by actions of their own."""
        body = super().update_body(news, changed)
        return {key: value for key, value in body.items() if key not in ("size", "volume_type")}

    def settle_created(self, identity: str, _found: Properties, _inputs: Properties) -> Properties:
        """Wait until Cinder has found a place for it and made it."""
        return self._wait(_CREATED, identity)

    def settle_updated(
        self,
        identity: str,
        found: Properties | None,
        _olds: Properties,
        news: Properties,
        changed: Collection[str],
    ) -> Properties | None:
        """Grow and retype, each until Cinder is done with it."""
        if "size" in changed:
            found = self._extend(identity, news)
        if "volumeType" in changed:
            found = self._retype(identity, news)
        return found

    def send_delete(self, identity: str, outputs: Properties) -> bool:
        """Delete; a volume that is still attached is detached first."""
        try:
            return super().send_delete(identity, outputs)
        except KrajError as error:
            if status_of(error) not in (400, 409):
                raise
            if not self._detach(identity):
                return True
        return super().send_delete(identity, outputs)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """An import learns the image that the volume was made from."""
        result = super().outputs(identity, found, known)
        image = (found.get("volume_image_metadata") or {}).get("image_id")
        if image and "size" not in known and not any(result.get(s) for s in _SOURCES):
            result["imageId"] = image
        return result

    def _extend(self, identity: str, news: Properties) -> Properties:
        seen = self.must_fetch(identity)
        if seen["status"] == "extending":  # by an earlier request whose answer was lost
            seen = self._wait(_CHANGED, identity)
        if seen["size"] == news["size"]:
            return seen
        version = None
        if seen["status"] == "in-use":
            if not news.get("enableOnlineResize"):
                raise KrajError(
                    REFUSED,
                    f"volume {identity} is attached and its enableOnlineResize is not set: "
                    f"it keeps its {seen['size']} GiB",
                    hint="Set enableOnlineResize, or detach the volume first.",
                )
            version = _ONLINE_EXTEND
        self._act(identity, {"os-extend": {"new_size": news["size"]}}, version)
        return self._wait(_CHANGED, identity)

    def _retype(self, identity: str, news: Properties) -> Properties:
        wanted = news["volumeType"]
        policy = news.get("volumeRetypePolicy") or "never"
        self._act(identity, {"os-retype": {"new_type": wanted, "migration_policy": policy}})
        found = self._wait(_CHANGED, identity)
        if found["volume_type"] != wanted:
            raise KrajError(
                FAILED_STATE,
                f"volume {identity} keeps the type {found['volume_type']!r}: Cinder could not "
                f"change it to {wanted!r} with migration policy {policy!r}",
            )
        return found

    def _wait(self, watch: Watch, identity: str) -> Properties:
        """What the waiter gives; a failure quotes Cinder, which keeps its words beside the volume.

        https://docs.openstack.org/api-ref/block-storage/v3/#messages-messages
        """
        try:
            return self.cloud.waiter.wait(watch, identity, self.timeout)
        except KrajError as error:
            if error.code is FAILED_STATE and (reason := self._last_message(identity)):
                error.message += f": {reason}"
            raise

    def _last_message(self, identity: str) -> str:
        parameters = [("resource_uuid", identity), ("sort", "created_at:desc"), ("limit", 1)]
        with suppress(KrajError):  # the failure is told, with its words or without
            answer = self.cloud.get(
                self.service, "messages", parameters=parameters, microversion=_MESSAGES_OF_ONE
            )
            return str(answer["messages"][0]["user_message"]) if answer["messages"] else ""
        return ""

    def _act(self, identity: str, body: Properties, version: str | None = None) -> None:
        action = f"{next(iter(body)).removeprefix('os-')} volume {identity!r}"
        path = f"{self.object_path(identity)}/action"
        self.cloud.post(self.service, path, body, microversion=version, action=action)

    def _detach(self, identity: str) -> bool:
        """Take the volume from its servers and wait; False where it is on its way out already."""
        seen = self.fetch(identity)
        if seen is None or seen["status"] == "deleting":
            return False
        for attachment in seen["attachments"]:
            path = f"servers/{attachment['server_id']}/os-volume_attachments/{identity}"
            # Somebody else may be detaching it at this moment: that is as good.
            self.cloud.call(self._detachment(path))
        self.cloud.waiter.wait(_DETACHED, identity, self.timeout)
        return True

    def _detachment(self, path: str) -> Any:
        call = self.request("DELETE", path, accepted=frozenset({404}) | IN_USE)
        return replace(call, service="compute")


def _hints(declared: Field, hints: Properties) -> Properties:
    assert declared.item is not None  # noqa: S101 - a set has items
    body: Properties = to_api(declared.item, hints)
    additional = body.pop("additional_properties", {})
    return {**body, **additional}
