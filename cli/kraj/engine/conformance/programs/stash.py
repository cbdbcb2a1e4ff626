"""A value that is kept from run to run."""

import pulumi
from conform import stage

stash = pulumi.Stash("stash", input=f"version {stage}")
pulumi.export("kept", stash.output)
