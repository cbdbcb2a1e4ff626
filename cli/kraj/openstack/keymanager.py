"""Barbican: secrets and containers of secrets, with their access lists."""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import Any, ClassVar, Final

from kraj.openstack.fields import (
    flag,
    integer,
    record,
    record_list,
    record_set,
    text,
    text_map,
    text_set,
    to_api,
)
from kraj.openstack.resource import Properties, Resource
from kraj.openstack.spelling import same_time
from kraj.openstack.unfinished import Remedy
from kraj.openstack.waiter import Watch

_ACL: Final = {
    "read": record(
        {
            "created_at": text(api="created", output_only=True),
            "project_access": flag(api="project-access", default=True),
            "updated_at": text(api="updated", output_only=True),
            "users": text_set(),
        },
        computed=True,
    )
}


def _moment(value: Any) -> str:
    """Barbican tells times in UTC without a zone and with fractions."""
    return f"{str(value).partition('.')[0].removesuffix('Z')}Z" if value else ""


def _id_in(reference: str) -> str:
    """Barbican names its objects by address; the id is the last part."""
    return reference.rstrip("/").rpartition("/")[2]


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


class KeyManagerResource(Resource):
    """Base of Barbican's types. `acl` says who may read; the whole project where it is not set."""

    service: ClassVar[str] = "key-manager"
    reference: ClassVar[str] = ""  #: field with the object's address

    acl = record(_ACL, computed=True, sent=False)
    created_at = text(api="created", output_only=True, from_api=_moment)
    creator_id = text(output_only=True)
    status = text(output_only=True)
    updated_at = text(api="updated", output_only=True, from_api=_moment)

    @property
    def watch(self) -> Watch:
        """Most back ends are ready at once."""
        return Watch(service=self.service, path=self.path, first_look_seconds=0.0)

    def identity_of(self, found: Properties) -> str:
        """The last part of the address."""
        return _id_in(found[self.reference])

    def fetch(self, identity: str) -> Properties | None:
        """The object with its access list."""
        found = super().fetch(identity)
        return None if found is None else self.complete(identity, found)

    def complete(self, identity: str, found: Properties) -> Properties:
        """Add what Barbican tells by further requests."""
        acl = self.cloud.find(self.service, f"{self.object_path(identity)}/acl")
        return {**found, "acl": acl or {}}

    def set_acl(self, identity: str, properties: Properties) -> None:
        """Say who may read; an access list taken away leaves that to the project."""
        path = f"{self.object_path(identity)}/acl"
        if properties.get("acl"):
            self.cloud.put(self.service, path, to_api(self.fields["acl"], properties["acl"]))
        else:
            self.cloud.delete(self.service, path)


