"""A stack is destroyed in which one resource is protected."""

from conform import Thing
from pulumi import ResourceOptions

free = Thing("free", text="a")
Thing("guarded", text="b", opts=ResourceOptions(protect=True))
