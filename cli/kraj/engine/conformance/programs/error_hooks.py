"""A function of the program that the engine asks whether to try again."""

import pulumi
from conform import Thing
from pulumi import ResourceHookBinding, ResourceOptions

hook = pulumi.ErrorHook("again", lambda _args: False)
binding = ResourceHookBinding(on_error=[hook])
Thing("thing", text="x", opts=ResourceOptions(hooks=binding))
