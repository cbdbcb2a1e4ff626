"""The security groups of one stack and their rules.

All groups of a stack are one component, because rules may name each other's groups. Neutron's
default rules are removed: what the document lists is all that holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_openstack as openstack

from kraj.planning import documents
from stacks.components.base import Component


class FirewallRules(Component):
    """Security groups with exactly the rules of the document."""

    module = "firewall"

    def __init__(
        self,
        name: str,
        groups: Sequence[documents.SecurityGroup],
        *,
        tags: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self.groups: dict[str, openstack.networking.SecGroup] = {}
        for group in groups:
            self.groups[group.key] = openstack.networking.SecGroup(
                group.key,
                name=group.name,
                description=group.description,
                delete_default_rules=True,
                tags=list(tags),
                opts=self.child(after=list(self.groups.values())[-1:]),
            )
        #: Rules of each group: a server that relies on them starts after they are in force.
        self.rules = {
            group.key: [self._rule(group.key, rule) for rule in group.rules] for group in groups
        }
        self.register_outputs({"groups": {key: group.id for key, group in self.groups.items()}})

    def group_ids(self, keys: Sequence[str]) -> list[pulumi.Output[str]]:
        """Ids of the groups with those keys."""
        return [self.groups[key].id for key in keys]

    def _rule(self, group: str, rule: documents.Rule) -> openstack.networking.SecGroupRule:
        return openstack.networking.SecGroupRule(
            f"{group}/{rule.key}",
            security_group_id=self.groups[group].id,
            direction=rule.direction,
            ethertype=rule.ethertype,
            protocol=rule.protocol,
            port_range_min=rule.port_min,
            port_range_max=rule.port_max,
            remote_ip_prefix=rule.remote_cidr,
            remote_group_id=self.groups[rule.remote_group].id if rule.remote_group else None,
            description=rule.description,
            opts=self.child(exclusive=True),
        )
