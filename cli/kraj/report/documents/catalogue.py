"""All kinds of documents by name, and their JSON Schemas (draft 2020-12).

The committed copies are `docs/schema/output/<name>.json`; a test holds them to the models.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, get_args

from pydantic.json_schema import GenerateJsonSchema

from kraj.errors import KrajError
from kraj.model.problems import did_you_mean
from kraj.model.schema import without_titles
from kraj.operations.errors import UNKNOWN_DOCUMENT
from kraj.report.documents.base import Document
from kraj.report.documents.capacity import CapacityDocument
from kraj.report.documents.configuration import ConfigureDocument
from kraj.report.documents.drift import DriftAcceptDocument
from kraj.report.documents.engines import EngineConformanceDocument, EngineSwitchDocument
from kraj.report.documents.failures import ErrorDocument
from kraj.report.documents.images import (
    ImageBuildDocument,
    ImageDiffDocument,
    ImageListDocument,
    ImagePruneDocument,
    ImagePublishDocument,
    ImageShowDocument,
    ImageTestDocument,
    ImageUsersDocument,
    ImageVerifyDocument,
)
from kraj.report.documents.lab import LabDestroyDocument, LabLogsDocument, LabStatusDocument
from kraj.report.documents.machine import (
    DoctorDocument,
    EngineDocument,
    EngineInstallDocument,
    ExplainDocument,
    SchemaEntry,
    SchemasDocument,
)
from kraj.report.documents.proofs import DriftDocument, VerifyDocument
from kraj.report.documents.regions import (
    RegionInitDocument,
    RegionShowDocument,
    RegionValidateDocument,
)
from kraj.report.documents.secrets import SecretListDocument, SecretShowDocument
from kraj.report.documents.services import (
    QuoteDocument,
    ServiceListDocument,
    ServiceShowDocument,
)
from kraj.report.documents.stacks import (
    DownDocument,
    EventDocument,
    OutputsDocument,
    PlanDocument,
    RefreshDocument,
    StatusDocument,
    UpDocument,
)
from kraj.report.documents.states import (
    StateBackupsDocument,
    StateHistoryDocument,
    StateListDocument,
    StateRepairDocument,
    StateReplaceDocument,
    StateSecretsDocument,
    StateShowDocument,
    StateUnlockDocument,
    StateVerifyDocument,
)
from kraj.report.documents.tenants import TenantCheckDocument, TenantNewDocument

_PREFIX = "kraj."


def _by_name(models: Iterable[type[Document]]) -> dict[str, type[Document]]:
    names = {schema_name(model).removeprefix(_PREFIX).split("/")[0]: model for model in models}
    return dict(sorted(names.items()))


def schema_name(model: type[Document]) -> str:
    """What the `schema` of such documents says, for example `kraj.plan/1`."""
    return str(get_args(model.model_fields["schema_"].annotation)[0])


#: Name → model; the name is that of the schema without `kraj.` and version.
DOCUMENTS = _by_name(
    (
        ConfigureDocument,
        DoctorDocument,
        DownDocument,
        CapacityDocument,
        DriftAcceptDocument,
        DriftDocument,
        EngineConformanceDocument,
        EngineDocument,
        EngineInstallDocument,
        EngineSwitchDocument,
        ErrorDocument,
        EventDocument,
        ExplainDocument,
        ImageBuildDocument,
        ImageDiffDocument,
        ImageListDocument,
        ImagePruneDocument,
        ImagePublishDocument,
        ImageShowDocument,
        ImageTestDocument,
        ImageUsersDocument,
        ImageVerifyDocument,
        LabDestroyDocument,
        LabLogsDocument,
        LabStatusDocument,
        OutputsDocument,
        PlanDocument,
        QuoteDocument,
        ServiceListDocument,
        ServiceShowDocument,
        RefreshDocument,
        RegionInitDocument,
        RegionShowDocument,
        RegionValidateDocument,
        SchemasDocument,
        SecretListDocument,
        SecretShowDocument,
        TenantCheckDocument,
        TenantNewDocument,
        StateBackupsDocument,
        StateHistoryDocument,
        StateListDocument,
        StateRepairDocument,
        StateReplaceDocument,
        StateSecretsDocument,
        StateShowDocument,
        StateUnlockDocument,
        StateVerifyDocument,
        StatusDocument,
        UpDocument,
        VerifyDocument,
    )
)


def schema_of_document(name: str) -> dict[str, Any]:
    """The JSON Schema of a kind of document: `plan`, or as documents say it, `kraj.plan/1`.

    Raises KRJ709 where there is no such kind, or not in that version.
    """
    short = name.removeprefix(_PREFIX).split("/")[0]
    model = DOCUMENTS.get(short)
    if model is None or ("/" in name and name.removeprefix(_PREFIX) != _versioned(model)):
        known = DOCUMENTS if model is None else [schema_name(model)]
        raise KrajError(
            UNKNOWN_DOCUMENT, f"no command prints a document {name!r}{did_you_mean(name, known)}"
        )
    made: dict[str, Any] = without_titles(
        model.model_json_schema(by_alias=True, mode="serialization")
    )
    head = {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:kraj:schema:output:{_versioned(model).replace('/', ':')}",
        "title": schema_name(model),
    }
    return head | made


def _versioned(model: type[Document]) -> str:
    return schema_name(model).removeprefix(_PREFIX)


def document_schema_text(name: str) -> str:
    """The schema as the committed file has it."""
    return json.dumps(schema_of_document(name), indent=2, ensure_ascii=False) + "\n"


def known_documents() -> SchemasDocument:
    """All kinds with one sentence each."""
    return SchemasDocument(
        documents=tuple(
            SchemaEntry(name=name, schema=schema_name(model), meaning=_meaning(model))
            for name, model in DOCUMENTS.items()
        )
    )


def _meaning(model: type[Document]) -> str:
    return " ".join((model.__doc__ or "").split())
