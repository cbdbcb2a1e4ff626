"""Octavia: where a listener sends requests, by what they contain (layer 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kraj.openstack.fields import flag, integer, text
from kraj.openstack.octavia import OctaviaResource
from kraj.openstack.resource import Properties

#: Which target each action has.
_TARGETS: Final = {
    "REDIRECT_TO_POOL": "redirectPoolId",
    "REDIRECT_TO_URL": "redirectUrl",
    "REDIRECT_PREFIX": "redirectPrefix",
    "REJECT": "",
}


class L7PolicyV2(OctaviaResource):
    """What happens to requests that all rules of the policy fit."""

    pulumi_type = "openstack:loadbalancer/l7PolicyV2:L7PolicyV2"
    path = "lbaas/l7policies"
    singular = "l7policy"

    name = text()
    description = text()
    action_ = text(required=True, choices=tuple(_TARGETS))
    admin_state_up = flag(default=True)
    listener_id = text(required=True, replaces=True)
    position = integer(computed=True)
    redirect_http_code = integer(computed=True)
    redirect_pool_id = text()
    redirect_prefix = text()
    redirect_url = text()
    tenant_id = text(api="project_id", computed=True, replaces=True)

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """An action has no other target than its own."""
        action = inputs.get("action")
        if action not in _TARGETS:
            return {}
        others = set(_TARGETS.values()) - {_TARGETS[action], ""}
        return {
            name: f"{name} has no meaning for action {action}"
            for name in sorted(others)
            if inputs.get(name) is not None
        }

    def balancer_of(self, properties: Properties) -> str:
        """That of the listener."""
        return self.behind_listener(properties["listenerId"])


class L7RuleV2(OctaviaResource):
    """A condition of a policy. An import names it as `<policy>/<rule>`."""

    pulumi_type = "openstack:loadbalancer/l7RuleV2:L7RuleV2"
    singular = "rule"
    told_by = ("type", "compare_type", "key", "value")
    policy: str = ""
    listener: str = ""

    admin_state_up = flag(default=True)
    compare_type = text(
        required=True, choices=("CONTAINS", "STARTS_WITH", "ENDS_WITH", "EQUAL_TO", "REGEX")
    )
    invert = flag(default=False)
    key = text()
    l7policy_id = text(required=True, replaces=True, sent=False)
    listener_id = text(output_only=True)
    tenant_id = text(api="project_id", computed=True, replaces=True)
    type = text(
        required=True,
        choices=(
            *("COOKIE", "FILE_TYPE", "HEADER", "HOST_NAME"),
            *("PATH", "SSL_CONN_HAS_CERT", "SSL_VERIFY_RESULT", "SSL_DN_FIELD"),
        ),
    )
    value = text(required=True)

    def balancer_of(self, properties: Properties) -> str:
        """That of the policy's listener."""
        self._take_policy(properties["l7policyId"])
        return self.behind_listener(self.listener) if self.listener else ""

    def collection_path(self) -> str:
        """Rules are kept by policy."""
        return f"lbaas/l7policies/{self.policy}/rules"

    def find_existing(self, inputs: Properties, since: float | None) -> list[str]:
        """Look in the policy; without a policy there is no rule."""
        self._take_policy(inputs["l7policyId"])
        return super().find_existing(inputs, since) if self.listener else []

    def read(self, identity: str, known: Properties) -> Properties | None:
        """Look in the policy that is known, or that the id names."""
        policy, _, rule = identity.rpartition("/")
        self._take_policy(policy or known["l7policyId"])
        return super().read(rule, known) if self.listener else None

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Octavia names neither policy nor listener."""
        parents = {"l7policy_id": self.policy, "listener_id": self.listener}
        return super().outputs(identity, {**found, **parents}, known)

    def _take_policy(self, policy: str) -> None:
        """Learn the policy's listener; it has none where the policy does not exist."""
        self.policy = policy
        answer = self.cloud.find(self.service, f"lbaas/l7policies/{policy}")
        self.listener = "" if answer is None else answer["l7policy"]["listener_id"]
