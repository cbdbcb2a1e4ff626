"""Resources stay in the cloud when they are left out, replaced or destroyed."""

from conform import Group, Thing, stage
from pulumi import ResourceOptions

keep = ResourceOptions(retain_on_delete=True)
Thing("kept", kind="a" if stage < 3 else "b", opts=keep)
group = Group("group", opts=keep)
if stage == 1:
    Thing("left-out", text="x", opts=keep)
    Thing("child", text="x", opts=ResourceOptions(parent=group))
    Thing("gone", text="x")
