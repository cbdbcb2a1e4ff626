"""JSON documents: the committed schemas are those of the models, and what is printed fits them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kraj.drift.inventory import CloudObject
from kraj.drift.witness import Witness
from kraj.engine.base import Operation, PropertyChange, Result, Step
from kraj.errors import ErrorCode, KrajError, Location
from kraj.events import Event, EventKind
from kraj.lab.status import LabStatus, ServiceStatus
from kraj.operations.drift import Finding, StackDrift
from kraj.operations.stacks import StackRun
from kraj.operations.status import StackStatus
from kraj.planning.capacity import CapacityReport, Row
from kraj.report.documents.base import Document
from kraj.report.documents.catalogue import (
    DOCUMENTS,
    document_schema_text,
    known_documents,
    schema_of_document,
)
from kraj.report.documents.failures import ErrorDocument
from kraj.report.documents.lab import LabDestroyDocument, LabLogsDocument, LabStatusDocument
from kraj.report.documents.machine import EngineInstallDocument
from kraj.report.documents.proofs import DriftDocument, VerifyDocument
from kraj.report.documents.secrets import (
    SecretEntry,
    SecretListDocument,
    SecretShowDocument,
)
from kraj.report.documents.stacks import (
    Capacity,
    DownDocument,
    EventDocument,
    OutputsDocument,
    PlanDocument,
    RefreshDocument,
    StatusDocument,
    UpDocument,
)
from kraj.verify.checks import Check, Proof, Status, equal
from tests.documents import SCHEMAS, validate_document

CODE = ErrorCode("KRJ999", "Test", "Only in tests.", "Do the general thing.")
ERROR = KrajError(CODE, "bad", Location("a.yaml", 3, 1), causes=("why",), details={"unit": "GiB"})
STEP = Step(
    Operation.UPDATE,
    "urn:pulumi:s::p::openstack:networking/subnet:Subnet::net",
    "openstack:networking/subnet:Subnet",
    "net",
    "1",
    changed=("name", "tags"),
    changes=(PropertyChange("name", None, "two"), PropertyChange("tags", ["a"], {"b": [1]})),
)
RUNS = [
    StackRun("centre", Result("centre", "up", (STEP, replace(STEP, operation=Operation.SAME)))),
    StackRun("tenant:bela", error=ERROR),
]
ROW = Row("pool:fast", "GiB", 100, 1.5, 15, 135, reserved=10, allocated=200)
EMPTY = Row("vcpus", "vCPU", 0, 1.0, 0, 0, reserved=0, allocated=0)
LEDGER = CapacityReport((ROW, EMPTY))
PROOF = Proof(
    "tenant:bela",
    (
        equal("quota", "bela", {"cores": 8}, {"cores": 9}, "scs-0115"),
        Check("hosts", "records", Status.SKIPPED, frozenset({"a"}), Path("/x"), "not told"),
    ),
    1.23456,
)
DRIFT = [
    StackDrift(
        "tenant:bela",
        (Finding(STEP, Witness("resize", "2026-11-23T10:48:20Z", "admin")),),
        (CloudObject("server", "7", "mine", "2026-11-23T10:48:20Z"),),
    ),
    StackDrift("centre", error=ERROR),
]
OUTPUTS = {
    "tenant:bela": {
        "document": {
            "schema_": "kraj.stack-outputs/1",
            "stack": "tenant:bela",
            "project_id": "p",
            "networks": {"servers": "n"},
            "servers": [{"pool": "map", "name": "map-1", "id": "s", "addresses": ["10.64.4.16"]}],
            "floating_addresses": {"map": "203.0.113.5"},
            "load_balancers": {},
            "application_credential_id": "a",
        },
        "applicationCredentialSecret": "[secret]",
        "own": [1],
    },
    "tenant:failed": {},
}
LAB = LabStatus(
    Path("/lab"), True, (ServiceStatus("keystone", "RUNNING", 5000, 90),), Path("/lab/clouds.yaml")
)
ON = ("liberecky", "lab", "local")
SECRET = SecretEntry(
    stack="tenant:a", role="records", name="records__admin_password", meaning="First password"
)

EXAMPLES: list[Document] = [
    PlanDocument.of(*ON, RUNS, capacity=Capacity.of(LEDGER, LEDGER)),
    UpDocument.of(*ON, RUNS),
    RefreshDocument.of(*ON, RUNS),
    DownDocument.of(*ON, []),
    StatusDocument.of(
        "liberecky", "pulumi", [StackStatus("centre", exists=False), StackStatus("tenant:a", True)]
    ),
    OutputsDocument.of("liberecky", OUTPUTS),
    VerifyDocument.of("liberecky", [PROOF]),
    DriftDocument.of("liberecky", DRIFT),
    ErrorDocument.of([ERROR, KrajError(CODE, "without a place")]),
    EventDocument.of(Event(EventKind.DONE, "up", "centre", "done", completed=3, seconds=0.5)),
    EventDocument.of(Event(EventKind.STARTED, "lab up", "lab", details={"step": "download"})),
    LabStatusDocument.of(LAB),
    LabStatusDocument.of(LabStatus(Path("/lab"), False, (), Path("/lab/clouds.yaml"))),
    LabLogsDocument(service="keystone", lines=("one", "two")),
    LabDestroyDocument(),
    EngineInstallDocument(version="3.250.0", path="/opt/pulumi"),
    SecretListDocument(region="liberecky", secrets=(SECRET,)),
    SecretShowDocument(region="liberecky", secret=SECRET, value="5ecret"),
    known_documents(),
]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_committed_schema_is_current(name: str) -> None:
    committed = (SCHEMAS / f"{name}.json").read_text(encoding="utf-8")
    again = f"write it anew: kraj schema {name} > docs/schema/output/{name}.json"
    assert committed == document_schema_text(name), again


def test_every_committed_schema_is_one_of_a_document() -> None:
    assert {path.stem for path in SCHEMAS.glob("*.json")} == set(DOCUMENTS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_schema_is_valid_closed_and_demands_its_name(name: str) -> None:
    schema = schema_of_document(name)
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert "schema" in schema["required"]
    assert schema["properties"]["schema"]["const"] == f"kraj.{name}/1"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_key_is_described(name: str) -> None:
    for owner, key, field in properties(schema_of_document(name)):
        assert field.get("description"), f"{owner}.{key}"


@pytest.mark.parametrize("document", EXAMPLES, ids=lambda document: type(document).__name__)
def test_what_is_printed_is_plain_json_that_fits_its_schema(document: Document) -> None:
    text = json.dumps(document.as_dict())
    assert json.loads(text) == validate_document(document.as_dict())


def test_the_schema_refuses_another_key_and_a_wrong_type() -> None:
    document = UpDocument.of(*ON, RUNS).as_dict()
    document["stacks"][0] |= {"colour": "red"}
    document["totals"]["create"] = "3"
    with pytest.raises(AssertionError, match=r"\$\.stacks\[0\](.|\n)*|\$\.totals\.create"):
        validate_document(document)


def test_a_run_tells_counts_changes_and_the_error_of_each_stack() -> None:
    document = UpDocument.of(*ON, RUNS).as_dict()
    done, failed = document["stacks"]
    assert document["totals"] == {"same": 1, "create": 0, "update": 1, "replace": 0, "delete": 0}
    assert done["error"] is None
    assert [step["operation"] for step in done["steps"]] == ["update"]
    assert done["steps"][0]["changes"][0] == {"path": "name", "before": None, "after": "two"}
    assert set(failed) == {"stack", "error"}
    assert (failed["error"]["code"], failed["error"]["line"]) == ("KRJ999", 3)


def test_a_full_pool_has_negative_room_and_an_empty_one_no_share() -> None:
    plan = PlanDocument.of(*ON, [], capacity=Capacity.of(LEDGER, LEDGER)).as_dict()
    pool, processors = plan["capacity"]["after"]
    assert (pool["free"], pool["used_percent"]) == (-75, 155.6)
    assert processors["used_percent"] is None


def test_outputs_are_printed_as_the_program_exported_them() -> None:
    assert OutputsDocument.of("liberecky", OUTPUTS).as_dict()["stacks"] == OUTPUTS


def test_outputs_of_another_version_of_kraj_are_printed_all_the_same() -> None:
    values = {"centre": {"document": {"schema_": "kraj.stack-outputs/9", "racks": 2}}}
    document = OutputsDocument.of("liberecky", values).as_dict()
    assert validate_document(document)["stacks"] == values


def test_an_event_leaves_out_what_it_does_not_tell() -> None:
    event = Event(EventKind.PROGRESS, "up", "centre", completed=0, at="2026-11-23T10:48:20.000Z")
    assert EventDocument.of(event).as_dict() == {
        "schema": "kraj.event/1",
        "kind": "progress",
        "action": "up",
        "subject": "centre",
        "completed": 0,
        "at": "2026-11-23T10:48:20.000Z",
    }


def test_a_document_is_found_by_name_and_by_what_documents_say() -> None:
    assert schema_of_document("kraj.region.show/1") == schema_of_document("region.show")


@pytest.mark.parametrize(("name", "suggestion"), [("plam", "plan"), ("kraj.plan/2", "kraj.plan/1")])
def test_an_unknown_document_gets_a_suggestion(name: str, suggestion: str) -> None:
    with pytest.raises(KrajError) as caught:
        schema_of_document(name)
    assert str(caught.value) == (
        f"KRJ709 no command prints a document {name!r} (did you mean {suggestion!r}?)"
    )


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    parts = {"": schema, **schema.get("$defs", {})}
    for owner, part in parts.items():
        for key, field in part.get("properties", {}).items():
            yield owner, key, field
