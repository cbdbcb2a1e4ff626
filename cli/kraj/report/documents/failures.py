"""Errors as JSON: alone where a command fails, and inside documents where one stack does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from kraj.errors import KrajError
from kraj.report.documents.base import Document, Part, named


class ErrorEntry(Part):
    """One expected failure."""

    code: str = Field(
        pattern=r"^KRJ[0-9]{3}$",
        description="Stable code; `kraj explain CODE` tells what it means.",
    )
    title: str = Field(description="The code in a few words.")
    message: str = Field(description="What is wrong, with the offending value.")
    file: str | None = Field(
        description="File of the cause, relative to the current folder where it is below it."
    )
    line: int | None = Field(ge=0, description="Line in the file from 1; 0 is the whole file.")
    column: int | None = Field(ge=0, description="Column from 1, in characters; 0 as for `line`.")
    hint: str = Field(description="What to do next.")
    causes: tuple[str, ...] = Field(description="The chain of messages below, outermost first.")
    details: dict[str, Any] = Field(
        description=(
            "Facts for programs, other keys for each code; for example `wanted` and `largest_fit` "
            "in `unit` where an order does not fit, and `exit_code` 130 where Ctrl-C stopped it."
        )
    )

    @classmethod
    def of(cls, error: KrajError) -> ErrorEntry:
        return cls.model_validate(error.as_dict())


class ErrorDocument(Document):
    """Why a command has failed; printed in place of its own document."""

    schema_: Literal["kraj.error/1"] = named("kraj.error/1")
    errors: tuple[ErrorEntry, ...] = Field(
        min_length=1, description="All that was found in one pass, in the order of their places."
    )

    @classmethod
    def of(cls, errors: Iterable[KrajError]) -> ErrorDocument:
        return cls(errors=tuple(ErrorEntry.of(error) for error in errors))
