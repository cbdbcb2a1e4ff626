"""Swift: containers and the objects in them.

Swift describes everything in headers; here they are fields. Temporary addresses are left out.
"""

from __future__ import annotations

import email.utils
import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import quote

from kraj.errors import KrajError
from kraj.openstack.errors import REFUSED
from kraj.openstack.fields import flag, integer, record, text, text_map
from kraj.openstack.image_files import FileBody
from kraj.openstack.resource import IN_USE, Properties, Resource
from kraj.openstack.spelling import same_time

_PLAIN: Final = {"Accept": "application/json"}
_LISTED: Final = 1000


def _moment(value: Any) -> str:
    """`Mon, 23 Nov 2026 07:00:00 GMT` as `2026-11-23T07:00:00Z`."""
    if not value:
        return ""
    moment = email.utils.parsedate_to_datetime(value).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(value: str) -> str:
    return str(int(datetime.fromisoformat(value).timestamp()))


def _from_seconds(value: Any) -> str:
    return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else ""


def _yes(value: Any) -> bool:
    return str(value).lower() == "true"


class ObjectStorageResource(Resource):
    """Base of Swift's types: bodies and answers are headers."""

    service: ClassVar[str] = "object-store"
    metadata_prefix: ClassVar[str] = ""

    metadata = text_map(sent=False, read=False)

    def fetch(self, identity: str) -> Properties | None:
        """The headers, by their names in lower case."""
        path = self.object_path(identity)
        answer = self.cloud.call(self.request("HEAD", path, accepted=frozenset({404})))
        if answer.status_code == 404:
            return None
        return {name.lower(): value for name, value in answer.headers.items()}

    def must_fetch(self, identity: str) -> Properties:
        """The headers. Raises KRJ405."""
        answer = self.cloud.call(self.request("HEAD", self.object_path(identity)))
        return {name.lower(): value for name, value in answer.headers.items()}

    def headers(self, properties: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
        """The properties named as headers; one that is not given is sent empty."""
        body = super().update_body(dict(properties), set(names))
        return {name: _as_header(value) for name, value in body.items()}

    def metadata_headers(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, str]:
        """Metadata as headers; an empty value takes away what is gone."""
        old, new = (side.get("metadata") or {} for side in (olds, news))
        gone = {f"{self.metadata_prefix}{key}": "" for key in old.keys() - new.keys()}
        return {**gone, **{f"{self.metadata_prefix}{key}": value for key, value in new.items()}}


def _as_header(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


class Container(ObjectStorageResource):
    """A container of objects; its id is its name, which cannot change."""

    pulumi_type = "openstack:objectstorage/container:Container"
    relation = True
    metadata_prefix = "X-Container-Meta-"

    name = text(replaces=True, sent=False)
    container_read = text(api="x-container-read")
    container_sync_key = text(api="x-container-sync-key", read=False)
    container_sync_to = text(api="x-container-sync-to", read=False)
    container_write = text(api="x-container-write")
    content_type = text(sent=False, read=False)
    force_destroy = flag(default=False, sent=False, read=False)
    storage_class = text(api="x-storage-class", computed=True, replaces=True)
    storage_policy = text(api="x-storage-policy", computed=True, replaces=True)
    versioning = flag(
        api="x-versions-enabled", default=False, from_api=_yes, conflicts=("versioningLegacy",)
    )
    versioning_legacy = record(
        {
            "type": text(required=True, choices=("versions", "history")),
            "location": text(required=True),
        },
        sent=False,
        conflicts=("versioning",),
    )

    def object_path(self, identity: str) -> str:
        """Names may hold any character but a slash."""
        return quote(identity, safe="")

    def natural_identity(self, inputs: Properties) -> str:
        """Names are ids."""
        return str(inputs["name"])

    def send_create(self, inputs: Properties) -> Properties:
        """Make the container with its headers."""
        given = {name for name in self.fields if inputs.get(name) not in (None, "", False)}
        headers = self.headers(inputs, given) | self.metadata_headers({}, inputs)
        if inputs.get("storageClass"):
            headers["X-Object-Storage-Class"] = headers.pop("x-storage-class")
        headers |= _legacy(inputs)
        path = self.object_path(inputs["name"])
        action = self.action("create", inputs)
        self.cloud.call(self.request("PUT", path, headers=_PLAIN | headers, action=action))
        return {"id": inputs["name"], **self.must_fetch(inputs["name"])}

    def send_update(
        self, identity: str, olds: Properties, news: Properties, changed: Collection[str]
    ) -> Properties | None:
        """Post the headers that change; the two kinds of versioning exclude each other."""
        path = self.object_path(identity)
        headers = self.headers(news, changed)
        legacy: dict[str, str] = {}
        if "versioningLegacy" in changed:
            gone = {"X-Remove-Versions-Location": "true", "X-Remove-History-Location": "true"}
            legacy = _legacy(news) or gone
        if "metadata" in changed:
            headers |= self.metadata_headers(olds, news)
        # What is switched off goes first.
        steps = [legacy, headers] if news.get("versioning") else [headers, legacy]
        for step in steps:
            if step:
                self.cloud.call(self.request("POST", path, headers=_PLAIN | step, idempotent=True))
        return None

    def send_delete(self, identity: str, outputs: Properties) -> bool:
        """Delete; objects inside go first where the program allows it."""
        path = self.object_path(identity)
        while True:
            accepted = frozenset({404}) | (IN_USE if outputs.get("forceDestroy") else frozenset())
            action = self.action("delete", outputs, identity)
            call = self.request("DELETE", path, accepted=accepted, action=action)
            status = self.cloud.call(call).status_code
            if status != 409:
                return bool(status != 404)
            self._empty(path)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Name and legacy versioning are no headers of their own."""
        legacy = {}
        for kind in ("versions", "history"):
            if found.get(f"x-{kind}-location"):
                legacy = {"type": kind, "location": found[f"x-{kind}-location"]}
        found = {"x-versions-enabled": "", **found, "name": identity, "versioning_legacy": legacy}
        result = super().outputs(identity, found, known)
        if not legacy:
            result["versioningLegacy"] = {}
        return result

    def _empty(self, path: str) -> None:
        """Delete a page of objects with all their versions."""
        parameters = {"versions": "true", "limit": _LISTED, "format": "json"}
        page = self.cloud.get(self.service, path, parameters=parameters)["items"]
        if not page:
            raise KrajError(REFUSED, f"container {path!r} is not empty, but lists no objects")
        for item in page:
            version = item.get("version_id")
            chosen = {"version-id": version} if version and version != "null" else {}
            name = quote(item["name"], safe="/")
            self.cloud.delete(self.service, f"{path}/{name}", parameters=chosen)


def _legacy(properties: Mapping[str, Any]) -> dict[str, str]:
    legacy = properties.get("versioningLegacy") or {}
    return {f"X-{legacy['type'].title()}-Location": legacy["location"]} if legacy else {}


_CONTENTS: Final = ("content", "source", "copyFrom", "objectManifest")


def _other_contents(name: str) -> tuple[str, ...]:
    return tuple(other for other in _CONTENTS if other != name)


class ContainerObject(ObjectStorageResource):
    """An object in a container; its id is `<container>/<object>`."""

    pulumi_type = "openstack:objectstorage/containerObject:ContainerObject"
    relation = True
    metadata_prefix = "X-Object-Meta-"

    name = text(replaces=True, sent=False)
    container_name = text(required=True, replaces=True, sent=False)
    content = text(sent=False, read=False, conflicts=_other_contents("content"))
    content_disposition = text(api="content-disposition", computed=True, conflicts=("copyFrom",))
    content_encoding = text(api="content-encoding", computed=True, conflicts=("copyFrom",))
    content_length = integer(api="content-length", output_only=True, from_api=lambda n: int(n or 0))
    content_type = text(api="content-type", computed=True, conflicts=("copyFrom",))
    copy_from = text(sent=False, read=False, conflicts=_other_contents("copyFrom"))
    date = text(output_only=True, from_api=_moment)
    delete_after = integer(api="x-delete-after", read=False)
    delete_at = text(
        api="x-delete-at", computed=True, same=same_time, to_api=_seconds, from_api=_from_seconds
    )
    detect_content_type = flag(api="x-detect-content-type", default=False, read=False)
    etag = text(computed=True, from_api=lambda tag: str(tag or "").strip('"'))
    last_modified = text(api="last-modified", output_only=True, from_api=_moment)
    object_manifest = text(
        api="x-object-manifest", computed=True, conflicts=_other_contents("objectManifest")
    )
    source = text(sent=False, read=False, conflicts=_other_contents("source"))
    trans_id = text(api="x-trans-id", output_only=True)

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """An object has to be made of something."""
        if any(inputs.get(name) is not None for name in _CONTENTS):
            return {}
        return {"content": f"one of {', '.join(_CONTENTS)} is required"}

    def object_path(self, identity: str) -> str:
        """Object names may hold slashes, container names may not."""
        container, _, name = identity.partition("/")
        return f"{quote(container, safe='')}/{quote(name, safe='/')}"

    def natural_identity(self, inputs: Properties) -> str:
        """Container and name."""
        return f"{inputs['containerName']}/{inputs['name']}"

    def send_create(self, inputs: Properties) -> Properties:
        """Upload, copy, or name the parts of the object."""
        identity = f"{inputs['containerName']}/{inputs['name']}"
        self._upload(identity, inputs)
        return {"id": identity, **self.must_fetch(identity)}

    def send_update(
        self, identity: str, _olds: Properties, news: Properties, _changed: Collection[str]
    ) -> Properties | None:
        """Swift replaces an object as a whole."""
        self._upload(identity, news)
        return None

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """The id names container and object."""
        container, _, name = identity.partition("/")
        parts = {"container_name": container, "name": name}
        return super().outputs(identity, {**found, **parts}, known)

    def _upload(self, identity: str, inputs: Properties) -> None:
        given = {name for name in self.fields if inputs.get(name) not in (None, "", False)}
        headers = self.headers(inputs, given) | self.metadata_headers({}, inputs)
        body: Any = b""
        if inputs.get("source"):
            body = FileBody(Path(inputs["source"]))
        elif inputs.get("content"):
            body = inputs["content"].encode()
            headers.setdefault("etag", hashlib.md5(body, usedforsecurity=False).hexdigest())
        elif inputs.get("copyFrom"):
            headers["X-Copy-From"] = quote(inputs["copyFrom"])
        call = self.request(
            "PUT",
            self.object_path(identity),
            data=body,
            headers=_PLAIN | headers,
            action=self.action("upload", inputs, identity),
        )
        self.cloud.call(call)
