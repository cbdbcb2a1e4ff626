"""How the properties of a server are worded in Nova's API: pure functions.

Which API version a request needs, what is wrong with a block device, and conversions of single
values. Requests are made by `compute_servers`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from kraj.openstack.resource import Properties

#: Tags are part of a server from here on; from 2.47 on the id of its flavour no longer is.
SHOWS_TAGS: Final = "2.26"
NETWORK_MODE: Final = "2.37"
_TAGS_ON_CREATE: Final = "2.52"
_MULTIATTACH: Final = "2.60"
_VOLUME_TYPE: Final = "2.67"
_HYPERVISOR: Final = "2.74"
#: What Pulumi's provider shows as the image of a server that boots from a volume.
BOOTS_FROM_VOLUME: Final = "Attempt to boot from volume - no image supplied"
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
POWER_STATES: Final = ("active", "shutoff", "shelved_offloaded", "paused")
NETWORK_MODES: Final = ("auto", "none")


def digest(user_data: str) -> str:
    """Pulumi's provider keeps the SHA-1 of user data in the state, not the text."""
    if _SHA1.fullmatch(user_data):
        return user_data
    return hashlib.sha1(user_data.encode(), usedforsecurity=False).hexdigest()


def encoded(content: str) -> str:
    """Base64, unless the content is Base64 already."""
    try:
        base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        return base64.b64encode(content.encode()).decode()
    return content


def moment(value: Any) -> str:
    """`2030-01-01T00:00:00Z` as Pulumi's provider writes it."""
    return f"{str(value).removesuffix('Z').replace('T', ' ')} +0000 UTC" if value else ""


def files(files: Any) -> list[Properties]:
    return [{"path": file["file"], "contents": encoded(file["content"])} for file in files or []]


def needs_image(properties: Mapping[str, Any]) -> bool:
    """Whether a server has its disk from an image, not from a volume."""
    devices = properties.get("blockDevices") or []
    local = ("image", "local")
    return not devices or any(
        (device.get("sourceType"), device.get("destinationType")) == local for device in devices
    )


def version_for(inputs: Mapping[str, Any]) -> str | None:
    """The lowest API version that knows everything a new server is asked to have."""
    devices = inputs.get("blockDevices") or []
    needed = {
        NETWORK_MODE: inputs.get("networkMode"),
        _TAGS_ON_CREATE: inputs.get("tags"),
        _MULTIATTACH: any(device.get("multiattach") for device in devices),
        _VOLUME_TYPE: any(device.get("volumeType") for device in devices),
        _HYPERVISOR: inputs.get("hypervisorHostname"),
    }
    return max((version for version, need in needed.items() if need), default=None)


def device_problem(device: Mapping[str, Any]) -> str:
    """What is wrong with a block device; values may be unknown."""
    source, target = device.get("sourceType"), device.get("destinationType")
    if source != "blank" and device.get("uuid") is None:
        return f"a block device with sourceType {source!r} needs uuid"
    if (source, target) in (("image", "volume"), ("blank", "local")) and not device.get(
        "volumeSize"
    ):
        return f"a block device from {source} to {target} needs volumeSize"
    return ""


def without_preference(networks: Any) -> Any:
    """Connections without the mark that says which one to reach the server by."""
    if not isinstance(networks, list):
        return networks
    return [{k: v for k, v in network.items() if k != "accessNetwork"} for network in networks]
