"""Glance: images, and which projects may use them.

Where the bytes of an image come from is in `image_files`, look-ups are in `image_lookups`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from kraj.errors import KrajError
from kraj.openstack.errors import FAILED_STATE, NOT_UNIQUE
from kraj.openstack.fields import flag, integer, text, text_map, text_set
from kraj.openstack.image_files import FileBody, fetched
from kraj.openstack.resource import Properties, Resource
from kraj.openstack.unfinished import Remedy
from kraj.openstack.waiter import Watch

_PATCH: Final = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
#: The fields of an image that are no properties, by Glance's image schema.
_FIELDS: Final = frozenset(
    [
        "id",
        "name",
        "status",
        "tags",
        "container_format",
        "disk_format",
        "min_disk",
        "min_ram",
        "owner",
        "protected",
        "visibility",
        "os_hidden",
        "checksum",
        "size",
        "virtual_size",
        "created_at",
        "updated_at",
        "file",
        "schema",
        "self",
        "metadata",
        "locations",
    ]
)
#: Properties that Glance sets and nobody may change (glance/api/v2/images.py).
_READ_ONLY: Final = frozenset(
    [
        "direct_url",
        "self",
        "file",
        "schema",
        "stores",
        "created_at",
        "updated_at",
        "status",
        "checksum",
        "size",
        "virtual_size",
        "id",
        "os_hash_algo",
        "os_hash_value",
        "location",
        "deleted",
        "deleted_at",
    ]
)
_CREATED: Final = Watch(
    service="image",
    path="images",
    ready=frozenset({"active"}),
    failed=frozenset({"killed", "deleted", "pending_delete", "deactivated"}),
    first_look_seconds=0.0,
)


def settable_properties(properties: Mapping[str, str]) -> dict[str, str]:
    """Properties without those that Glance itself sets."""
    return {
        key: value
        for key, value in properties.items()
        if key not in _READ_ONLY and not key.startswith("os_glance")
    }


def _same_properties(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    return settable_properties(old) == settable_properties(new)


class ImageResource(Resource):
    """Base of Glance's types."""

    service: ClassVar[str] = "image"


