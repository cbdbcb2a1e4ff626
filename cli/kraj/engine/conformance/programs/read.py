"""Existing objects are read, never changed nor deleted; one does not exist."""

import pulumi
from conform import Thing, stage
from pulumi import ResourceOptions

found = Thing("found", opts=ResourceOptions(id="found-1"))
copy = Thing("copy", text=found.text)
Thing("by-output", opts=ResourceOptions(id=copy.id))
if stage == 1:
    Thing("left-out", opts=ResourceOptions(id="found-1"))
if stage == 3:
    Thing("nowhere", opts=ResourceOptions(id="nowhere-1"))
pulumi.export("text", found.text)
pulumi.export("token", found.token)
