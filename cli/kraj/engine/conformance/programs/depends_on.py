"""Order by option alone: on a resource, on several, on a component, on an output."""

from conform import Group, Thing, stage
from pulumi import Output, ResourceOptions

text = f"version {stage}"
first = Thing("first", text=text)
group = Group("group")
within = Thing("within", text=text, opts=ResourceOptions(parent=group, depends_on=first))
group.register_outputs({})
after_group = Thing("after-group", text=text, opts=ResourceOptions(depends_on=[group]))
both = Thing("both", text=text, opts=ResourceOptions(depends_on=[first, after_group]))
Thing("last", text=text, opts=ResourceOptions(depends_on=Output.from_input([both])))
