"""Reads a region's folder and the catalogue of services, and finds all that is wrong in them.

`load_region` is the one way from files to models: all errors of all files come together, each with
its place. Rules inside one file are the models', rules between files are in `kraj.model.checks`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from kraj.errors import ErrorCode, KrajError, KrajErrors, Location
from kraj.model.base import SLUG_MAX_LENGTH, SLUG_PATTERN, SLUG_PHRASE, VARIABLE_PATTERN
from kraj.model.checks import check_files
from kraj.model.errors import DUPLICATE_IDENTITY, FILE_NAME, WRONG_VALUE
from kraj.model.problems import Mended, problems_of, without_unknown_keys
from kraj.model.public_key import check_public_key, read_public_key
from kraj.model.region import Region
from kraj.model.roles import roles_with_tasks
from kraj.model.service import ServiceCard
from kraj.model.sources import CARD_FILE, REGION_FILE, TENANTS_FOLDER, Kind, Sources, display
from kraj.model.tenant import Tenant
from kraj.model.yaml_files import Document, PathPart, read_document

_Model = TypeVar("_Model", bound=BaseModel)
_VARIABLE = re.compile(VARIABLE_PATTERN)
#: Keys of a cloud whose value may be a variable, and what else they may be.
_WITH_VARIABLES = {
    "image_mirror": "a folder, a URL",
    "boot_images": "catalogue, built",
    "public_key": "an OpenSSH public key",
}
_SLUG = re.compile(SLUG_PATTERN)


@dataclass(frozen=True, slots=True)
class RegionFiles:
    """A region as its files say it, checked; places in the files are found again when needed."""

    sources: Sources
    region: Region
    tenants: Mapping[str, Tenant]  #: by slug, in alphabetical order
    services: Mapping[str, ServiceCard]  #: the whole catalogue by name, in alphabetical order
    public_key: str  #: the operators' OpenSSH public key, one line without its end
    installable: frozenset[str] = frozenset()  #: services whose role does something

    @property
    def folder(self) -> Path:
        """The region's folder."""
        return self.sources.folder

    def tenant_file(self, slug: str) -> Path:
        """The file of a tenant."""
        return self.sources.path_of("tenant", slug)

    def locate(
        self, kind: Kind, name: str = "", path: Sequence[PathPart] = (), *, key: bool = False
    ) -> Location:
        """Place of a value for errors that are found later; see `Sources.locate`."""
        return self.sources.locate(kind, name, path, key=key)


@dataclass(slots=True)
class _Reading:
    """What has been read so far, and what was wrong with it."""

    sources: Sources
    environ: Mapping[str, str]
    errors: list[KrajError] = field(default_factory=list)

    def model(self, path: Path, model: type[_Model]) -> _Model | None:
        """Read one file as a model; None, with its errors noted, where it is no such thing."""
        try:
            document = read_document(path, display(path))
        except KrajError as error:
            self.errors.append(error)
            return None
        except KrajErrors as errors:
            self.errors.extend(errors.errors)
            return None
        if model is Region:
            self.errors.extend(_expand_variables(document, self.environ))
        try:
            return model.model_validate(document.value)
        except ValidationError as error:
            self.errors.extend(problems_of(error, document, model))
            mended = without_unknown_keys(document.value, error, model)
            return None if mended is None else self._mended(mended, document, model)

    def _mended(self, mended: Mended, document: Document, model: type[_Model]) -> _Model | None:
        """The model without unknown keys, for the checks that follow; further errors are noted."""
        try:
            return model.model_validate(mended.value)
        except ValidationError as error:
            told = {(known.code, known.location) for known in self.errors}
            found = problems_of(error, document, model, mended.renamed)
            self.errors.extend(new for new in found if (new.code, new.location) not in told)
            return None

    def wrong(self, code: ErrorCode, message: str, location: Location) -> None:
        self.errors.append(KrajError(code, message, location))


