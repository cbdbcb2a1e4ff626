"""Outputs that are told later, and outputs that take the place of failed ones."""

import pulumi
from conform import Thing, stage
from pulumi import Output


def fail(_path: str) -> str:
    raise ValueError("on purpose")


later, tell = pulumi.deferred_output()
one = Thing("one", text=f"version {stage}")
user = Thing("user", text=Output.concat("after ", later))
tell(one.path)
pulumi.export("later", later)
pulumi.export("recovered", one.path.apply(fail).recover(lambda error: f"instead of {error}"))
