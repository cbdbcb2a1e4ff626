"""A resource that goes with another one is not deleted itself, unless it goes alone."""

from conform import Thing, stage
from pulumi import ResourceOptions

if stage < 3:
    host = Thing("host", text="a")
    Thing("rider", text="b", opts=ResourceOptions(deleted_with=host))
    if stage == 1:
        Thing("alone", text="c", opts=ResourceOptions(deleted_with=host))
base = Thing("base", kind="old" if stage == 1 else "new")
Thing("on-base", text=base.path, opts=ResourceOptions(deleted_with=base))
