"""Functions of the program that change what is registered, called by the engine."""

from conform import Group, Thing, stage
from pulumi import ResourceOptions, ResourceTransformArgs, ResourceTransformResult


def label(args: ResourceTransformArgs) -> ResourceTransformResult | None:
    if args.type_ != "conform:index:Thing":
        return None
    return ResourceTransformResult({**args.props, "labels": {"stage": str(stage)}}, args.opts)


Thing("own", text="a", opts=ResourceOptions(transforms=[label]))
group = Group("group", opts=ResourceOptions(transforms=[label]))
Thing("child", text="b", opts=ResourceOptions(parent=group))
Thing("other", text="c")
