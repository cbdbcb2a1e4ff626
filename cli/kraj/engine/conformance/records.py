"""The recorded results of both engines, one file per feature, committed with the suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kraj.engine.conformance.comparing import Observation, differences, refusal
from kraj.engine.conformance.features import Feature
from kraj.files import write_atomically

RECORDS = Path(__file__).parent / "recorded"


def read_record(feature: Feature) -> dict[str, Any]:
    """`pulumi`: observations by stage; `differs`: places of the local engine; `refused`: words."""
    text = (RECORDS / f"{feature.key}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def write_record(feature: Feature, pulumi: list[Observation], local: list[Observation]) -> None:
    content = {"pulumi": pulumi, **verdict(pulumi, local)}
    text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
    write_atomically(RECORDS / f"{feature.key}.json", text + "\n")


def verdict(pulumi: list[Observation], local: list[Observation]) -> dict[str, Any]:
    """How the local engine stands to Pulumi's: the refusal's words, or the differences."""
    refused = refusal(local)
    return {"refused": refused, "differs": {} if refused else differences(pulumi, local)}
