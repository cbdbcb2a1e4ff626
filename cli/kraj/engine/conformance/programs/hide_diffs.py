"""Changes of the named properties are not shown; they are made all the same."""

from conform import Thing, stage
from pulumi import ResourceOptions

Thing("thing", text=f"version {stage}", size=stage, opts=ResourceOptions(hide_diffs=["text"]))