class Image(ImageResource):
    """A disk that servers boot from, uploaded from a file or fetched from an address."""

    pulumi_type = "openstack:images/image:Image"
    path = "images"
    created = _CREATED
    timeout_seconds = 1800.0

    name = text()
    checksum = text(output_only=True)
    container_format = text(
        required=True,
        replaces=True,
        choices=("bare", "ovf", "aki", "ari", "ami", "ova", "docker", "compressed"),
    )
    created_at = text(output_only=True)
    decompress = flag(replaces=True, sent=False, read=False, conflicts=("webDownload",))
    disk_format = text(
        required=True,
        replaces=True,
        choices=(
            *("raw", "vhd", "vhdx", "vmdk", "vdi", "iso"),
            *("ploop", "qcow2", "aki", "ari", "ami"),
        ),
    )
    file = text(output_only=True)
    hidden = flag(api="os_hidden", default=False)
    image_cache_path = text(
        default=f"{os.environ.get('HOME', '')}/.terraform/image_cache",
        sent=False,
        read=False,
    )
    image_id = text(api="id", computed=True, replaces=True)
    image_source_password = text(secret=True, sent=False, read=False, conflicts=("localFilePath",))
    image_source_url = text(replaces=True, sent=False, read=False, conflicts=("localFilePath",))
    image_source_username = text(sent=False, read=False, conflicts=("localFilePath",))
    local_file_path = text(
        replaces=True, sent=False, read=False, conflicts=("imageSourceUrl", "webDownload")
    )
    metadata = text_map(output_only=True)
    min_disk_gb = integer(api="min_disk", default=0)
    min_ram_mb = integer(api="min_ram", default=0)
    owner = text(output_only=True)
    properties = text_map(computed=True, sent=False, same=_same_properties)
    protected = flag(default=False)
    schema = text(output_only=True)
    size_bytes = integer(api="size", output_only=True)
    status = text(output_only=True)
    tags = text_set()
    updated_at = text(output_only=True)
    verify_checksum = flag(sent=False, read=False, conflicts=("webDownload",))
    visibility = text(default="private", choices=("public", "private", "shared", "community"))
    web_download = flag(
        sent=False, read=False, conflicts=("localFilePath", "verifyChecksum", "decompress")
    )

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """An image has to come from somewhere."""
        if inputs.get("localFilePath") is None and inputs.get("imageSourceUrl") is None:
            return {"localFilePath": "localFilePath or imageSourceUrl is required"}
        return {}

    @classmethod
    def refine_changes(
        cls, _olds: Mapping[str, Any], _news: Mapping[str, Any], changes: dict[str, bool]
    ) -> dict[str, bool]:
        """Where a file was kept on its way, on whichever machine, says nothing about the image."""
        return {name: replaces for name, replaces in changes.items() if name != "imageCachePath"}

    def create_body(self, inputs: Properties) -> Properties:
        """Properties stand beside the fields; only a hidden image says that it is."""
        body = {**super().create_body(inputs), **(inputs.get("properties") or {})}
        if not body.get("os_hidden"):
            body.pop("os_hidden", None)
        return body

    def remedy_of(self, found: Properties, _inputs: Properties) -> Remedy | None:
        """Bytes are sent once: a queued image waits for them, one that got a part is useless."""
        waiting = {"active": None, "queued": Remedy.FINISH}
        return waiting.get(found["status"], Remedy.REPLACE)

    def settle_created(self, identity: str, found: Properties, inputs: Properties) -> Properties:
        """Bring in the bytes, wait, and compare the checksum."""
        if inputs.get("webDownload"):
            method = {"name": "web-download", "uri": inputs["imageSourceUrl"]}
            path = f"{self.object_path(identity)}/import"
            self.cloud.post(self.service, path, {"method": method}, action="import image")
            return super().settle_created(identity, found, inputs)
        body = FileBody(_file_for(inputs))
        self.cloud.call(
            self.request(
                "PUT",
                f"{self.object_path(identity)}/file",
                data=body,
                headers={"Content-Type": "application/octet-stream"},
                idempotent=False,
                action=self.action("upload", inputs),
            )
        )
        image = super().settle_created(identity, found, inputs)
        if inputs.get("verifyChecksum", True) and image["checksum"] != (own := body.md5()):
            words = f"image {identity} arrived with checksum {image['checksum']}, not {own}"
            raise KrajError(FAILED_STATE, words)
        return image

    def send_update(
        self, identity: str, olds: Properties, news: Properties, changed: Collection[str]
    ) -> Properties | None:
        """Glance takes a list of single changes."""
        fields = super().update_body(news, changed)
        patch = [{"op": "replace", "path": f"/{k}", "value": v} for k, v in fields.items()]
        if "properties" in changed:
            patch += _property_changes(olds.get("properties") or {}, news.get("properties") or {})
        if not patch:
            return None
        return self.cloud.patch(
            self.service,
            self.object_path(identity),
            patch,
            headers=_PATCH,
            action=self.action("change", news, identity),
        )

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Every text that is no field of an image is a property."""
        result = super().outputs(identity, found, known)
        if "status" in found:
            result["properties"] = {
                key: value
                for key, value in found.items()
                if key not in _FIELDS and isinstance(value, str)
            }
        return result


def _file_for(inputs: Mapping[str, Any]) -> Path:
    if inputs.get("localFilePath"):
        return Path(inputs["localFilePath"])
    user, password = inputs.get("imageSourceUsername"), inputs.get("imageSourcePassword")
    return fetched(
        inputs["imageSourceUrl"],
        Path(inputs["imageCachePath"]),
        credentials=(user, password) if user and password else None,
        decompress=bool(inputs.get("decompress")),
    )


def _property_changes(olds: Mapping[str, str], news: Mapping[str, str]) -> list[Properties]:
    old, new = settable_properties(olds), settable_properties(news)
    changes: list[Properties] = [
        {"op": "replace" if key in old else "add", "path": _pointer(key), "value": value}
        for key, value in new.items()
        if old.get(key) != value
    ]
    return changes + [{"op": "remove", "path": _pointer(key)} for key in old.keys() - new.keys()]


def _pointer(key: str) -> str:
    """A key as JSON pointer (RFC 6901)."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


