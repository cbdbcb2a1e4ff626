"""The older kind of transforms, which the SDK does itself."""

from conform import Group, Thing, stage
from pulumi import ResourceOptions, ResourceTransformationArgs, ResourceTransformationResult


def label(args: ResourceTransformationArgs) -> ResourceTransformationResult | None:
    if args.type_ != "conform:index:Thing":
        return None
    return ResourceTransformationResult({**args.props, "labels": {"stage": str(stage)}}, args.opts)


Thing("own", text="a", opts=ResourceOptions(transformations=[label]))
group = Group("group", opts=ResourceOptions(transformations=[label]))
Thing("child", text="b", opts=ResourceOptions(parent=group))
Thing("other", text="c")
