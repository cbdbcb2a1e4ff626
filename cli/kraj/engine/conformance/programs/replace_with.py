"""A resource is replaced because another one is."""

from conform import Thing, stage
from pulumi import ResourceOptions

base = Thing("base", kind="old" if stage == 1 else "new")
Thing("follower", text="a", opts=ResourceOptions(replace_with=[base]))
