"""A resource gets another name, another parent, another type of parent; the object stays."""

import pulumi
from conform import Group, Thing, stage
from pulumi import Alias, ResourceOptions

urn = "urn:pulumi:test.one::suite::conform:index:Thing::by-urn"
if stage == 1:
    first = Thing("first", text="a")
    moved = Thing("moved", text="b")
    Thing("by-urn", text="c")
    Thing("unrelated", text="d")
else:
    group = Group("group")
    first = Thing("renamed", text="a", opts=ResourceOptions(aliases=[Alias(name="first")]))
    moved = Thing(
        "moved",
        text="b" if stage == 2 else "changed",
        opts=ResourceOptions(parent=group, aliases=[Alias(parent=pulumi.ROOT_STACK_RESOURCE)]),
    )
    Thing("by-new-urn", text="c", opts=ResourceOptions(aliases=[urn]))
    Thing("also", text="d", opts=ResourceOptions(aliases=[Alias(name="never"), Alias(name="nor")]))
Thing("user", text=first.path, opts=ResourceOptions(depends_on=[moved]))
