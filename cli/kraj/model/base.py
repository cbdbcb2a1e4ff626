"""What the model's classes share: their base and the small annotated types of their fields.

Types carry their pattern and limits, so that the JSON Schemas made from the models say the same,
and a phrase for people, which error messages use. Nothing here knows a region or reads files.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from kraj.errors import ErrorCode
from kraj.model.errors import WRONG_VALUE

#: Pattern → what a value of that form is, in words.
PHRASES: dict[str, str] = {}


class Part(BaseModel):
    """Base of all parts of region files: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def shaped(pattern: str, phrase: str, max_length: int = 200) -> Any:
    """Constraints of a text whose form `phrase` says in words, to go on with "must be …"."""
    PHRASES[pattern] = phrase
    return StringConstraints(pattern=pattern, max_length=max_length)


class Faults:
    """Collects everything that the checks of several fields find, for one ValidationError.

    A validator that raised at the first fault would hide the next one until the file is mended.
    """

    def __init__(self) -> None:
        self._found: list[InitErrorDetails] = []

    def add(self, message: str, *path: str | int, code: ErrorCode = WRONG_VALUE) -> None:
        """Note a fault; `path` leads from the checked object to the wrong value."""
        kind = PydanticCustomError("fault", "{reason}", {"reason": message, "code": code})
        self._found.append(InitErrorDetails(type=kind, loc=path, input=None))

    def raise_any(self, title: str) -> None:
        """Raise pydantic's ValidationError where there are any."""
        if self._found:
            raise ValidationError.from_exception_data(title, self._found)


def repeated(values: Iterable[str]) -> list[tuple[int, str]]:
    """Index and value of each value that was there before."""
    seen: set[str] = set()
    found = []
    for index, value in enumerate(values):
        if value in seen:
            found.append((index, value))
        seen.add(value)
    return found


def _only_text(value: object) -> object:
    """Pydantic would read a number as seconds since 1970, which nobody means in a region file."""
    if isinstance(value, str | date):
        return value
    raise PydanticCustomError("date_form", "it must be a date, such as 2028-06-30")


#: One variable of the environment, where one may stand for a value.
VARIABLE_PATTERN = r"^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$"
SLUG_PATTERN = r"^[a-z0-9]+(-[a-z0-9]+)*$"
#: 40 leaves room for prefix, service and number inside the 63 octets of a DNS label (RFC 1035).
SLUG_MAX_LENGTH = 40
SLUG_PHRASE = "lower-case ASCII letters and digits with single hyphens between them"

Text = Annotated[
    str,
    StringConstraints(min_length=1),
    shaped(r"^[^\x00-\x1f\x7f-\x9f]*$", "one line without control characters"),
]
Slug = Annotated[str, shaped(SLUG_PATTERN, SLUG_PHRASE, SLUG_MAX_LENGTH)]
Email = Annotated[
    str,
    shaped(r"^[^@\s]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}$", "an e-mail address", max_length=254),
]
Country = Annotated[
    str, shaped(r"^[A-Z]{2}$", "two capital letters (ISO 3166-1 alpha-2), such as CZ")
]
#: The part of BCP 47 in daily use: language, script, region.
Language = Annotated[
    str,
    shaped(
        r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$",
        "a BCP 47 language tag, such as cs or de-AT",
    ),
]
DomainName = Annotated[
    str,
    shaped(
        r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+$",
        "a domain name in lower case with the trailing dot, such as region.example.",
        max_length=254,
    ),
]
IsoDate = Annotated[date, BeforeValidator(_only_text)]
Count = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, ge=1)]
PortNumber = Annotated[int, Field(strict=True, ge=1, le=65535)]
#: Nova's and Cinder's schedulers take allocation ratios; 16 is Nova's usual maximum.
Overcommit = Annotated[float, Field(strict=True, gt=0, le=16)]
Percent = Annotated[int, Field(strict=True, ge=0, lt=100)]
Flag = Annotated[bool, Field(strict=True)]
