"""A component gets another name; its children, named after it, stay the objects they are."""

from conform import Group, Thing, stage
from pulumi import Alias, ResourceOptions

name = "group" if stage == 1 else "renamed"
aliases = None if stage == 1 else [Alias(name="group")]
group = Group(name, opts=ResourceOptions(aliases=aliases))
inner = Group(f"{name}-inner", opts=ResourceOptions(parent=group))
Thing(f"{name}-child", text="a", opts=ResourceOptions(parent=inner))
Thing("child", text="b", opts=ResourceOptions(parent=group))
