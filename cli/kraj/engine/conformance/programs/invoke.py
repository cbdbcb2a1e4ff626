"""Functions: at once and as outputs, with unknown and secret arguments, by a provider's own."""

import pulumi
from conform import Group, Provider, Thing
from pulumi import InvokeOptions, InvokeOutputOptions, Output, ResourceOptions

ECHO = "conform:index:echo"
plain = InvokeOptions(version="1.0.0")
outputs = InvokeOutputOptions(version="1.0.0")
thing = Thing("thing", text="a")
provider = Provider("provider", mark="own")
group = Group("group", opts=ResourceOptions(providers=[provider]))
pulumi.export("now", pulumi.runtime.invoke(ECHO, {"n": 1, "none": None}, plain).value)
pulumi.export("later", pulumi.runtime.invoke_output(ECHO, {"path": thing.path}, outputs))
pulumi.export("secret", pulumi.runtime.invoke_output(ECHO, {"s": Output.secret("h")}, outputs))
by_provider = InvokeOutputOptions(provider=provider)
pulumi.export("provider", pulumi.runtime.invoke_output(ECHO, {"a": [1]}, by_provider))
by_parent = InvokeOutputOptions(parent=group)
pulumi.export("parent", pulumi.runtime.invoke_output(ECHO, {"a": [2]}, by_parent))
after = InvokeOutputOptions(version="1.0.0", depends_on=[thing])
counted = pulumi.runtime.invoke_output("conform:index:count", {}, after)
pulumi.export("after", counted.apply(lambda found: found["count"] >= 1))