class SecretV1(KeyManagerResource):
    """A secret; Barbican keeps its payload encrypted, and so does the state."""

    pulumi_type = "openstack:keymanager/secretV1:SecretV1"
    path = "secrets"
    reference = "secret_ref"

    name = text(replaces=True)
    algorithm = text(computed=True, replaces=True)
    all_metadata = text_map(output_only=True)
    bit_length = integer(computed=True, replaces=True)
    content_types = text_map(output_only=True)
    expiration = text(replaces=True, same=same_time, from_api=_moment)
    metadata = text_map(sent=False)
    mode = text(computed=True, replaces=True)
    payload = text(
        secret=True, replaces=True, sent=False, same=lambda old, new: old.strip() == new.strip()
    )
    payload_content_encoding = text(replaces=True, sent=False, read=False)
    payload_content_type = text(
        api="content_types.default",
        replaces=True,
        sent=False,
        same=lambda old, new: _media_type(old) == _media_type(new),
    )
    secret_ref = text(output_only=True)
    secret_type = text(
        computed=True,
        replaces=True,
        choices=("symmetric", "public", "private", "passphrase", "certificate", "opaque"),
    )

    def create_body(self, inputs: Properties) -> Properties:
        """The payload goes along, unless an access list has to be there before it."""
        body = {key: value for key, value in super().create_body(inputs).items() if value != ""}
        if not inputs.get("acl"):
            body |= _payload_of(inputs)
        return body

    def remedy_of(self, _found: Properties, _inputs: Properties) -> Remedy | None:
        """Payload and access list are written once, in an order that nobody can see later."""
        return Remedy.REPLACE

    def settle_created(self, identity: str, _found: Properties, inputs: Properties) -> Properties:
        """Access list, payload, metadata, in this order."""
        if inputs.get("acl"):
            self.set_acl(identity, inputs)
            self._send_payload(identity, inputs)
        if inputs.get("metadata"):
            self._set_metadata(identity, inputs["metadata"])
        secret = self.cloud.waiter.wait(self.watch, identity, self.timeout)
        return self.complete(identity, secret)

    def complete(self, identity: str, found: Properties) -> Properties:
        """A secret has metadata and, in most cases, a payload."""
        path = self.object_path(identity)
        metadata = (self.cloud.find(self.service, f"{path}/metadata") or {}).get("metadata") or {}
        known = {"all_metadata": metadata, "payload": self._payload(path, found)}
        return super().complete(identity, {**found, **known})

    def send_update(
        self, identity: str, olds: Properties, news: Properties, changed: Collection[str]
    ) -> Properties | None:
        """Access list and metadata change; metadata of others stay."""
        if "acl" in changed:
            self.set_acl(identity, news)
        if "metadata" in changed:
            own = olds.get("metadata") or {}
            foreign = {k: v for k, v in (olds.get("allMetadata") or {}).items() if k not in own}
            self._set_metadata(identity, {**foreign, **(news.get("metadata") or {})})
        return self.fetch(identity)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Metadata show what the program has set and is still there."""
        result = super().outputs(identity, found, known)
        present = result["allMetadata"]
        if "name" in known:
            own = known.get("metadata") or {}
            result["metadata"] = {key: present[key] for key in own if key in present}
        else:
            result["metadata"] = present
        return result

    def _set_metadata(self, identity: str, metadata: dict[str, str]) -> None:
        path = f"{self.object_path(identity)}/metadata"
        self.cloud.put(self.service, path, {"metadata": metadata})

    def _send_payload(self, identity: str, inputs: Properties) -> None:
        if not inputs.get("payload"):
            return
        headers = {"Content-Type": inputs.get("payloadContentType") or "text/plain"}
        if inputs.get("payloadContentEncoding"):
            headers["Content-Encoding"] = inputs["payloadContentEncoding"]
        call = self.request(
            "PUT", self.object_path(identity), data=inputs["payload"].encode(), headers=headers
        )
        self.cloud.call(call)

    def _payload(self, path: str, found: Properties) -> str:
        """Text as it is, everything else as Base64; empty where there is none."""
        content_type = (found.get("content_types") or {}).get("default")
        if not content_type:
            return ""
        headers = {"Accept": content_type}
        answer = self.cloud.call(self.request("GET", f"{path}/payload", headers=headers))
        content: bytes = answer.content
        if _media_type(content_type).startswith("text/"):
            return content.decode()
        return base64.b64encode(content).decode()


def _payload_of(inputs: Properties) -> dict[str, str]:
    names = {
        "payload": "payload",
        "payloadContentType": "payload_content_type",
        "payloadContentEncoding": "payload_content_encoding",
    }
    return {api: inputs[name] for name, api in names.items() if inputs.get(name)}


class ContainerV1(KeyManagerResource):
    """Secrets that belong together, such as a certificate with its key."""

    pulumi_type = "openstack:keymanager/containerV1:ContainerV1"
    path = "containers"
    reference = "container_ref"

    name = text(replaces=True)
    consumers = record_list({"name": text(), "url": text(api="URL")}, output_only=True)
    container_ref = text(output_only=True)
    secret_refs = record_set({"name": text(), "secret_ref": text(required=True)})
    type = text(required=True, replaces=True, choices=("generic", "rsa", "certificate"))

    def settle_created(self, identity: str, _found: Properties, inputs: Properties) -> Properties:
        """Set the access list, then wait."""
        if inputs.get("acl"):
            self.set_acl(identity, inputs)
        container = self.cloud.waiter.wait(self.watch, identity, self.timeout)
        return self.complete(identity, container)

    def send_update(
        self, identity: str, olds: Properties, news: Properties, changed: Collection[str]
    ) -> Properties | None:
        """Take secrets out of the container and put others in."""
        if "acl" in changed:
            self.set_acl(identity, news)
        if "secretRefs" in changed:
            old, new = (side.get("secretRefs") or [] for side in (olds, news))
            for gone in [one for one in old if one not in new]:
                self._refer("DELETE", identity, gone, accepted=frozenset({404}))
            for added in [one for one in new if one not in old]:
                self._refer("POST", identity, added)
        return self.fetch(identity)

    def _refer(self, method: str, identity: str, secret: Properties, **options: Any) -> None:
        body = {"name": secret.get("name"), "secret_ref": secret["secretRef"]}
        path = f"{self.object_path(identity)}/secrets"
        self.cloud.call(self.request(method, path, body=body, **options))
