"""The program says that something is wrong, and goes on."""

import pulumi
from conform import Thing

pulumi.log.error("not like this")
Thing("thing", text="a")
