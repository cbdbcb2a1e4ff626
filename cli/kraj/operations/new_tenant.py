"""A new tenant's file: composed, tried on a copy of the region, and then written."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from kraj.errors import KrajError, KrajErrors
from kraj.files import write_atomically
from kraj.model.base import SLUG_MAX_LENGTH, SLUG_PATTERN, SLUG_PHRASE, Part
from kraj.model.errors import DUPLICATE_IDENTITY, WRONG_VALUE
from kraj.model.sources import display
from kraj.model.tenant import Contact, Order, Tenant
from kraj.operations.catalogue import cloud_for_counting
from kraj.operations.changes import FileChange, changed_region
from kraj.operations.errors import FILE_UNUSABLE, FILES_NOT_WRITTEN, TENANT_EXISTS
from kraj.operations.region import ledger_text, read_region
from kraj.planning.build import plan_region
from kraj.planning.ledger import ledger_from_text
from kraj.planning.tenant_check import TenantCheck, check_tenant

_SCHEMA: Final = re.compile(r"^(# yaml-language-server: \$schema=)(.*)/region\.json$", re.MULTILINE)
_FLOW: Final[Mapping[str, type[Part]]] = {"contacts": Contact, "services": Order}
_IDENTITIES: Final = {"lau": "LAU code", "company_id": "identification number"}


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A tenant's file that is right but not written yet."""

    path: Path
    text: str
    check: TenantCheck


def read_content(file: Path) -> dict[str, Any]:
    """The content of a tenant's file that lies elsewhere, `-` for standard input. Raises KRJ730."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise KrajError(FILE_UNUSABLE, f"{file} cannot be read: {reason}") from error
    if not isinstance(content, dict):
        raise KrajError(FILE_UNUSABLE, f"{file} has no keys and values")
    return content


def slug_of(name: str) -> str:
    """How people and DNS call a municipality of that name: `Železný Brod` is `zelezny-brod`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def compose_tenant(region: str | None, content: Mapping[str, Any], slug: str = "") -> NewTenant:
    """What the file would be and mean; writes nothing.

    `content` is that of a tenant's file; the slug is made from its name where none is given. Raises
    KRJ716 where there is such a tenant, KRJ1xx for what is wrong, KRJ210 where an order does not
    fit; places are those in the new file.
    """
    project, folder, files = read_region(region)
    slug = slug or slug_of(str(content.get("name", "")))
    if not re.fullmatch(SLUG_PATTERN, slug) or len(slug) > SLUG_MAX_LENGTH:
        raise KrajError(WRONG_VALUE, f"a tenant's slug must be {SLUG_PHRASE}, not {slug!r}")
    path = folder / "tenants" / f"{slug}.yaml"
    if slug in files.tenants or path.exists():
        raise KrajError(TENANT_EXISTS, f"there is a tenant {slug!r} already: {display(path)}")
    _refuse_known_identity(content, files.tenants)
    text = _text(content, _schema_line((folder / "region.yaml").read_text(encoding="utf-8")))
    ledger = ledger_from_text(*ledger_text(folder))
    with changed_region(folder, project.roles, [FileChange(path, "", text)]) as changed:
        plan = plan_region(changed, ledger, cloud_for_counting(changed), may_exceed=True)
        check = check_tenant(changed, plan, ledger, slug)
        if check.refusals:
            raise KrajErrors(check.refusals)
    return NewTenant(path, text, check)


def write_tenant(new: NewTenant) -> None:
    """Write the file. Raises KRJ716 where somebody was faster, KRJ713 where it cannot be."""
    if new.path.exists():
        raise KrajError(TENANT_EXISTS, f"{display(new.path)} was made by somebody else meanwhile")
    try:
        write_atomically(new.path, new.text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise KrajError(FILES_NOT_WRITTEN, f"{display(new.path)}: {reason}") from error


def _refuse_known_identity(content: Mapping[str, Any], tenants: Mapping[str, Tenant]) -> None:
    """The check of the whole region would blame the file that comes second by its name."""
    for slug, tenant in tenants.items():
        for key, what in _IDENTITIES.items():
            if content.get(key) and content[key] == getattr(tenant, key):
                words = f"the {what} {content[key]!r} is that of {tenant.name} ({slug})"
                raise KrajError(DUPLICATE_IDENTITY, words)


def _schema_line(region_text: str) -> str:
    """What tells an editor the form of the file, where the region's own file has it."""
    found = _SCHEMA.search(region_text)
    if found is None:
        return ""
    place = found[2] if "://" in found[2] else f"../{found[2]}"
    return f"{found[1]}{place}/tenant.json\n"


def _text(content: Mapping[str, Any], first: str) -> str:
    """As people write such files: a line for each contact and each order."""
    lines = [first]
    for key, value in _in_order(content, Tenant):
        if key in _FLOW and isinstance(value, list):
            lines.append(f"{key}:\n")
            for item in value:
                known = dict(_in_order(item, _FLOW[key])) if isinstance(item, dict) else item
                lines.append(f"  - {_yaml(known, flow=True)}")
        else:
            lines.append(_yaml({key: value}, flow=False))
    return "".join(lines)


def _in_order(content: Mapping[str, Any], model: type[Part]) -> list[tuple[str, Any]]:
    """By the order of the model's fields; what it does not know, and will refuse, last."""
    places = {name: place for place, name in enumerate(model.model_fields)}
    return sorted(content.items(), key=lambda pair: places.get(pair[0], len(places)))


def _yaml(value: Any, *, flow: bool) -> str:
    return str(
        yaml.safe_dump(
            value,
            default_flow_style=flow,
            allow_unicode=True,
            sort_keys=False,
            width=float("inf"),
        )
    )
