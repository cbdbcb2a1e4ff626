"""Whatever a file says, validation ends in a region or in errors with places, no traceback."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kraj.errors import KrajErrors, Location
from kraj.model.loader import load_region
from kraj.model.yaml_files import read_document
from tests.unit.model.region_folder import PROJECT

INVENTORY = PROJECT / "inventories" / "liberecky"
FILES = {
    "region.yaml": INVENTORY / "region.yaml",
    "tenants/liberec.yaml": INVENTORY / "tenants" / "liberec.yaml",
    "roles/archive/service.yaml": PROJECT / "roles" / "archive" / "service.yaml",
}
VALUES = {name: read_document(path, name).value for name, path in FILES.items()}

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["", "0 GiB", "5 GiB", "99 PB", "small", "fast", "archive", "0.0.0.0/0", "::/0", "::/44",
         "10.0.0.0/8", "SCS-0V-0", "7x24", "Europe", "../x", "${X}", "CZ", "2028-02-30"]
    ),
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=5,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every path in a value, the empty one first."""
    yield path
    children = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        children = list(enumerate(value))
    for key, child in children:
        yield from paths(child, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    result = copy.copy(value)
    result[path[0]] = replaced(value[path[0]], path[1:], new)
    return result


@st.composite
def wrong_files(draw: st.DrawFn) -> tuple[str, Any]:
    """A file's name, and its value with one to three parts replaced by anything."""
    name = draw(st.sampled_from(sorted(VALUES)))
    value = VALUES[name]
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(paths(value))))
        value = replaced(value, path, draw(ANYTHING))
    return name, value


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    (root / "liberecky" / "tenants").mkdir(parents=True)
    for name in ("region.yaml", "operators.pub", "tenants/liberec.yaml"):
        shutil.copy(INVENTORY / name, root / "liberecky" / name)
    for card in ("records", "map", "archive"):
        (root / "roles" / card).mkdir(parents=True)
        shutil.copy(PROJECT / "roles" / card / "service.yaml", root / "roles" / card)
    return root


def places_of_errors(project: Path) -> list[Location | None] | None:
    """Where validation finds errors, None where it finds none."""
    try:
        load_region(project / "liberecky", project / "roles", {})
    except KrajErrors as errors:
        return [error.location for error in errors.errors]
    return None


@settings(max_examples=150, deadline=None)
@given(wrong=wrong_files())
def test_any_value_anywhere_ends_in_a_region_or_in_errors_with_places(
    project: Path, wrong: tuple[str, Any]
) -> None:
    name, value = wrong
    path = project / name if name.startswith("roles") else project / "liberecky" / name
    good = path.read_bytes()
    path.write_text(json.dumps(value), encoding="utf-8")
    try:
        places = places_of_errors(project)
    finally:
        path.write_bytes(good)
    assert places is None or (places and all(place and place.file for place in places))
