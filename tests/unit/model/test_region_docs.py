"""The examples of the documentation are real files."""

from __future__ import annotations

import re

from kraj.model.tenant import Tenant
from kraj.model.units import UNITS
from kraj.model.yaml_files import parse_document
from tests.unit.model.region_folder import PROJECT, Folder

TEXT = (PROJECT / "docs" / "region-files.md").read_text(encoding="utf-8")


def test_the_tenant_in_the_documentation_is_valid(folder: Folder) -> None:
    example = re.findall(r"```yaml\n# tenants/(\S+)\.yaml\n(.*?)```", TEXT, re.DOTALL)
    assert [slug for slug, _ in example] == ["zelezny-brod"]
    for slug, text in example:
        Tenant.model_validate(parse_document(text.encode(), slug).value)
        (folder.region / "tenants" / f"{slug}.yaml").write_text(text, encoding="utf-8")
    assert "zelezny-brod" in folder.load().tenants


def test_the_documentation_names_every_unit() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith(("| decimal", "| binary"))]
    assert {unit for row in rows for unit in re.findall(r"`(\w+)`", row)} == set(UNITS)
