"""Holds what commands print with `--json` to the committed schemas."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parents[1] / "docs" / "schema" / "output"


def validate_document(document: Any) -> Any:
    """The document itself, where the schema that it names accepts it; fails with all faults."""
    faults = [f"{fault.json_path}: {fault.message}" for fault in _faults(document)]
    assert not faults, "\n".join(faults)
    return document


def _faults(document: Any) -> list[Any]:
    name = document["schema"].removeprefix("kraj.").split("/")[0]
    return list(_validator(name).iter_errors(document))


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)