def load_region(folder: Path, roles: Path, environ: Mapping[str, str] = os.environ) -> RegionFiles:
    """Read and check the region in `folder` with the service cards in `roles`.

    `environ` fills the places where a variable may stand, of a cloud alone. Raises
    KrajErrors with everything that is wrong in all files, in the order of files and lines.
    """
    reading = _Reading(Sources(folder, roles), environ)
    region = reading.model(folder / REGION_FILE, Region)
    services, unreadable = _read_services(reading)
    tenants = _read_tenants(reading)
    public_key = ""
    if region is not None:
        place = reading.sources.locate("region", path=("centre", "public_key_file"))
        try:
            public_key = read_public_key(folder / region.centre.public_key_file, place)
        except KrajError as error:
            reading.errors.append(error)
        reading.errors.extend(_wrong_keys(region, reading.sources))
    reading.errors.extend(check_files(reading.sources, region, tenants, services, unreadable))
    if reading.errors or region is None:
        raise KrajErrors(_in_order(reading.errors, reading.sources))
    return RegionFiles(
        reading.sources,
        region,
        MappingProxyType(tenants),
        MappingProxyType(services),
        public_key,
        frozenset(services.keys() & {*roles_with_tasks(roles)}),
    )


def _wrong_keys(region: Region, sources: Sources) -> Iterator[KrajError]:
    """What clouds name in place of the region's key, and is none."""
    for index, cloud in enumerate(region.clouds):
        if cloud.public_key is not None:
            place = sources.locate("region", path=("clouds", index, "public_key"))
            try:
                check_public_key(cloud.public_key, place)
            except KrajError as error:
                yield error


def _read_services(reading: _Reading) -> tuple[dict[str, ServiceCard], frozenset[str]]:
    """The cards by name, and the names of those that cannot be used."""
    services: dict[str, ServiceCard] = {}
    unreadable = set()
    for path in sorted(reading.sources.roles.glob(f"*/{CARD_FILE}")):
        name = path.parent.name
        card = reading.model(path, ServiceCard)
        if card is None:
            unreadable.add(name)
            continue
        services[name] = card
        if card.name != name:
            place = reading.sources.locate("service", name, ("name",))
            message = f"the card's name is {card.name!r}, but its folder is roles/{name}"
            reading.wrong(FILE_NAME, message, place)
    return services, frozenset(unreadable)


def _read_tenants(reading: _Reading) -> dict[str, Tenant]:
    tenants: dict[str, Tenant] = {}
    for path in _tenant_files(reading):
        tenant = reading.model(path, Tenant)
        if tenant is not None:
            tenants[path.stem] = tenant
    return tenants


def _tenant_files(reading: _Reading) -> Iterator[Path]:
    """The tenants' files in alphabetical order of their slugs; files with unfit names are noted."""
    folder = reading.sources.folder / TENANTS_FOLDER
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir(), key=lambda path: path.stem):
        if path.suffix not in (".yaml", ".yml") or path.name.startswith("."):
            continue
        place = Location(display(path))
        twin = path.with_suffix(".yaml")
        if path.suffix == ".yml" and twin.is_file():
            message = f"the slug {path.stem!r} has two files: {path.name} and {twin.name}"
            reading.wrong(DUPLICATE_IDENTITY, message, place)
            continue
        if path.suffix == ".yml":
            reading.wrong(FILE_NAME, f"{path.name!r} must end in .yaml", place)
        if not _SLUG.fullmatch(path.stem) or len(path.stem) > SLUG_MAX_LENGTH:
            message = f"the slug {path.stem!r} must be {SLUG_PHRASE}, {SLUG_MAX_LENGTH} at most"
            reading.wrong(FILE_NAME, message, place)
        yield path


def _expand_variables(document: Document, environ: Mapping[str, str]) -> list[KrajError]:
    """Replace `${NAME}` where it may stand; an unset or empty variable is as if nothing stood."""
    errors = []
    for index, cloud in enumerate(_list_in(document.value, "clouds")):
        for key, forms in _WITH_VARIABLES.items():
            value = cloud.get(key) if isinstance(cloud, dict) else None
            if not isinstance(value, str) or "$" not in value:
                continue
            variable = _VARIABLE.fullmatch(value)
            if variable is None:
                message = f"{value!r} must be {forms} or one variable, such as ${{NAME}}"
                place = document.locate(("clouds", index, key))
                errors.append(KrajError(WRONG_VALUE, f"{key}: {message}", place))
            found = environ.get(variable[1]) if variable else None
            if found:
                cloud[key] = found
            else:
                del cloud[key]
    return errors


def _list_in(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _in_order(errors: list[KrajError], sources: Sources) -> list[KrajError]:
    """The region's errors first, then the services', then the tenants', each by place."""
    region = display(sources.path_of("region"))
    roles = display(sources.roles)

    def key(error: KrajError) -> tuple[int, str, int, int]:
        place = error.location or Location("")
        rank = 0 if place.file == region else 1 if place.file.startswith(roles) else 2
        return rank, place.file, place.line, place.column

    return sorted(errors, key=key)
