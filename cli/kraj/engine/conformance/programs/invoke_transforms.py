"""A function of the program that changes the arguments of functions."""

import pulumi
from pulumi import InvokeOutputOptions, InvokeTransformResult

pulumi.runtime.register_invoke_transform(
    lambda args: InvokeTransformResult({**args.args, "added": 1}, args.opts)
)
options = InvokeOutputOptions(version="1.0.0")
pulumi.export("echo", pulumi.runtime.invoke_output("conform:index:echo", {"a": 1}, options))
