"""The JSON Schemas say what the models say, and the committed copies are current."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kraj.errors import KrajError
from kraj.model.schema import KINDS, schema_of, schema_text
from kraj.model.yaml_files import read_document
from tests.unit.model.region_folder import PROJECT

INVENTORY = PROJECT / "inventories" / "liberecky"
FILES = {
    "region": [INVENTORY / "region.yaml"],
    "tenant": sorted((INVENTORY / "tenants").glob("*.yaml"))[:20],
    "service": sorted((PROJECT / "roles").glob("*/service.yaml")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_committed_schema_is_current(kind: str) -> None:
    committed = (PROJECT / "docs" / "schema" / f"{kind}.json").read_text(encoding="utf-8")
    assert committed == schema_text(kind), f"write it anew: kraj region schema {kind}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_valid_and_accepts_the_committed_files(kind: str) -> None:
    schema = schema_of(kind)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for path in FILES[kind]:
        errors = [error.message for error in validator.iter_errors(value_of(path))]
        assert errors == [], path


def test_the_schema_refuses_an_unknown_key_and_a_size_without_unit() -> None:
    value = value_of(INVENTORY / "tenants" / "liberec.yaml")
    value["colour"] = "red"
    value["services"][0]["storage"] = 200
    paths = {
        error.json_path for error in Draft202012Validator(schema_of("tenant")).iter_errors(value)
    }
    assert paths == {"$", "$.services[0].storage"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_described(kind: str) -> None:
    schema = schema_of(kind)
    for owner, key, field in properties(schema):
        assert field.get("description"), f"{owner}.{key}"


def test_each_file_names_its_schema_for_editors() -> None:
    for kind, paths in FILES.items():
        for path in paths:
            first = path.read_text(encoding="utf-8").splitlines()[0]
            prefix = "# yaml-language-server: $schema="
            assert first.startswith(prefix)
            target = path.parent / first.removeprefix(prefix)
            assert target.resolve() == PROJECT / "docs" / "schema" / f"{kind}.json"


def test_an_unknown_kind_gets_a_suggestion() -> None:
    with pytest.raises(KrajError) as caught:
        schema_of("tennant")
    assert str(caught.value) == ("KRJ120 there is no schema of 'tennant' (did you mean 'tenant'?)")


def value_of(path: Path) -> Any:
    return read_document(path, path.name).value


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    parts = {"": schema, **schema.get("$defs", {})}
    for owner, part in parts.items():
        for key, field in part.get("properties", {}).items():
            yield owner, key, field
