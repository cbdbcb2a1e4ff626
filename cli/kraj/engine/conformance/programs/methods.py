"""A function of a resource that its provider has."""

import pulumi
from conform import Thing

thing = Thing("thing", text="a")
pulumi.export("echo", pulumi.runtime.call("conform:index:Thing/echo", {"a": 1}, res=thing))
