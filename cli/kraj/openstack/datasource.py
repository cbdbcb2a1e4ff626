"""Data sources: look one object up by criteria, for Pulumi's `get…` functions.

A source reads the declarations of a resource type: criteria are its properties, results its
outputs. Criteria that the API can filter by go into the query, all are compared with what comes
back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from kraj.errors import KrajError
from kraj.openstack.cloud import Cloud
from kraj.openstack.errors import NOT_UNIQUE
from kraj.openstack.fields import Field, equal, to_api
from kraj.openstack.resource import Properties, Resource


class DataSource:
    """Base of all data sources; an instance serves one look-up."""

    pulumi_function: ClassVar[str] = ""  #: `openstack:networking/getNetwork:getNetwork`
    resource: ClassVar[type[Resource]]  #: whose fields and outputs are used
    plural: ClassVar[str] = ""  #: key of the list in the API's answer
    criteria: ClassVar[Mapping[str, str]] = {}  #: argument → query parameter of the API
    aliases: ClassVar[Mapping[str, str]] = {}  #: argument → property with another name
    identity_argument: ClassVar[str] = ""  #: argument that holds the object's id: `networkId`

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def look_up(self, arguments: Properties) -> Properties:
        """The one object that fits. Raises KRJ414 for none or several."""
        given = {k: v for k, v in arguments.items() if v not in (None, "") and k != "region"}
        candidates = [
            outputs
            for item in self.candidates(given)
            if self.fits(outputs := self.shown(item), given)
        ]
        if len(candidates) != 1:
            raise self.not_one(len(candidates), given)
        return {**given, **candidates[0]}

    # --- what sources may override

    def candidates(self, given: Properties) -> list[Properties]:
        """Objects as the API shows them, narrowed by what it can filter."""
        resource = self.resource
        identity = given.get(self.identity_argument)
        if identity:
            found = resource(self.cloud).fetch(str(identity))
            return [] if found is None else [found]
        parameters = [
            (self.criteria[name], value) for name, value in self.query_values(given).items()
        ]
        answer = self.cloud.get(
            resource.service,
            resource.path,
            parameters=parameters,
            microversion=resource.microversion,
        )
        return list(answer[self.plural])

    def query_values(self, given: Properties) -> Properties:
        """The criteria that go into the query, in the API's spelling."""
        values: Properties = {}
        for name in self.criteria:
            if name in given:
                declared = self.resource.fields.get(self.aliases.get(name, name))
                values[name] = to_api(declared, given[name]) if declared else given[name]
        return values

    def shown(self, item: Properties) -> Properties:
        """The result for one object."""
        resource = self.resource(self.cloud)
        outputs = resource.outputs(resource.identity_of(item), item, {})
        for argument, name in self.aliases.items():
            outputs[argument] = outputs.get(name)
        return outputs

    def fits(self, outputs: Properties, given: Properties) -> bool:
        """Whether an object meets all criteria."""
        for name, wanted in given.items():
            if name == self.identity_argument or name not in outputs:
                continue
            declared: Field | None = self.resource.fields.get(self.aliases.get(name, name))
            actual = outputs[name]
            same = equal(declared, actual, wanted) if declared else actual == wanted
            if not same:
                return False
        return True

    # --- small parts

    def not_one(self, count: int, given: Properties) -> KrajError:
        """The error for a look-up that found none or several."""
        shown = ", ".join(f"{name}={value!r}" for name, value in sorted(given.items()))
        what = self.resource.singular.replace("_", " ") or self.resource.path
        found = "no" if count == 0 else str(count)
        return KrajError(NOT_UNIQUE, f"{found} {what} fits {shown or 'without criteria'}")
