"""Resource names of Pulumi: `urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`."""

from __future__ import annotations

from typing import Final

STACK_TYPE: Final = "pulumi:pulumi:Stack"
PROVIDER_PREFIX: Final = "pulumi:providers:"


def make_urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    """The URN of a resource; the stack as a parent leaves no trace in it, as in Pulumi."""
    above = qualified_type(parent) if parent else ""
    qualified = f"{above}${type_}" if above and above != STACK_TYPE else type_
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def qualified_type(urn: str) -> str:
    """The types of the parents and of the resource, joined by `$`."""
    return urn.split("::", 3)[2]


def type_of(urn: str) -> str:
    return qualified_type(urn).rsplit("$", 1)[-1]


def name_of(urn: str) -> str:
    return urn.split("::", 3)[3]


def package_of(type_: str) -> str:
    """The package of a type or function token: `openstack` of
    `openstack:compute/instance:Instance`.

    A provider's type (`pulumi:providers:openstack`) belongs to the package it provides.
    """
    if type_.startswith(PROVIDER_PREFIX):
        return type_.removeprefix(PROVIDER_PREFIX)
    return type_.split(":", 1)[0]


def is_provider(type_: str) -> bool:
    return type_.startswith(PROVIDER_PREFIX)


def split_reference(reference: str) -> tuple[str, str]:
    """URN and id of a provider reference `urn::id`."""
    urn, _, identifier = reference.rpartition("::")
    return urn, identifier
