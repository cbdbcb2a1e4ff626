"""The document of `drift accept`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from kraj.drift.accepting import Proposal
from kraj.model.sources import display
from kraj.operations.accept import Acceptance
from kraj.operations.changes import FileChange
from kraj.operations.region import PlannedRegion
from kraj.report.documents.base import REGION, Document, Part, named, stack_field


class RefusedEntry(Part):
    """A difference that no file can express."""

    stack: str = stack_field()
    name: str = Field(description="Logical name of the resource, or what the object does.")
    type: str = Field(description="Pulumi type token, or the kind of an object in no plan.")
    path: str = Field(description="Property; empty where the whole resource is meant.")
    before: Any = Field(description="In the state.")
    after: Any = Field(description="In the cloud.")
    reason: str = Field(description="Why.")

    @classmethod
    def of(cls, part: Proposal) -> RefusedEntry:
        names = ("stack", "name", "type", "path", "before", "after", "reason")
        return cls(**{name: getattr(part, name) for name in names})


class AcceptedEntry(Part):
    """A difference that the files take over."""

    stack: str = stack_field()
    name: str = Field(description="Logical name of the resource.")
    type: str = Field(description="Pulumi type token.")
    path: str = Field(description="Property.")
    before: Any = Field(description="In the state.")
    after: Any = Field(description="In the cloud.")
    file: str = Field(description="The file that says it.")
    key: str = Field(description="Where in the file: `services[0].storage`.")
    value: int | str = Field(description="What the file says then.")
    note: str = Field(description="What else follows; empty where nothing does.")

    @classmethod
    def of(cls, planned: PlannedRegion, part: Proposal) -> AcceptedEntry:
        if part.edit is None:
            raise ValueError(f"{part.label} was not accepted")
        names = ("stack", "name", "type", "path", "before", "after", "note")
        return cls(
            **{name: getattr(part, name) for name in names},
            file=display(planned.files.sources.path_of(part.edit.kind, part.edit.name)),
            key=part.edit.key,
            value=part.edit.value,
        )


class FileEntry(Part):
    """What changes in a file."""

    file: str = Field(description="Its path.")
    diff: str = Field(description="A unified diff.")

    @classmethod
    def of(cls, change: FileChange) -> FileEntry:
        return cls(file=display(change.path), diff=change.diff)


class DriftAcceptDocument(Document):
    """What was changed by hand and is now in the region's files, and what cannot be."""

    schema_: Literal["kraj.drift-accept/1"] = named("kraj.drift-accept/1")
    region: str = Field(description=REGION)
    written: bool = Field(description="Whether the files were written; not with --dry-run.")
    accepted: tuple[AcceptedEntry, ...] = Field(description="What the files take over.")
    refused: tuple[RefusedEntry, ...] = Field(description="What no file can express.")
    files: tuple[FileEntry, ...] = Field(description="Files that change.")

    @classmethod
    def of(
        cls, planned: PlannedRegion, acceptance: Acceptance, *, written: bool
    ) -> DriftAcceptDocument:
        return cls(
            region=planned.name,
            written=written,
            accepted=tuple(AcceptedEntry.of(planned, part) for part in acceptance.accepted),
            refused=tuple(RefusedEntry.of(part) for part in acceptance.refused),
            files=tuple(FileEntry.of(change) for change in acceptance.changes),
        )
