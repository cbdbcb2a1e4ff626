"""A resource fails to be created, changed, deleted; what is independent of it is done."""

import pulumi
from conform import Thing, stage
from pulumi import ResourceOptions

fail = {1: "create", 3: "update", 4: "delete", 5: "delete"}.get(stage)
first = Thing("first", text="a")
steering = {"failOn": fail} if fail else {}
bad = Thing("bad", text=f"version {stage}", **steering, opts=ResourceOptions(depends_on=[first]))
after = Thing("after", text=bad.path)
pulumi.export("after", after.path)
