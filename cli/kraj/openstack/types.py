"""What the provider supports, found by importing the modules of this package.

A new class in any module is known at once; nothing is listed by hand.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from kraj.errors import KrajError
from kraj.openstack.datasource import DataSource
from kraj.openstack.errors import UNKNOWN_TYPE
from kraj.openstack.resource import Resource


def supported_types() -> tuple[str, ...]:
    """Type tokens of all resource types, in order."""
    return tuple(sorted(_resources()))


def supported_functions() -> tuple[str, ...]:
    """Tokens of all data sources, in order."""
    return tuple(sorted(_functions()))


def resource_type(token: str) -> type[Resource]:
    """The class of a type. Raises KRJ411."""
    try:
        return _resources()[token]
    except KeyError:
        raise KrajError(
            UNKNOWN_TYPE, f"resource type {token!r} is not supported by the engine `local`"
        ) from None


def function(token: str) -> type[DataSource]:
    """The class of a data source. Raises KRJ411."""
    try:
        return _functions()[token]
    except KeyError:
        raise KrajError(
            UNKNOWN_TYPE, f"function {token!r} is not supported by the engine `local`"
        ) from None


@functools.cache
def _resources() -> dict[str, type[Resource]]:
    _import_all()
    return {kind.pulumi_type: kind for kind in _descendants(Resource) if kind.pulumi_type}


@functools.cache
def _functions() -> dict[str, type[DataSource]]:
    _import_all()
    return {kind.pulumi_function: kind for kind in _descendants(DataSource) if kind.pulumi_function}


def _descendants(base: type[Any]) -> Iterator[type[Any]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _descendants(kind)


def _import_all() -> None:
    package = importlib.import_module("kraj.openstack")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
