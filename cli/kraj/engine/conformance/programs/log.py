"""Remarks of the program, with and without a resource, and printed lines."""

import pulumi
from conform import Thing

thing = Thing("thing", text="a")
pulumi.log.debug("nobody asked")
pulumi.log.info("for information")
pulumi.log.info("passing by", ephemeral=True)
pulumi.log.info("about the thing", thing)
pulumi.log.warn("careful")
pulumi.log.warn("careful with the thing", thing)
print("a printed line")
print("another\nand a third")
