"""Documents about this machine and about kraj itself: `doctor`, `engine`, `explain`, `schema`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from kraj.errors import ErrorCode
from kraj.operations.doctor import Finding, Verdict
from kraj.report.documents.base import Document, Part, named


class FindingEntry(Part):
    """One thing that was looked at."""

    subject: str = Field(description="What was looked at.")
    verdict: Verdict = Field(
        description="`good`, `note`: works without something optional, `bad`: cannot work so."
    )
    found: str = Field(description="What is there.")
    advice: str = Field(description="What to do about it; empty where nothing is to be done.")


class DoctorDocument(Document):
    """Whether this machine has what kraj needs."""

    schema_: Literal["kraj.doctor/1"] = named("kraj.doctor/1")
    ready: bool = Field(description="Whether no finding is `bad`.")
    findings: tuple[FindingEntry, ...] = Field(description="All findings.")

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> DoctorDocument:
        entries = tuple(FindingEntry.model_validate(finding) for finding in findings)
        ready = all(entry.verdict is not Verdict.BAD for entry in entries)
        return cls(ready=ready, findings=entries)


class EngineDocument(Document):
    """Which engine would apply the stacks, and why."""

    schema_: Literal["kraj.engine/1"] = named("kraj.engine/1")
    engine: Literal["local", "pulumi"] = Field(description="The engine that would be used.")
    version: str = Field(description="Its version.")
    reason: str = Field(description="Why it was chosen.")
    details: dict[str, str] = Field(
        description="Versions and places of what is installed, and the folder of the state."
    )


class EngineInstallDocument(Document):
    """What `kraj engine install` has installed."""

    schema_: Literal["kraj.engine.install/1"] = named("kraj.engine.install/1")
    version: str = Field(description="Version of the Pulumi CLI.")
    path: str = Field(description="The `pulumi` command.")


class CodeEntry(Part):
    """One error code."""

    code: str = Field(pattern=r"^KRJ[0-9]{3}$", description="Never reused.")
    title: str = Field(description="A few words.")
    meaning: str = Field(description="What has happened.")
    remedy: str = Field(description="What a person does next.")


class ExplainDocument(Document):
    """The error code that was asked for, or all of them."""

    schema_: Literal["kraj.explain/1"] = named("kraj.explain/1")
    codes: tuple[CodeEntry, ...] = Field(description="In the order of the codes.")

    @classmethod
    def of(cls, codes: Iterable[ErrorCode]) -> ExplainDocument:
        return cls(codes=tuple(CodeEntry.model_validate(code) for code in codes))


class SchemaEntry(Part):
    """One kind of document."""

    name: str = Field(description="What `kraj schema` takes.")
    schema_: str = Field(alias="schema", description="What the documents' `schema` says.")
    meaning: str = Field(description="What the document tells.")


class SchemasDocument(Document):
    """The kinds of documents that there are."""

    schema_: Literal["kraj.schema/1"] = named("kraj.schema/1")
    documents: tuple[SchemaEntry, ...] = Field(description="By name.")
