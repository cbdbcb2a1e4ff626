"""What conformance programs import: the resource classes of the package `conform`.

Copied beside each program; it stands in for a generated SDK.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi import ResourceOptions

VERSION = ResourceOptions(version="1.0.0")
#: Which stage of its feature's story the program is in, from 1.
stage = pulumi.Config("suite").require_int("stage")
folder = pulumi.Config("conform").require("folder")


class Thing(pulumi.CustomResource):
    """A resource with any inputs."""

    path: pulumi.Output[str]
    length: pulumi.Output[int]
    token: pulumi.Output[str]
    text: pulumi.Output[str]

    def __init__(self, name: str, opts: ResourceOptions | None = None, **inputs: Any) -> None:
        for output in ("path", "length", "token", "text"):
            inputs.setdefault(output, None)
        super().__init__("conform:index:Thing", name, inputs, ResourceOptions.merge(VERSION, opts))


class Provider(pulumi.ProviderResource):
    """An explicit provider."""

    def __init__(self, name: str, opts: ResourceOptions | None = None, **inputs: Any) -> None:
        inputs.setdefault("folder", folder)
        super().__init__("conform", name, inputs, ResourceOptions.merge(VERSION, opts))


class Group(pulumi.ComponentResource):
    """A component."""

    def __init__(self, name: str, opts: ResourceOptions | None = None, **inputs: Any) -> None:
        super().__init__("suite:index:Group", name, inputs, opts)
