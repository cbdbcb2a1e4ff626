"""Existing objects come under management; one differs from the program; one does not exist."""

from conform import Thing, stage
from pulumi import ResourceOptions

Thing("found", text="was here", opts=ResourceOptions(import_="found-1"))
if stage == 3:
    Thing("nowhere", text="x", opts=ResourceOptions(import_="nowhere-1"))
