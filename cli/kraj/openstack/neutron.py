"""Tags of Neutron's objects: written by a request of their own, shared with others who tag.

A program owns the tags that it names; tags that others have put on an object stay and show in
`allTags`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, ClassVar, Final

from kraj.errors import KrajError
from kraj.openstack.errors import QUOTA
from kraj.openstack.fields import text_set
from kraj.openstack.resource import IN_USE, Properties, Resource

#: `Quota exceeded for resources: ['port'].`
_EXCEEDED: Final = re.compile(r"resources: \[([^\]]+)\]")


class NetworkResource(Resource):
    """Base of Neutron's types."""

    service: ClassVar[str] = "network"
    delete_busy: ClassVar[frozenset[int]] = IN_USE

    def send_create(self, inputs: Properties) -> Properties:
        """Neutron names the quota that is used up without numbers: they are looked up."""
        try:
            return super().send_create(inputs)
        except KrajError as error:
            if error.code is QUOTA:
                error.message += self._quota_in_numbers(error.message, inputs)
            raise

    def _quota_in_numbers(self, message: str, inputs: Properties) -> str:
        project = inputs.get("tenantId") or inputs.get("projectId") or self.cloud.project_id
        exceeded = _EXCEEDED.search(message)
        answer = self.cloud.find("network", f"quotas/{project}/details") if exceeded else None
        if exceeded is None or answer is None:
            return ""
        names = re.findall(r"\w+", exceeded.group(1))
        shown = [
            f"{name}: {quota['used']} of {quota['limit']} used"
            for name in names
            if (quota := answer["quota"].get(name))
        ]
        return f" ({'; '.join(shown)}; project {project})"


class TaggedResource(NetworkResource):
    """Base of Neutron's types with tags."""

    tags = text_set(sent=False, read=False)
    all_tags = text_set(api="tags", output_only=True)

    def settle_created(self, identity: str, found: Properties, inputs: Properties) -> Properties:
        """Put the tags on the new object, then wait where the type waits."""
        if inputs.get("tags"):
            found = {**found, "tags": self._set_tags(identity, inputs["tags"])}
        if self.created is None:
            return found
        return super().settle_created(identity, found, inputs)

    def settle_updated(
        self,
        identity: str,
        found: Properties | None,
        olds: Properties,
        news: Properties,
        changed: Collection[str],
    ) -> Properties | None:
        """Replace the program's tags and leave those of others."""
        if "tags" not in changed:
            return super().settle_updated(identity, found, olds, news, changed)
        foreign = set(olds.get("allTags") or ()) - set(olds.get("tags") or ())
        tags = self._set_tags(identity, sorted(foreign | set(news.get("tags") or ())))
        return None if found is None else {**found, "tags": tags}

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """`tags` shows those of the program that are still there."""
        result = super().outputs(identity, found, known)
        present = set(result["allTags"])
        result["tags"] = [tag for tag in known.get("tags") or () if tag in present]
        return result

    def _set_tags(self, identity: str, tags: Collection[str]) -> list[str]:
        path = f"{self.object_path(identity)}/tags"
        answer: dict[str, Any] = self.cloud.put(self.service, path, {"tags": sorted(tags)})
        return list(answer["tags"])
