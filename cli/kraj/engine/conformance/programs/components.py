"""Components with inputs and outputs, empty ones, and one whose outputs change."""

import pulumi
from conform import Group, Thing, stage
from pulumi import ResourceOptions

group = Group("group", plain="a", given=f"version {stage}")
child = Thing("child", text="a", opts=ResourceOptions(parent=group))
group.register_outputs({"path": child.path, "stage": stage, "hidden": pulumi.Output.secret("s")})
Group("silent")
empty = Group("empty", nothing=None)
empty.register_outputs({})
if stage == 1:
    Group("gone")
pulumi.export("group", group.urn)
