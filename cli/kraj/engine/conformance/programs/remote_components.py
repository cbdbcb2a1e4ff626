"""A component that a plugin makes."""

import pulumi
from pulumi import ResourceOptions


class Remote(pulumi.ComponentResource):
    def __init__(self, name: str) -> None:
        super().__init__(
            "conform:index:Remote", name, {}, ResourceOptions(version="1.0.0"), remote=True
        )


Remote("remote")
