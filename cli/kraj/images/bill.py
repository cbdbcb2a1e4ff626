"""The software bill of materials of an image, as CycloneDX 1.6."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseExpression
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from kraj.images.contents import Package

_NAMESPACE: Final = uuid.UUID("1d0f7d66-5f4e-4f0e-9a52-3f3b1f2f5a10")


def bill_of_materials(
    image: str, version: str, digest: str, date: datetime, os_version: str, found: Sequence[Package]
) -> str:
    """JSON text; the same for the same tree."""
    whole = Component(
        name=f"kraj-{image}",
        version=version,
        type=ComponentType.OPERATING_SYSTEM,
        bom_ref=f"kraj-{image}@{version}",
        properties=[Property(name="kraj:tree:sha256", value=digest)],
    )
    bom = Bom(
        serial_number=uuid.uuid5(_NAMESPACE, f"{image} {version} {digest}"),
        metadata=BomMetaData(component=whole, timestamp=date),
        components=[_component(package, os_version) for package in found],
    )
    bom.register_dependency(whole, bom.components)
    outputter = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6)
    return outputter.output_as_string(indent=2) + "\n"


def _component(package: Package, os_version: str) -> Component:
    url = _address(package, os_version)
    place = [Property(name="kraj:place", value=package.place)] if package.place else []
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{url}#{package.place}" if package.place else str(url),
        purl=url,
        licenses=_licences(package),
        properties=place,
    )


def _address(package: Package, os_version: str) -> PackageURL:
    if package.kind == "pypi":
        return PackageURL("pypi", None, package.name, package.version)
    qualifiers = {"arch": package.architecture, "distro": f"debian-{os_version}"}
    return PackageURL("deb", "debian", package.name, package.version, qualifiers)


def _licences(package: Package) -> list[License]:
    """An expression stands alone in CycloneDX; otherwise ids of SPDX, and names as they stand."""
    made = [LicenseFactory().make_from_string(text) for text in package.licences]
    if len(made) > 1 and any(isinstance(item, LicenseExpression) for item in made):
        return [DisjunctiveLicense(name=text) for text in package.licences]
    return made
