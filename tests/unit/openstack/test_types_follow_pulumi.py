"""Every type has the inputs, outputs and required inputs of `pulumi_openstack`'s own class."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from kraj.openstack.fields import Field, camel_case
from kraj.openstack.resource import Resource
from kraj.openstack.types import (
    function,
    resource_type,
    supported_functions,
    supported_types,
)

#: Pulumi marks as optional what its provider takes from an environment variable.
REQUIRED_BY_US = {("openstack:networking/floatingIp:FloatingIp", "pool")}


def sdk_class(token: str) -> type[Any]:
    """`openstack:networking/network:Network` → pulumi_openstack.networking.Network."""
    _, module, name = token.split(":")
    package = importlib.import_module(f"pulumi_openstack.{module.partition('/')[0]}")
    return getattr(package, name)


def sdk_inputs(args: type[Any]) -> dict[str, bool]:
    """Inputs of an args class: name → whether it is required."""
    parameters = list(inspect.signature(args.__init__).parameters.values())[1:]
    return {camel_case(p.name): p.default is inspect.Parameter.empty for p in parameters}


def sdk_outputs(kind: type[Any]) -> set[str]:
    """Names of the output properties of a resource class."""
    getters = [value.fget for value in vars(kind).values() if isinstance(value, property)]
    return {
        getattr(getter, "_pulumi_name", None) or camel_case(getter.__name__) for getter in getters
    }


def args_of(token: str) -> type[Any]:
    kind = sdk_class(token)
    return getattr(importlib.import_module(kind.__module__), f"{kind.__name__}Args")


def settable(kind: type[Resource]) -> dict[str, Field]:
    return {name: declared for name, declared in kind.fields.items() if not declared.output_only}


@pytest.mark.parametrize("token", supported_types())
def test_inputs_are_those_of_pulumi(token):
    assert set(settable(resource_type(token))) == set(sdk_inputs(args_of(token)))


@pytest.mark.parametrize("token", supported_types())
def test_outputs_are_those_of_pulumi(token):
    assert set(resource_type(token).fields) == sdk_outputs(sdk_class(token))


@pytest.mark.parametrize("token", supported_types())
def test_required_inputs_are_those_of_pulumi(token):
    ours = {name for name, declared in settable(resource_type(token)).items() if declared.required}
    theirs = {name for name, required in sdk_inputs(args_of(token)).items() if required}
    assert {name for name in ours if (token, name) not in REQUIRED_BY_US} == theirs


@pytest.mark.parametrize("token", supported_types())
def test_members_of_objects_are_those_of_pulumi(token):
    package = importlib.import_module(f"pulumi_openstack.{token.split(':')[1].partition('/')[0]}")
    for name, declared in settable(resource_type(token)).items():
        record = declared.item if declared.item and declared.item.members else declared
        if not record.members:
            continue
        types = importlib.import_module(f"{package.__name__}._inputs")
        full = f"{token.rpartition(':')[2]}{name[0].upper()}{name[1:]}"
        names = (full, full.removesuffix("s"), f"{full.removesuffix('ies')}y")
        args = next(found for n in names if (found := getattr(types, f"{n}Args", None)))
        assert set(record.members) == set(sdk_inputs(args)), name


@pytest.mark.parametrize("token", supported_functions())
def test_functions_are_those_of_pulumi(token):
    _, module, name = token.split(":")
    package = importlib.import_module(f"pulumi_openstack.{module.partition('/')[0]}")
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    call = getattr(package, snake)
    arguments = {camel_case(p) for p in inspect.signature(call).parameters} - {"opts"}
    source = function(token)
    assert set(source.criteria) <= arguments
    assert set(source.aliases) <= arguments
    assert not source.identity_argument or source.identity_argument in arguments


def test_every_supported_type_is_one_of_pulumi_openstack():
    assert len(supported_types()) >= 18
    assert all(sdk_class(token) for token in supported_types())
