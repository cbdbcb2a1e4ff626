"""Fills in `report/templates`: pages and pictures, in which all text is escaped."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined


def template_environment() -> Environment:
    """What the templates are filled in with; a name that nobody gave is an error."""
    return Environment(
        loader=PackageLoader("kraj.report"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
