"""A function of the program that changes every resource of the stack."""

import pulumi
from conform import Thing
from pulumi import ResourceTransformResult

pulumi.runtime.register_resource_transform(
    lambda args: ResourceTransformResult({**args.props, "labels": {"by": "stack"}}, args.opts)
)
Thing("thing", text="a")
