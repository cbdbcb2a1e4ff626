"""A package that is made of another one with parameters."""

import pulumi
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_monitor

parameters = resource_pb2.Parameterization(name="derived", version="1.0.0", value=b"x")
request = resource_pb2.RegisterPackageRequest(
    name="conform", version="1.0.0", parameterization=parameters
)
pulumi.export("package", get_monitor().RegisterPackage(request).ref != "")
