"""Protected resources are neither deleted nor replaced; children inherit the protection."""

from conform import Group, Thing, stage
from pulumi import ResourceOptions

protect = stage < 4
group = Group("group", opts=ResourceOptions(protect=protect))
guarded = Thing(
    "guarded", kind="new" if stage == 3 else "old", opts=ResourceOptions(protect=protect)
)
if stage != 2:
    Thing("child", text="a", opts=ResourceOptions(parent=group))
if stage > 3:
    Thing("free", text="b", opts=ResourceOptions(parent=group, protect=False))
