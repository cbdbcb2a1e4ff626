"""All error codes of kraj: imports every module that declares some."""

from __future__ import annotations

import importlib
import pkgutil

import kraj
from kraj.errors import ErrorCode, declared_codes


def all_codes() -> tuple[ErrorCode, ...]:
    """Every declared code, in order."""
    for module in pkgutil.walk_packages(kraj.__path__, "kraj."):
        if module.name.rsplit(".", 1)[-1].endswith("errors") and ".lab.drivers" not in module.name:
            importlib.import_module(module.name)
    return declared_codes()
