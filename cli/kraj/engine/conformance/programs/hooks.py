"""Functions of the program that the engine calls before and after operations."""

import pulumi
from conform import Thing, stage
from pulumi import ResourceHookBinding, ResourceOptions


def tell(args: pulumi.ResourceHookArgs) -> None:
    pulumi.log.info(f"hook for {args.name}")


hook = pulumi.ResourceHook("tell", tell)
binding = ResourceHookBinding(before_create=[hook], after_create=[hook], after_update=[hook])
Thing("thing", text=f"version {stage}", opts=ResourceOptions(hooks=binding))
