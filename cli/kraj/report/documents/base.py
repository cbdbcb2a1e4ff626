"""What all documents share: no unknown keys, a `schema` that names kind and version, plain JSON.

Parts are read from attributes of the same names, so that a plain value becomes a part of a document
by `model_validate`. Models are built when they are first used: a command pays for its own document.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

#: Labels of stacks, as `--only` takes them.
STACK_PATTERN = r"^(centre|tenant:[a-z0-9]+(-[a-z0-9]+)*)$"
#: Said in all documents alike.
REGION = "Short name of the region."
STACK = "`centre` or `tenant:<slug>`."
MOMENT = "ISO 8601, UTC"


class Part(BaseModel):
    """Base of all parts: frozen, no unknown keys, every key is always there."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        from_attributes=True,
        defer_build=True,
        json_schema_serialization_defaults_required=True,
    )


class Document(Part):
    """Base of whole documents; each has a `schema_` of its own, made by `named`."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready values; what JSON does not know becomes its text."""
        return self.model_dump(mode="json", by_alias=True, fallback=str)


class SparseDocument(Document):
    """Base of documents that leave out the keys which were not given; made from mappings."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    def as_dict(self) -> dict[str, Any]:
        """As any document's, without what was not given."""
        return self.model_dump(mode="json", by_alias=True, fallback=str, exclude_unset=True)


def named(name: str | None = None) -> Any:
    """The field of a document that holds its name and version, for example `kraj.plan/1`.

    The version counts up when a key is removed or means something else; new keys keep it. Sparse
    documents are given the name with their other keys.
    """
    default: Any = ... if name is None else name  # pydantic's sign for a required key
    return Field(default=default, alias="schema", description="Kind and version of this document.")


def stack_field() -> Any:
    """The field that holds a stack's label."""
    return Field(description=STACK, pattern=STACK_PATTERN)
