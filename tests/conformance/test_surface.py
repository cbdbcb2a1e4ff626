"""Everything in the locked SDK that a program can use has its line in the table."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime.proto import engine_pb2, resource_pb2

import kraj.engine.conformance
from kraj.engine.conformance.features import FEATURES
from tests.conformance import surface

KEYS = {item.key for item in FEATURES}
PROGRAMS = Path(kraj.engine.conformance.__file__).parent / "programs"

SURFACES = (
    surface.RESOURCE_OPTIONS,
    surface.INVOKE_OPTIONS,
    surface.OUTPUT_METHODS,
    surface.MONITOR_METHODS,
    surface.ENGINE_METHODS,
    surface.REGISTRATION,
    surface.NAMES,
)


def parameters(kind: type) -> set[str]:
    return set(inspect.signature(kind.__init__).parameters) - {"self"}


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_every_resource_option_is_listed() -> None:
    assert parameters(pulumi.ResourceOptions) == surface.RESOURCE_OPTIONS.keys()


def test_every_option_of_functions_is_listed() -> None:
    there = parameters(pulumi.InvokeOptions) | parameters(pulumi.InvokeOutputOptions)
    assert there == surface.INVOKE_OPTIONS.keys()


def test_every_method_of_outputs_is_listed() -> None:
    listed = surface.OUTPUT_METHODS.keys() | surface.OUTPUT_METHODS_OF_THE_SDK.keys()
    assert public(pulumi.Output) == listed


def test_everything_that_programs_can_ask_of_an_engine_is_listed() -> None:
    monitor = resource_pb2.DESCRIPTOR.services_by_name["ResourceMonitor"]
    listed = surface.MONITOR_METHODS.keys() | surface.MONITOR_METHODS_OF_THE_SDK.keys()
    assert {method.name for method in monitor.methods} == listed
    engine = engine_pb2.DESCRIPTOR.services_by_name["Engine"]
    listed = surface.ENGINE_METHODS.keys() | surface.ENGINE_METHODS_OF_THE_SDK.keys()
    assert {method.name for method in engine.methods} == listed


def test_every_field_of_a_registration_is_listed() -> None:
    fields = {field.name for field in resource_pb2.RegisterResourceRequest.DESCRIPTOR.fields}
    assert fields == surface.REGISTRATION.keys() | surface.REGISTRATION_OF_THE_SDK.keys()


def test_every_name_of_the_sdk_is_listed() -> None:
    assert set(pulumi.__all__) == surface.NAMES.keys() | surface.NAMES_OF_THE_SDK.keys()


@pytest.mark.parametrize("listed", SURFACES)
def test_what_is_listed_has_its_line_in_the_table(listed: Mapping[str, str]) -> None:
    assert set(listed.values()) - KEYS == set()


@pytest.mark.parametrize("option", surface.RESOURCE_OPTIONS)
def test_a_program_of_the_suite_uses_the_option(option: str) -> None:
    program = (PROGRAMS / f"{surface.RESOURCE_OPTIONS[option]}.py").read_text(encoding="utf-8")
    assert re.search(rf"\b{option}=|\.get\(" if option == "id" else rf"\b{option}=", program)


@pytest.mark.parametrize("option", surface.INVOKE_OPTIONS)
def test_a_program_of_the_suite_uses_the_option_of_functions(option: str) -> None:
    program = (PROGRAMS / f"{surface.INVOKE_OPTIONS[option]}.py").read_text(encoding="utf-8")
    assert re.search(rf"Invoke\w*Options\([^)]*\b{option}=", program)
