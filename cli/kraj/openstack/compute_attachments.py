"""Nova: volumes and ports attached to running servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from kraj.openstack.compute import ComputeResource
from kraj.openstack.fields import flag, record, text
from kraj.openstack.finding import Traces, is_older
from kraj.openstack.resource import Properties
from kraj.openstack.waiter import Watch

_TAGGED: Final = "2.49"
_MULTIATTACH: Final = "2.60"
#: Statuses by which Nova says that the server or volume is busy with something else.
_BUSY: Final = frozenset({400, 409})
_IN_USE: Final = Watch(
    service="block-storage",
    path="volumes",
    singular="volume",
    ready=frozenset({"in-use"}),
    failed=frozenset({"error"}),
    action="attach",
    first_look_seconds=0.2,
)


class Attachment(ComputeResource):
    """Base of what is attached to a server; the id is `<server>/<attachment>`."""

    collection: ClassVar[str] = ""  #: below the server
    relation = True
    #: A server takes one change of its attachments after the other.
    delete_busy = _BUSY

    def object_path(self, identity: str) -> str:
        """Attachments are kept by server."""
        server, attachment = self.identity_parts(identity, "<server>/<attachment>")
        return f"servers/{server}/{self.collection}/{attachment}"

    def delete(self, identity: str, outputs: Properties) -> None:
        """Detach and wait until the server has let go."""
        if self.send_delete(identity, outputs):
            path, _, attachment = self.object_path(identity).rpartition("/")
            gone = Watch(
                service="compute", path=path, gone=True, action="detach", first_look_seconds=0.3
            )
            self.cloud.waiter.wait(gone, attachment, self.timeout)


class VolumeAttach(Attachment):
    """A volume attached to a server."""

    pulumi_type = "openstack:compute/volumeAttach:VolumeAttach"
    collection = "os-volume_attachments"
    singular = "volumeAttachment"

    device = text(computed=True)
    instance_id = text(api="serverId", required=True, replaces=True, sent=False)
    multiattach = flag(replaces=True, sent=False, read=False)
    tag = text(replaces=True, read=False)
    vendor_options = record(
        {"ignore_volume_confirmation": flag(default=False)}, replaces=True, sent=False, read=False
    )
    volume_id = text(api="volumeId", required=True, replaces=True)

    def identity_of(self, found: Properties) -> str:
        """Server and attachment; Nova gives the attachment the volume's id."""
        return f"{found['serverId']}/{found['id']}"

    def natural_identity(self, inputs: Properties) -> str:
        """Server and volume."""
        return f"{inputs['instanceId']}/{inputs['volumeId']}"

    def send_create(self, inputs: Properties) -> Properties:
        """Ask for the volume to be attached."""
        many = bool(inputs.get("multiattach"))
        version = _MULTIATTACH if many else _TAGGED if inputs.get("tag") else None
        call = self.request(
            "POST",
            f"servers/{inputs['instanceId']}/{self.collection}",
            body=self.wrapped(self.create_body(inputs)),
            # Of several servers that take a volume at the same time, some are told to ask again.
            busy=frozenset({400}) if many else frozenset(),
            action=f"attach volume {inputs['volumeId']!r}",
        )
        answer = self.cloud.call(replace(call, microversion=version))
        return {"serverId": inputs["instanceId"], **self.unwrapped(answer.json())}

    def settle_created(self, _identity: str, found: Properties, inputs: Properties) -> Properties:
        """Wait until Cinder shows the volume as in use."""
        if not (inputs.get("vendorOptions") or {}).get("ignoreVolumeConfirmation"):
            self.cloud.waiter.wait(_IN_USE, inputs["volumeId"], self.timeout)
        return found


class InterfaceAttach(Attachment):
    """A port attached to a server."""

    pulumi_type = "openstack:compute/interfaceAttach:InterfaceAttach"
    collection = "os-interface"
    singular = "interfaceAttachment"

    fixed_ip = text(
        api="fixed_ips",
        computed=True,
        replaces=True,
        conflicts=("portId",),
        to_api=lambda address: [{"ip_address": address}],
        from_api=lambda fixed: fixed[0]["ip_address"] if fixed else "",
    )
    instance_id = text(required=True, replaces=True, sent=False)
    network_id = text(api="net_id", computed=True, replaces=True, conflicts=("portId",))
    port_id = text(computed=True, replaces=True, conflicts=("networkId",))

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """A port, or the network to make one on."""
        if inputs.get("portId") is None and inputs.get("networkId") is None:
            return {"portId": "portId or networkId is required"}
        return {}

    def identity_of(self, found: Properties) -> str:
        """Server and port."""
        return f"{found['instance_id']}/{found['port_id']}"

    def find_existing(self, inputs: Properties, since: float | None) -> list[str]:
        """The given port, the one with the given address, or those made on the network since."""
        server, port = inputs["instanceId"], inputs.get("portId")
        answer = self.cloud.find(self.service, f"servers/{server}/{self.collection}") or {}
        found = []
        for item in answer.get("interfaceAttachments", []):
            addresses = [fixed["ip_address"] for fixed in item["fixed_ips"]]
            if _is_told(inputs):
                fits = item["port_id"] == port or inputs.get("fixedIp") in addresses
            else:
                fits = item["net_id"] == inputs["networkId"] and self._is_new(item, since)
            if fits:
                found.append(f"{server}/{item['port_id']}")
        return found

    def is_proven(self, _found: Properties, inputs: Mapping[str, Any], traces: Traces) -> bool:
        """A port with any address may be the server's own one, unless the server is older."""
        if _is_told(inputs):
            return True
        answer = self.cloud.find(self.service, f"servers/{inputs['instanceId']}")
        return answer is not None and is_older(self.cloud, answer["server"], traces.since)

    def _is_new(self, attachment: Properties, since: float | None) -> bool:
        answer = self.cloud.find("network", f"ports/{attachment['port_id']}")
        return answer is not None and not is_older(self.cloud, answer["port"], since)

    def send_create(self, inputs: Properties) -> Properties:
        """Attach the port; Nova answers when it is done."""
        path = f"servers/{inputs['instanceId']}/{self.collection}"
        body = self.wrapped(self.create_body(inputs))
        answer = self.cloud.post(self.service, path, body, action="attach port")
        return {"instance_id": inputs["instanceId"], **self.unwrapped(answer)}

    def fetch(self, identity: str) -> Properties | None:
        """Nova does not name the server."""
        found = super().fetch(identity)
        return None if found is None else {**found, "instance_id": identity.partition("/")[0]}


def _is_told(inputs: Mapping[str, Any]) -> bool:
    """Whether the program says which port it is, by id or address."""
    return bool(inputs.get("portId") or inputs.get("fixedIp"))
