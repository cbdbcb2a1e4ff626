"""What can be done to a running server, each until Nova is done with it.

Functions over one server's id; which property asks for what is said by `compute_servers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from kraj.openstack.cloud import Call, Cloud
from kraj.openstack.resource import Properties
from kraj.openstack.waiter import Watch

_UNSHELVE_INTO_ZONE: Final = "2.77"
_STEADY: Final = frozenset({"ACTIVE", "SHUTOFF"})


def fault_of(server: Mapping[str, Any]) -> str:
    """Nova's words on what went wrong."""
    return str((server.get("fault") or {}).get("message", ""))


class ServerChanges:
    """Changes of one server; `timeout` in seconds holds for each of them."""

    def __init__(self, cloud: Cloud, identity: str, timeout: float) -> None:
        self._cloud = cloud
        self._identity = identity
        self._timeout = timeout

    def set_power(self, old: str, new: str, zone: str) -> None:
        """Bring the server into a power state: active, shutoff, paused or shelved_offloaded."""
        if new == "active":
            self._activate(old, zone)
        else:
            verb = {"shutoff": "os-stop", "paused": "pause", "shelved_offloaded": "shelve"}[new]
            self._act({verb: None})
        self._wait(verb_of(new), frozenset({new.upper()}))

    def _activate(self, old: str, zone: str) -> None:
        if old in ("shelved", "shelved_offloaded"):
            into = {"availability_zone": zone} if zone else None
            self._act({"unshelve": into}, _UNSHELVE_INTO_ZONE if into else None)
        elif old == "verify_resize":  # by an earlier run that did not get to confirm it
            self._act({"confirmResize": None})
        elif old == "paused":
            self._act({"unpause": None})
        elif old != "build":
            self._act({"os-start": None})

    def resize(self, flavor: str, *, confirm: bool) -> None:
        """Give the server another flavour; it restarts."""
        self._act({"resize": {"flavorRef": flavor}})
        if not confirm:
            self._wait("resize", _STEADY)
            return
        # Nova lets a server go back to its old flavour without an error state where no host fits.
        self._wait("resize", frozenset({"VERIFY_RESIZE"}), frozenset({"ERROR", *_STEADY}))
        self._act({"confirmResize": None})
        self._wait("confirm resize", _STEADY)

    def rebuild(self, image: str, personality: list[Properties]) -> None:
        """Put another image on the server's disk."""
        body: Properties = {"imageRef": image}
        if personality:
            body["personality"] = personality
        self._act({"rebuild": body})
        self._wait("rebuild", _STEADY)

    def set_metadata(self, olds: Mapping[str, str], news: Mapping[str, str]) -> None:
        """Take away what is gone and set the rest; what others have set stays."""
        path = f"servers/{self._identity}/metadata"
        for key in olds.keys() - news.keys():
            self._cloud.delete("compute", f"{path}/{quote(key, safe='')}")
        if news:
            self._cloud.post("compute", path, {"metadata": dict(news)}, idempotent=True)

    def set_security_groups(self, olds: set[str], news: set[str]) -> None:
        """Add and remove groups, by name, on all ports."""
        for name in sorted(olds - news):
            self._act({"removeSecurityGroup": {"name": name}}, accepted=frozenset({404}))
        for name in sorted(news - olds):
            self._act({"addSecurityGroup": {"name": name}})

    def set_password(self, password: str) -> None:
        """Change the administrator's password inside the server."""
        self._act({"changePassword": {"adminPass": password}})

    def set_tags(self, tags: set[str], microversion: str) -> None:
        """Replace all tags."""
        path = f"servers/{self._identity}/tags"
        self._cloud.put("compute", path, {"tags": sorted(tags)}, microversion=microversion)

    def stop(self) -> None:
        """Shut the server down in an orderly way; one that is absent or stopped is fine."""
        if self._act({"os-stop": None}, accepted=frozenset({404, 409})):
            self._wait("stop", frozenset({"SHUTOFF", "ERROR"}), frozenset())

    def force_delete(self) -> bool:
        """Delete at once, also where the cloud keeps deleted servers for a while."""
        return self._act({"forceDelete": None}, accepted=frozenset({404}))

    def detach_port(self, port: str) -> None:
        """Take a port from the server, so that it survives the server."""
        path = f"servers/{self._identity}/os-interface"
        if self._cloud.delete("compute", f"{path}/{port}", busy=frozenset({400, 409})):
            watch = Watch(service="compute", path=path, gone=True, action="detach")
            self._cloud.waiter.wait(watch, port, self._timeout)

    def _act(
        self,
        body: Properties,
        microversion: str | None = None,
        accepted: frozenset[int] = frozenset(),
    ) -> bool:
        verb = next(iter(body)).removeprefix("os-")
        call = Call(
            "compute",
            "POST",
            f"servers/{self._identity}/action",
            body=body,
            microversion=microversion,
            accepted=accepted,
            action=f"{verb} server {self._identity!r}",
        )
        return bool(self._cloud.call(call).status_code not in accepted)

    def _wait(
        self, action: str, ready: frozenset[str], failed: frozenset[str] = frozenset({"ERROR"})
    ) -> Properties:
        watch = Watch(
            service="compute",
            path="servers",
            singular="server",
            ready=ready,
            failed=failed - ready,
            fault=lambda seen: fault_of(seen) or f"the cloud did not {action} it",
            action=action,
        )
        return self._cloud.waiter.wait(watch, self._identity, self._timeout)


def verb_of(state: str) -> str:
    """What brings a server into a power state, for messages."""
    return {"active": "start", "shutoff": "stop", "paused": "pause"}.get(state, "shelve")