class ImageAccess(ImageResource):
    """An image shared with a project; its id is `<image>/<project>`."""

    pulumi_type = "openstack:images/imageAccess:ImageAccess"
    relation = True

    created_at = text(output_only=True)
    image_id = text(required=True, replaces=True, sent=False)
    member_id = text(api="member", required=True, replaces=True, read=False)
    schema = text(output_only=True)
    status = text(computed=True, sent=False)
    updated_at = text(output_only=True)

    def object_path(self, identity: str) -> str:
        """Members are kept by image."""
        image, member = self.identity_parts(identity, "<image>/<project>")
        return f"images/{image}/members/{member}"

    def identity_of(self, found: Properties) -> str:
        """Image and project."""
        return f"{found['image_id']}/{found['member_id']}"

    def natural_identity(self, inputs: Properties) -> str:
        """Image and project; none where the only member is meant."""
        return f"{inputs['imageId']}/{inputs['memberId']}" if inputs.get("memberId") else ""

    def send_create(self, inputs: Properties) -> Properties:
        """Add the project."""
        path = f"images/{inputs['imageId']}/members"
        return self.cloud.post(self.service, path, self.create_body(inputs), action="share image")

    def settle_created(self, identity: str, found: Properties, inputs: Properties) -> Properties:
        """Accept at once where the program says so."""
        return self._set_status(identity, inputs) if inputs.get("status") else found

    def send_update(
        self, identity: str, _olds: Properties, news: Properties, _changed: Collection[str]
    ) -> Properties | None:
        """Only the status can change."""
        return self._set_status(identity, news)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """The id names the project."""
        result = super().outputs(identity, found, known)
        return {**result, "memberId": identity.partition("/")[2]}

    def _set_status(self, identity: str, properties: Properties) -> Properties:
        body = {"status": properties["status"]}
        return self.cloud.put(self.service, self.object_path(identity), body)


class ImageAccessAccept(ImageAccess):
    """A project's own word on an image that is shared with it."""

    pulumi_type = "openstack:images/imageAccessAccept:ImageAccessAccept"

    member_id = text(api="member", computed=True, replaces=True, read=False)
    status = text(required=True, sent=False, choices=("pending", "accepted", "rejected"))

    def send_create(self, inputs: Properties) -> Properties:
        """Say the word for the only member that is to be seen, where none is named."""
        return self._set_status(self.natural_identity(inputs), inputs)

    def find_existing(self, inputs: Properties, since: float | None) -> list[str]:
        """Nothing where it is not clear whose word is meant."""
        try:
            return super().find_existing(inputs, since)
        except KrajError as error:
            if error.code is NOT_UNIQUE:
                return []
            raise

    def natural_identity(self, inputs: Properties) -> str:
        """Image and project, which is the only member that is to be seen where none is named."""
        image, member = inputs["imageId"], inputs.get("memberId")
        if not member:
            seen = self.cloud.get(self.service, f"images/{image}/members")["members"]
            if len(seen) != 1:
                raise KrajError(NOT_UNIQUE, f"{len(seen) or 'no'} members of image {image!r}")
            member = seen[0]["member_id"]
        return f"{image}/{member}"

    def settle_created(self, _identity: str, found: Properties, _inputs: Properties) -> Properties:
        """The word was said by the creating request."""
        return found

    def send_delete(self, identity: str, _outputs: Properties) -> bool:
        """Reject the image; sharing it is its owner's business."""
        path = self.object_path(identity)
        body = {"status": "rejected"}
        answer = self.cloud.call(self.request("PUT", path, body=body, accepted=frozenset({404})))
        return bool(answer.status_code != 404)
