"""Explicit providers, given to a resource, a component, as list and as mapping; one changes."""

import pulumi
from conform import Group, Provider, Thing, folder, stage
from pulumi import ResourceOptions

first = Provider("first", mark="first" if stage == 1 else "changed")
place = folder if stage < 3 else folder + "/second"
second = Provider("second", folder=place, mark="second", apiKey=pulumi.Output.secret("k"))
by_list = Group("by-list", opts=ResourceOptions(providers=[first]))
by_mapping = Group("by-mapping", opts=ResourceOptions(providers={"conform": second}))
by_one = Group("by-one", opts=ResourceOptions(provider=first))
Thing("in-list", text="a", opts=ResourceOptions(parent=by_list))
Thing("in-mapping", text="b", opts=ResourceOptions(parent=by_mapping))
inner = Group("inner", opts=ResourceOptions(parent=by_one))
Thing("in-one", text="c", opts=ResourceOptions(parent=inner))
Thing("explicit", text="d", opts=ResourceOptions(provider=second, parent=by_list))
Thing("default", text="e")
