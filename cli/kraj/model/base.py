"""What the model's classes share: their base and the small annotated types of their fields.

Types carry their pattern and limits, so that the JSON Schemas made from the models say the same.
Nothing here knows a region; nothing here reads files.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError


class Part(BaseModel):
    """Base of all parts of region files: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
#: 40 leaves room for prefix, service and number inside the 63 octets of a DNS label (RFC 1035).
SLUG_MAX_LENGTH = 40

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN, max_length=SLUG_MAX_LENGTH)]
Email = Annotated[
    str, StringConstraints(pattern=r"^[^@\s]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}$", max_length=254)
]
#: ISO 3166-1 alpha-2.
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
#: The part of BCP 47 in daily use: language, script, region.
Language = Annotated[
    str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")
]
#: A fully qualified domain name with the trailing dot (RFC 1035).
DomainName = Annotated[
    str,
    StringConstraints(pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+$", max_length=254),
]
Count = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, ge=1)]
Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
#: Nova's and Cinder's schedulers take allocation ratios; 16 is Nova's usual maximum.
Overcommit = Annotated[float, Field(strict=True, gt=0, le=16)]
Percent = Annotated[int, Field(strict=True, ge=0, lt=100)]
Flag = Annotated[bool, Field(strict=True)]


def fail(message: str, *path: str | int) -> PydanticCustomError:
    """A fault for pydantic to collect, found by a check of several fields.

    `path` leads from the checked object to the wrong value; the loader joins it to the place.
    """
    return PydanticCustomError("model", "{reason}", {"reason": message, "path": list(path)})


def repeated(values: Iterable[str]) -> tuple[int, str] | None:
    """Index and value of the first value that was there before, None where all differ."""
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            return index, value
        seen.add(value)
    return None
