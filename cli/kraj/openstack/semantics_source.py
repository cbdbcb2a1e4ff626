"""Make `semantics.csv` from Pulumi's OpenStack plugin: its schema, and the answers of its Diff.

`python -m kraj.openstack.semantics_source PLUGIN > cli/kraj/openstack/semantics.csv`, where PLUGIN
is the program `pulumi-resource-openstack`. No cloud is asked: Diff needs none. The table holds
names and facts, no texts of the plugin, whose licence is Apache-2.0 (the Terraform provider it is
built on: MPL-2.0).
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import grpc
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from kraj.openstack.fields import camel_case
from kraj.openstack.semantics import Case, Rule, cases, columns
from kraj.openstack.values import encode_struct

_TIMEOUT_SECONDS: Final = 60
_KINDS: Final = {1: "flag", 2: "integer", 3: "number", 4: "text", 5: "list", 6: "map", 7: "set"}
#: Enough for Configure, which asks nothing of the cloud before a resource does.
_SETTINGS: Final = {"authUrl": "http://127.0.0.1:1/v3", "delayedAuth": "true"}


@contextmanager
def plugin(program: str) -> Iterator[ResourceProviderStub]:
    """The running plugin."""
    command = [program, "127.0.0.1:1"]
    unlimited = [("grpc.max_receive_message_length", -1)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            with grpc.insecure_channel(f"127.0.0.1:{port}", options=unlimited) as channel:
                stub = ResourceProviderStub(channel)
                stub.Configure(
                    provider_pb2.ConfigureRequest(
                        args=encode_struct(_SETTINGS), acceptSecrets=True
                    ),
                    timeout=_TIMEOUT_SECONDS,
                )
                yield stub
        finally:
            process.kill()


def answer(stub: ResourceProviderStub, token: str, case: Case) -> str:
    """What a provider's Diff says of the property of one pair; `refused` where it answers none."""
    request = provider_pb2.DiffRequest(
        id="one",
        urn=f"urn:pulumi:a::b::{token}::one",
        type=token,
        name="one",
        olds=encode_struct(case.olds),
        news=encode_struct(case.news),
    )
    try:
        said = stub.Diff(request, timeout=_TIMEOUT_SECONDS)
    except grpc.RpcError:
        return "refused"
    replaces = {_root(path) for path in said.replaces}
    changed = {_root(path) for path in [*said.diffs, *said.detailedDiff]} | replaces
    if case.property in replaces:
        return "replace, delete first" if said.deleteBeforeReplace else "replace"
    return "update" if case.property in changed else "none"


def _root(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def rules_of(schema: dict[str, Any], mapping: dict[str, Any], token: str) -> list[Rule]:
    """All properties of a type, members of objects after their owner."""
    source = next(name for name, known in mapping["resources"].items() if known["tok"] == token)
    resource = schema["resources"][token]
    inputs, needed = resource["inputProperties"], set(resource.get("requiredInputs", []))
    given = {**resource["properties"], **inputs}
    fields = mapping["provider"]["resources"][source]
    renamed = mapping["resources"][source].get("fields") or {}
    return list(_rules(schema, token, "", given, set(inputs), needed, fields, renamed))


def _rules(
    schema: dict[str, Any],
    token: str,
    parent: str,
    properties: dict[str, Any],
    settable: set[str],
    needed: set[str],
    fields: dict[str, Any],
    renamed: dict[str, Any],
) -> Iterator[Rule]:
    for name in sorted(properties):
        declared = properties[name]
        field = _field(name, fields, renamed)
        items = declared.get("items", declared)
        described = _described(schema, items)
        default = declared.get("default", "")
        yield Rule(
            token=token,
            path=parent + name,
            kind=_kind(field, declared, described),
            settable=_yes(name in settable),
            required=_yes(name in needed),
            computed=_yes(field.get("computed")),
            replaces=_yes(field.get("forceNew")),
            secret=_yes(declared.get("secret") or field.get("sensitive")),
            default="" if default == "" else json.dumps(default),
            deprecated=_yes(declared.get("deprecationMessage") or field.get("deprecated")),
        )
        if described:
            inner = (field.get("element") or {}).get("resource", {})
            members = described["properties"]
            required = set(described.get("required", []))
            able = set(members) if name in settable else set()
            yield from _rules(schema, token, f"{parent}{name}.", members, able, required, inner, {})


def _described(schema: dict[str, Any], declared: dict[str, Any]) -> dict[str, Any] | None:
    known = schema["types"].get(declared.get("$ref", "").removeprefix("#/types/"))
    return known if known and known.get("type") == "object" else None


def _field(name: str, fields: dict[str, Any], renamed: dict[str, Any]) -> dict[str, Any]:
    for source, declared in fields.items():
        if name == camel_case(source) and not renamed.get(source):
            return dict(declared)
    for source, declared in fields.items():
        own = (renamed.get(source) or {}).get("name")
        plain = camel_case(source)
        plurals = (plain, f"{plain}s", f"{plain}es", f"{plain[:-1]}ies")
        if name == own or (not own and name in plurals):
            return dict(declared)
    return {}


def _kind(field: dict[str, Any], declared: dict[str, Any], described: Any) -> str:
    words = {"string": "text", "integer": "integer", "number": "number", "boolean": "flag"}
    if declared.get("type") == "array":
        item = "record" if described else words.get(declared["items"].get("type", ""), "text")
        return f"{_KINDS.get(field.get('type', 5), 'list')} of {item}"
    if described:
        return "record"
    return (
        "map" if declared.get("type") == "object" else words.get(declared.get("type", ""), "text")
    )


def _yes(value: object) -> str:
    return "yes" if value else ""


def written(program: str) -> str:
    """The text of the table."""
    with plugin(program) as stub:
        asked = provider_pb2.GetMappingRequest(key="terraform")
        mapping = json.loads(stub.GetMapping(asked, timeout=_TIMEOUT_SECONDS).data)
        wanted = provider_pb2.GetSchemaRequest(version=0)
        schema = json.loads(stub.GetSchema(wanted, timeout=_TIMEOUT_SECONDS).schema)
        text = io.StringIO()
        print(
            f"# Facts of pulumi-openstack {schema['version']} (Apache-2.0): its schema, and the "
            "answers of its Diff",
            file=text,
        )
        writer = csv.DictWriter(text, columns(), lineterminator="\n")
        writer.writeheader()
        for token in sorted(schema["resources"]):
            rules = rules_of(schema, mapping, token)
            for rule in rules:
                said = {}
                if rule.settable:
                    said = {case.name: answer(stub, token, case) for case in cases(rules, rule)}
                row = replace(rule, **said)
                writer.writerow({name: getattr(row, name) for name in columns()})
        return text.getvalue()


if __name__ == "__main__":
    sys.stdout.write(written(sys.argv[1]))
