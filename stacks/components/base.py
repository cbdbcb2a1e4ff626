"""What all components share: the type token and the options of their children.

Not for anything that only some of them need.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import pulumi


class Component(pulumi.ComponentResource):
    """A component resource with type token `kraj:<module>:<Class>`."""

    module: ClassVar[str]  #: the middle part of the token; constant, because state refers to it

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(f"kraj:{self.module}:{type(self).__name__}", name, None, opts)

    def child(
        self, *, after: Iterable[pulumi.Resource] = (), exclusive: bool = False
    ) -> pulumi.ResourceOptions:
        """Options of a child resource.

        `after` are resources that must exist as long as the child does and that none of its inputs
        mention. It also makes things one by one that Neutron limits: a network, subnet, group or
        floating address counts twice while it is being made, so that several at once overrun a
        quota that has room for exactly these.

        `exclusive` is for a child that cannot stand beside its replacement, because both would
        claim the same address, name or attachment: the old one is deleted first.
        """
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=list(after) or None,
            delete_before_replace=True if exclusive else None,
        )
