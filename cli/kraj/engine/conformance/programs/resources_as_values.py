"""A resource, or one in a list, as an input of another one and as an output of the stack."""

import pulumi
from conform import Group, Thing

one = Thing("one", text="a")
group = Group("group")
Thing("user", other=one, several=[one], component=group)
pulumi.export("one", one)
