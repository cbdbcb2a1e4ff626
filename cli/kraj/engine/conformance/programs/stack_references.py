"""Outputs of another stack: plain, secret, absent, in all forms of its name."""

import pulumi
from conform import Thing, stage
from pulumi import Output, StackReference

if pulumi.get_stack() == "test.base":
    pulumi.export("plain", {"a": [1, "two"]})
    pulumi.export("hidden", Output.secret("hush"))
    pulumi.export("nested", {"open": 1, "closed": Output.secret("hush")})
else:
    base = StackReference("organization/suite/test.base")
    short = StackReference("short", stack_name="organization/suite/test.base")
    Thing("user", text=base.require_output("plain").apply(lambda value: value["a"][1]))
    pulumi.export("plain", base.get_output("plain"))
    pulumi.export("hidden", base.get_output("hidden"))
    pulumi.export("nested", short.get_output("nested"))
    pulumi.export("absent", base.get_output("absent"))
    pulumi.export("names", short.outputs.apply(sorted))
    if stage == 4:
        StackReference("organization/suite/nowhere")
