"""Documents of `kraj secret`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kraj.report.documents.base import REGION, Document, Part, named, stack_field


class SecretEntry(Part):
    """A secret variable of a role on the servers of one stack."""

    stack: str = stack_field()
    role: str = Field(description="The role that asks for it.")
    name: str = Field(description="Name of the variable.")
    meaning: str = Field(description="What the role says that it is.")


class SecretListDocument(Document):
    """Which secrets the roles of the servers that stand ask for; no value is in it."""

    schema_: Literal["kraj.secret.list/1"] = named("kraj.secret.list/1")
    region: str = Field(description=REGION)
    secrets: tuple[SecretEntry, ...] = Field(description="By stack and role.")


class SecretShowDocument(Document):
    """One secret in the clear."""

    schema_: Literal["kraj.secret.show/1"] = named("kraj.secret.show/1")
    region: str = Field(description=REGION)
    secret: SecretEntry = Field(description="Which it is.")
    value: str = Field(description="The secret itself.")
