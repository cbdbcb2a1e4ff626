"""Documents of `kraj lab`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from kraj.report.documents.base import Document, Part, named

if TYPE_CHECKING:
    from kraj.lab.status import LabStatus


class LabServiceEntry(Part):
    """One service of the lab."""

    name: str = Field(description="What `kraj lab logs` takes.")
    state: str = Field(
        description="The supervisor's word: RUNNING, STARTING, STOPPED, BACKOFF, FATAL, EXITED."
    )
    port: int | None = Field(ge=1, le=65535, description="TCP port; null where it has none.")
    memory_mib: int = Field(ge=0, description="Memory in MiB, shared pages counted by share.")


class LabStatusDocument(Document):
    """The lab and its services."""

    schema_: Literal["kraj.lab.status/1"] = named("kraj.lab.status/1")
    folder: str = Field(description="The lab's folder.")
    exists: bool = Field(description="Whether there is a lab in it.")
    running: bool = Field(description="Whether every service runs.")
    depth: str = Field(
        description="How real servers are: `api` (nothing boots), `hosts` (containers with "
        "systemd) or `vm` (virtual machines)."
    )
    clouds_file: str = Field(description="The clouds.yaml with the entry `lab`.")
    memory_mib: int = Field(ge=0, description="Memory of all services in MiB.")
    services: tuple[LabServiceEntry, ...] = Field(description="All services.")

    @classmethod
    def of(cls, status: LabStatus) -> LabStatusDocument:
        return cls(
            folder=str(status.folder),
            exists=status.exists,
            running=status.running,
            depth=status.depth,
            clouds_file=str(status.clouds_file),
            memory_mib=status.memory_mib,
            services=tuple(LabServiceEntry.model_validate(item) for item in status.services),
        )


class LabLogsDocument(Document):
    """The last log lines of a service."""

    schema_: Literal["kraj.lab.logs/1"] = named("kraj.lab.logs/1")
    service: str = Field(description="Name of the service.")
    lines: tuple[str, ...] = Field(description="Oldest first.")


class LabDestroyDocument(Document):
    """That `kraj lab destroy` has left nothing."""

    schema_: Literal["kraj.lab.destroy/1"] = named("kraj.lab.destroy/1")
    destroyed: Literal[True] = Field(default=True, description="No process and no file is left.")
