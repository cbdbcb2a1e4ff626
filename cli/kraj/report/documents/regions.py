"""Documents of `kraj region`: the files of a region as they were understood."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from kraj.model.loader import RegionFiles
from kraj.model.region import Region
from kraj.model.service import ServiceCard
from kraj.model.tenant import Tenant
from kraj.report.documents.base import REGION, Document, named


class RegionInitDocument(Document):
    """What `kraj region init` has written."""

    schema_: Literal["kraj.region.init/1"] = named("kraj.region.init/1")
    files: tuple[str, ...] = Field(description="The files that were made.")


class RegionValidateDocument(Document):
    """That a region's files are valid; errors are a `kraj.error/1` document."""

    schema_: Literal["kraj.region.validate/1"] = named("kraj.region.validate/1")
    region: str = Field(description=REGION)
    valid: Literal[True] = Field(default=True, description="No error was found.")
    tenants: int = Field(ge=0, description="How many tenants the region has.")
    services: tuple[str, ...] = Field(description="Names of the services in the catalogue.")

    @classmethod
    def of(cls, files: RegionFiles) -> RegionValidateDocument:
        return cls(
            region=files.region.name, tenants=len(files.tenants), services=tuple(files.services)
        )


class RegionShowDocument(Document):
    """A region's files, checked and with all defaults filled in; sizes are texts with a unit."""

    schema_: Literal["kraj.region.show/1"] = named("kraj.region.show/1")
    region: Region = Field(description="What region.yaml says.")
    tenants: dict[str, Tenant] = Field(description="What tenants/<slug>.yaml say, by slug.")
    services: dict[str, ServiceCard] = Field(
        description="The whole catalogue: what roles/<name>/service.yaml say, by name."
    )

    @classmethod
    def of(cls, files: RegionFiles) -> RegionShowDocument:
        return cls(region=files.region, tenants=dict(files.tenants), services=dict(files.services))
