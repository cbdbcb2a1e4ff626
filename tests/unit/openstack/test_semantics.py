"""Every property of every type behaves as the recorded answers of Pulumi's provider say."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kraj.openstack.semantics import TABLE, left_to_programs, table
from kraj.openstack.semantics_source import written
from kraj.openstack.types import resource_type, supported_types
from kraj.report.types_page import differences, types_page
from tests.unit.openstack.semantics_cases import answers

ROOT = Path(__file__).parents[3]


def test_all_answers_are_those_of_pulumi_but_for_the_listed_differences() -> None:
    different = [
        (token, rule.path, case.name, ours, theirs)
        for token, rule, case, ours, theirs in answers(table()[1])
        if ours != theirs
    ]
    listed = [
        (known["token"], known["path"], known["case"], known["ours"], known["plugin"])
        for known in differences()
    ]
    assert different == listed
    assert all(known["reason"] for known in differences())


@pytest.mark.parametrize("token", supported_types())
def test_the_table_and_the_type_have_the_same_properties_of_the_same_kind(token: str) -> None:
    rules = {rule.path: rule for rule in table()[1][token] if "." not in rule.path}
    declared = resource_type(token).fields
    assert set(rules) == set(declared)
    assert {name for name in rules if rules[name].settable} == {
        name for name, known in declared.items() if not known.output_only
    }
    settable = {name: rule for name, rule in rules.items() if rule.settable}
    assert {name: rule.base for name, rule in settable.items()} == {
        name: declared[name].kind.value for name in settable
    }


@pytest.mark.parametrize("token", supported_types())
def test_what_the_table_calls_secret_is_secret(token: str) -> None:
    theirs = {rule.path for rule in table()[1][token] if rule.secret and "." not in rule.path}
    ours = {name for name, known in resource_type(token).fields.items() if known.secret}
    assert theirs == ours


def test_the_page_is_the_one_that_the_table_makes() -> None:
    assert (ROOT / "docs/openstack-types.md").read_text("utf-8") == types_page()


@pytest.mark.pulumi
def test_the_plugin_still_answers_what_is_recorded() -> None:
    home = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi"))
    version = table()[0].split()[3]
    program = home / f"plugins/resource-openstack-v{version}/pulumi-resource-openstack"
    if shutil.which("pulumi") is None or not program.is_file():
        pytest.skip(f"the openstack plugin {version} is not installed")
    assert written(str(program)) == (ROOT / "cli/kraj/openstack" / TABLE).read_text("utf-8")


def test_what_the_cloud_never_decides_is_told_from_what_it_does():
    left = left_to_programs("openstack:networking/port:Port")
    assert {"allowedAddressPairs", "securityGroupIds", "description"} <= left
    assert not {"macAddress", "allFixedIps", "portSecurityEnabled"} & left
    assert left_to_programs("test:index:Note") == frozenset()
