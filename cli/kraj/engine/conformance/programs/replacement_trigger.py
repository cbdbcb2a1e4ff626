"""A resource is replaced because a value that is no property of it changed."""

from conform import Thing, stage
from pulumi import ResourceOptions

Thing("thing", text="a", opts=ResourceOptions(replacement_trigger="old" if stage == 1 else "new"))
