"""Create, then change in place, replace, leave out; then nothing changes."""

import pulumi
from conform import Thing, stage

kind = "old" if stage < 3 else "new"
kept = Thing("kept", text="always")
changed = Thing(
    "changed", text=f"version {min(stage, 3)}", labels={"a": "1"} if stage > 1 else None
)
replaced = Thing("replaced", kind=kind, text=changed.path)
user = Thing("user", text=replaced.path)
if stage == 1:
    Thing("left-out", text=kept.path)
pulumi.export("path", replaced.path)
