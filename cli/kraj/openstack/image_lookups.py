"""Glance: look-ups of images by name, properties, tags and size."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from kraj.errors import KrajError
from kraj.openstack.cloud import Cloud
from kraj.openstack.datasource import DataSource
from kraj.openstack.errors import REFUSED
from kraj.openstack.images import Image
from kraj.openstack.resource import Properties

#: Arguments that Glance filters by, with its names for them.
_QUERY: Final = {
    "name": "name",
    "visibility": "visibility",
    "memberStatus": "member_status",
    "owner": "owner",
    "sizeMin": "size_min",
    "sizeMax": "size_max",
    "containerFormat": "container_format",
    "diskFormat": "disk_format",
    "sort": "sort",
    "hidden": "os_hidden",
}


def find_images(cloud: Cloud, given: Mapping[str, Any]) -> list[Properties]:
    """All images that fit, page by page, in the order asked for (by name where none is)."""
    parameters = [(_QUERY[name], given[name]) for name in _QUERY if name in given]
    parameters += [("tag", tag) for tag in {given.get("tag"), *(given.get("tags") or ())} - {None}]
    if "sort" not in given:
        parameters.append(("sort", "name:asc"))
    found: list[Properties] = []
    while True:
        answer = cloud.get("image", "images", parameters=parameters)
        found += answer["images"]
        if "next" not in answer:
            return [image for image in found if _fits(image, given)]
        rest = [(name, value) for name, value in parameters if name != "marker"]
        parameters = [*rest, ("marker", found[-1]["id"])]


def _fits(image: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    pattern = given.get("nameRegex")
    if pattern and not _compiled(pattern).search(image.get("name") or ""):
        return False
    wanted = given.get("properties") or {}
    return all(image.get(key) == value for key, value in wanted.items())


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise KrajError(REFUSED, f"nameRegex {pattern!r} is no expression: {error}") from error


class GetImage(DataSource):
    """One image by its properties, the newest of several with `mostRecent`."""

    pulumi_function = "openstack:images/getImage:getImage"
    resource = Image
    criteria: ClassVar = _QUERY

    def candidates(self, given: Properties) -> list[Properties]:
        """Images that fit."""
        found = find_images(self.cloud, given)
        if given.get("mostRecent"):
            return sorted(found, key=lambda image: str(image["created_at"]))[-1:]
        return found

    def fits(self, _outputs: Properties, _given: Properties) -> bool:
        """All criteria were compared already."""
        return True


class GetImageIds(DataSource):
    """Ids of all images that fit."""

    pulumi_function = "openstack:images/getImageIds:getImageIds"
    resource = Image
    criteria: ClassVar = _QUERY

    def look_up(self, arguments: Properties) -> Properties:
        """The ids in the order asked for; none is an answer too."""
        given = {k: v for k, v in arguments.items() if v not in (None, "")}
        ids = [image["id"] for image in find_images(self.cloud, given)]
        region = given.get("region") or self.cloud.region_name
        return {**given, "id": ",".join(ids), "ids": ids, "region": region}
