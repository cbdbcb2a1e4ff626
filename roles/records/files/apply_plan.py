"""Bring Mayan EDMS's database to what a municipality's plan says, and say what was changed.

The plan (JSON, from the role's variables) has the filing plan, the types of documents with their
retention, and the series of numbers. What is not in it is the office's own and stays.

Run with the Python of its virtual environment: apply_plan.py PLAN [--migrate]
It prints one line for each change. Exit code 3: the database's tables are not those of this
version; with --migrate they are made or brought up to date first. RECORDS_ADMIN_PASSWORD, where it
is set, is the password of the administrator.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.core import management
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

NOT_MIGRATED = 3

#: What the service writes on every document: name, label.
METADATA = (
    ("registration_number", "Číslo jednací"),
    ("retention_class", "Skartační znak a lhůta"),
    ("disposal_year", "Rok skartačního řízení"),
)
ADD = "mayan.apps.metadata.workflow_actions.DocumentMetadataAddAction"
EDIT = "mayan.apps.metadata.workflow_actions.DocumentMetadataEditAction"
NEXT = "mayan.apps.sequences.workflow_actions.SequenceValueNextAction"
ARITHMETIC = "mayan.apps.sequences.sequence_backends.arithmetic.SequenceBackendArithmetic"


def main() -> None:
    """Migrate where that is asked for, then apply the plan."""
    plan = json.loads(Path(sys.argv[1]).read_text())
    django.setup()
    if not_migrated():
        if "--migrate" not in sys.argv:
            sys.exit(NOT_MIGRATED)
        migrate()
    apply_administrator(plan["administrator"])
    apply_cabinets(plan["filing_plan"], None)
    metadata = {
        name: ensure("metadata.MetadataType", {"name": name}, label=label)
        for name, label in METADATA
    }
    types = {item["name"]: apply_document_type(item, metadata) for item in plan["document_types"]}
    remove_unused_default(types)
    for series in plan["number_series"]:
        names = [t["name"] for t in plan["document_types"] if t.get("series") == series["name"]]
        apply_registration(series, [types[name] for name in names], plan, metadata)
    apply_disposal_index(types)


def not_migrated() -> bool:
    """Whether tables are missing or older than the programs."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate() -> None:
    """Make the tables of an empty database, or bring those of an older version up to date."""
    empty = "auth_user" not in connection.introspection.table_names()
    command = "common_initial_setup" if empty else "common_perform_upgrade"
    # An empty database comes with an existing folder where another server of the service wrote it.
    forced = {"force": True} if empty else {}
    # The libraries and static files came with the programs.
    management.call_command(command, no_dependencies=True, stdout=sys.stderr, **forced)
    if not_migrated():
        sys.exit(f"{command} left migrations that are not applied")
    print("tables")


def ensure(model: str, key: dict[str, Any], **values: Any) -> Any:
    """The object with that key, made or changed where it is not so."""
    manager = apps.get_model(model).objects
    found = manager.filter(**key).first()
    if found is None:
        found = manager.create(**key, **values)
        print(f"new {model}: {found}")
        return found
    differing = {name: value for name, value in values.items() if getattr(found, name) != value}
    if differing:
        for name, value in differing.items():
            setattr(found, name, value)
        found.save()
        print(f"changed {model}: {found} ({', '.join(differing)})")
    return found


def relate(relation: Any, wanted: list[Any], what: str) -> None:
    """Make a relation to many hold exactly these."""
    if {item.pk for item in wanted} != set(relation.values_list("pk", flat=True)):
        relation.set(wanted)
        print(f"changed {what}")


def apply_administrator(administrator: dict[str, str]) -> None:
    """The administrator, and the password that the operator gave."""
    user = ensure(
        "auth.User",
        {"username": administrator["name"]},
        email=administrator["email"],
        is_superuser=True,
        is_staff=True,
        is_active=True,
    )
    password = os.environ.get("RECORDS_ADMIN_PASSWORD")
    if password and not user.check_password(password):
        user.set_password(password)
        user.save()
        print("changed the administrator's password")


def apply_cabinets(items: list[dict[str, Any]], parent: Any) -> None:
    """The filing plan, a tree: each subject group with its code and its title."""
    for item in items:
        label = f"{item['code']} {item['title']}"
        cabinet = ensure("cabinets.Cabinet", {"parent": parent, "label": label})
        apply_cabinets(item.get("children", []), cabinet)


def apply_document_type(item: dict[str, Any], metadata: dict[str, Any]) -> Any:
    """A type of documents, what is written on them, and when Mayan EDMS itself throws them away.

    By law an archive decides on every disposal, so it never does unless the plan says so.
    """
    trash_years = item.get("trash_after_years")
    delete_days = item.get("delete_after_days")
    document_type = ensure(
        "documents.DocumentType",
        {"label": item["name"]},
        trash_time_period=trash_years * 365 if trash_years else None,
        trash_time_unit="days" if trash_years else None,
        delete_time_period=delete_days,
        delete_time_unit="days" if delete_days else None,
    )
    for kind in metadata.values():
        key = {"document_type": document_type, "metadata_type": kind}
        ensure("metadata.DocumentTypeMetadataType", key)
    return document_type


