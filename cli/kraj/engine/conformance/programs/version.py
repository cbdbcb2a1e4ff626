"""Each version asked for has a default provider of its own; another version replaces nothing."""

import pulumi
from conform import Thing, stage
from pulumi import ResourceOptions

Thing("same", text="a")
Thing("other", text="b", opts=ResourceOptions(version="0.9.1" if stage == 1 else "0.9.2"))
found = pulumi.runtime.invoke_output(
    "conform:index:echo", {"a": 1}, pulumi.InvokeOutputOptions(version="1.0.0")
)
pulumi.export("echo", found)
