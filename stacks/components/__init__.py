"""The parts that the programs are made of: one Pulumi component resource per module.

Logical names come from the keys of the document, so that a new display name changes a resource in
place; a child's name is its component's name, a slash and its own key. Type tokens are
`kraj:<module>:<Class>`. What a component makes inside a project runs with the project's own
provider, which its `ResourceOptions` hand down.
"""