def remove_unused_default(types: dict[str, Any]) -> None:
    """Mayan EDMS's first type has no retention: it goes while no document has it."""
    model = apps.get_model("documents.DocumentType")
    default = model.objects.filter(label="Default").exclude(label__in=types).first()
    if default and not default.documents.exists():
        default.delete()
        print("removed the type Default")


def apply_registration(
    series: dict[str, Any], types: list[Any], plan: dict[str, Any], metadata: dict[str, Any]
) -> None:
    """What happens when a document of these types comes: it gets its number and its retention."""
    workflow = ensure(
        "document_states.Workflow",
        {"internal_name": f"register_{series['name']}"},
        label=f"Evidence: {series['label']}",
        auto_launch=True,
    )
    relate(workflow.document_types, types, f"types of {workflow}")
    state = ensure(
        "document_states.WorkflowState", {"workflow": workflow, "label": "Zaevidován"}, initial=True
    )
    action(state, "10 Údaje", ADD, {"metadata_types": [kind.pk for kind in metadata.values()]})
    this_year = datetime.date.today().year
    for year in (this_year, this_year + 1):
        number_of_year(state, series, types, year, metadata["registration_number"].pk)
    remove_numbers(state, this_year - 1)
    chosen = [item for item in plan["document_types"] if item.get("series") == series["name"]]
    for label, kind, value in (
        ("40 Skartační znak a lhůta", "retention_class", retention_class),
        ("50 Rok skartačního řízení", "disposal_year", disposal_year),
    ):
        data = {"metadata_type": metadata[kind].pk, "value": choice(chosen, value)}
        action(state, label, EDIT, data)


def retention_class(item: dict[str, Any]) -> str:
    """As the law writes it: S/5."""
    return f"{item['retention']['sign']}/{item['retention']['years']}"


def disposal_year(item: dict[str, Any]) -> str:
    """A template of the year in which an archive is asked.

    The period begins with the year after the matter is closed; as long as it is open, this counts
    from registration, and whoever closes it corrects the year.
    """
    return f'{{% now "Y" as year %}}{{{{ year|add:"{item["retention"]["years"] + 1}" }}}}'


def number_of_year(
    state: Any, series: dict[str, Any], types: list[Any], year: int, number: int
) -> None:
    """The numbers of a year begin at one.

    A document's year is decided once, when its number is taken, so that none comes twice.
    """
    name = f"{series['name']}_{year}"
    backend = {
        "value_first": 1,
        "increment_list": "1",
        "value_limit": None,
        "width": series.get("width", 0),
    }
    sequence = ensure(
        "sequences.Sequence",
        {"internal_name": name},
        label=f"{series['label']} {year}",
        backend_path=ARITHMETIC,
        backend_data=json.dumps(backend),
    )
    relate(sequence.document_types, types, f"types of {sequence}")
    in_year = f'{{% now "Y" as year %}}{{% if year == "{year}" %}}1{{% endif %}}'
    action(state, f"20 Pořadové číslo {year}", NEXT, {"sequence": sequence.pk}, in_year)
    taken = f"{{{{ workflow_instance.get_runtime_context.sequences.{name} }}}}"
    value = series["format"].replace("{year}", str(year)).replace("{number}", taken)
    data = {"metadata_type": number, "value": value}
    action(state, f"30 Číslo jednací {year}", EDIT, data, taken)


def remove_numbers(state: Any, year: int) -> None:
    """Steps of a year that is over; its sequence stays."""
    actions = apps.get_model("document_states.WorkflowStateAction").objects
    for old in actions.filter(state=state, label__endswith=f" {year}"):
        old.delete()
        print(f"removed {old}")


def action(state: Any, label: str, path: str, data: dict[str, Any], condition: str = "") -> None:
    """A step that a state takes when a document enters it; steps go by their labels' order."""
    ensure(
        "document_states.WorkflowStateAction",
        {"state": state, "label": label},
        backend_path=path,
        backend_data=json.dumps(data),
        condition=condition,
    )


def choice(items: list[dict[str, Any]], value: Callable[[dict[str, Any]], str]) -> str:
    """A template that gives the value of the document's type."""
    label = "workflow_instance.document.document_type.label"
    return "".join(
        f"{{% if {label} == {json.dumps(item['name'], ensure_ascii=False)} %}}"
        f"{value(item)}{{% endif %}}"
        for item in items
    )


def apply_disposal_index(types: dict[str, Any]) -> None:
    """A tree of what comes up for disposal: by year, then by class."""
    index = ensure(
        "document_indexing.IndexTemplate", {"slug": "disposal"}, label="Skartační řízení"
    )
    relate(index.document_types, list(types.values()), f"types of {index}")
    parent = index.index_template_root_node
    for kind, holds_documents in (("disposal_year", False), ("retention_class", True)):
        expression = f"{{{{ document.metadata_value_of.{kind} }}}}"
        parent = ensure(
            "document_indexing.IndexTemplateNode",
            {"index": index, "parent": parent, "expression": expression},
            link_documents=holds_documents,
        )


if __name__ == "__main__":
    main()
