"""JSON Schemas (draft 2020-12) of the files, from the models, for editors that complete and check.

The committed copies in `docs/schema/` are what the first line of each YAML file points to; a test
holds them to the models. Rules between fields and files are not in the schemas; they are known to
`kraj region validate`.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from kraj.errors import KrajError
from kraj.model.errors import UNKNOWN_NAME
from kraj.model.problems import did_you_mean, listed
from kraj.model.region import Region
from kraj.model.service import ServiceCard
from kraj.model.tenant import Tenant

KINDS: dict[str, type[BaseModel]] = {"region": Region, "tenant": Tenant, "service": ServiceCard}

_TITLES = {
    "region": "kraj: a region's technology centre (region.yaml)",
    "tenant": "kraj: one municipality or organisation (tenants/<slug>.yaml)",
    "service": "kraj: the catalogue card of a service (service.yaml)",
}


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema of `region`, `tenant` or `service` files. Raises KRJ120 for another kind."""
    model = KINDS.get(kind)
    if model is None:
        similar = did_you_mean(kind, KINDS)
        raise KrajError(
            UNKNOWN_NAME,
            f"there is no schema of {kind!r}{similar}",
            hint=f"Schemas exist of {listed(KINDS)}.",
        )
    made = model.model_json_schema(by_alias=True, mode="validation")
    head = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:kraj:schema:{kind}",
        "title": _TITLES[kind],
    }
    return head | {key: value for key, value in without_titles(made).items() if key != "title"}


def schema_text(kind: str) -> str:
    """The schema as the committed file has it."""
    return json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"


def without_titles(value: Any) -> Any:
    """Drop the titles that pydantic derives from names: they repeat the key in every tooltip."""
    if isinstance(value, list):
        return [without_titles(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {
        key: without_titles(part)
        for key, part in value.items()
        if not (key == "title" and isinstance(part, str))
    }
