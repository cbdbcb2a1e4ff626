"""A resource of the same program, found by its URN."""

import pulumi
from conform import Thing
from pulumi import ResourceOptions

made = Thing("made", text="a")


class Same(pulumi.CustomResource):
    path: pulumi.Output[str]


def look(urn: str) -> pulumi.Output[str]:
    same = Same("conform:index:Thing", "same", {"path": None}, ResourceOptions(urn=urn))
    return same.path


pulumi.export("path", made.urn.apply(look))
