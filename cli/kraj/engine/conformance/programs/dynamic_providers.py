"""A provider that is written in the program itself."""

from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Provider(ResourceProvider):
    def create(self, props):
        return CreateResult("an-id", {**props, "made": True})


class Dynamic(Resource):
    def __init__(self, name):
        super().__init__(Provider(), name, {"text": "a"})


Dynamic("dynamic")
