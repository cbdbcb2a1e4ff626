"""A component, a resource and a component below it as parents; then a child and a parent go."""

import pulumi
from conform import Group, Thing, stage
from pulumi import ResourceOptions

group = Group("group")
inner = Group("inner", opts=ResourceOptions(parent=group))
above = Thing("above", text=f"version {stage}", opts=ResourceOptions(parent=inner))
below = Thing("below", text="below", opts=ResourceOptions(parent=above))
if stage == 1:
    other = Group("other", opts=ResourceOptions(parent=group))
    Thing("gone", text="gone", opts=ResourceOptions(parent=other))
pulumi.export("urns", [group.urn, inner.urn, above.urn, below.urn])
