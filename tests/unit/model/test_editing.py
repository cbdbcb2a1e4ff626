"""One value of a file changes, and every other character stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.model.editing import Plain, with_value
from kraj.model.yaml_files import parse_document

TOWN = (
    Path(__file__).parents[3] / "inventories" / "liberecky" / "tenants" / "liberec.yaml"
).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        ("a: 1  # one\nb: 2\n", ("a",), 9, "a: 9  # one\nb: 2\n"),
        ("q: {}   # none\n", ("q", "cores"), 9, "q: {cores: 9}   # none\n"),
        ("q: {a: 1}\n", ("q", "b"), "2 GiB", "q: {a: 1, b: 2 GiB}\n"),
        ("q: {a: 1,  # one\n    }\n", ("q", "b"), 2, "q: {a: 1, b: 2,  # one\n    }\n"),
        ("q:\n  a: 1  # one\n# end\n", ("q", "b"), 2, "q:\n  a: 1  # one\n  b: 2\n# end\n"),
        ("name: Železný\n", ("q", "p", "x"), 2, "name: Železný\nq: {p: {x: 2}}\n"),
        ("name: x", ("q", "c"), 2, "name: x\nq: {c: 2}"),
        ("q:  # later\nz: 1\n", ("q", "c"), 2, "q: {c: 2}  # later\nz: 1\n"),
        ("q: ~\n", ("q", "c"), 2, "q: {c: 2}\n"),
        ("s:\n  - {n: x, v: 'old'}\n", ("s", 0, "v"), "new", "s:\n  - {n: x, v: new}\n"),
        ("s:\n  - n: x\n  - n: y\n", ("s", 0, "v"), 1, "s:\n  - n: x\n    v: 1\n  - n: y\n"),
        ("t: |\n  text\n", ("q",), 1, "t: |\n  text\nq: 1\n"),
        ("\ufeffš: 1\r\nb: 2\r\n", ("š",), 3, "\ufeffš: 3\r\nb: 2\r\n"),
        ("a: 1\r\n", ("b",), 3, "a: 1\r\nb: 3\r\n"),
    ],
)
def test_only_the_value_changes(
    before: str, path: tuple[str | int, ...], value: Plain, after: str
) -> None:
    assert with_value(before, "x.yaml", path, value) == after


def test_comments_and_alignment_of_a_tenants_file_stay() -> None:
    edited = with_value(TOWN, "x.yaml", ("quota", "cores"), 99)
    edited = with_value(edited, "x.yaml", ("quota", "pools", "bulk"), "2 TiB")
    edited = with_value(edited, "x.yaml", ("services", 1, "storage"), "60 GiB")
    changed = set(edited.splitlines()) ^ set(TOWN.splitlines())
    assert changed == {
        "  - {service: map, size: small}",
        "  - {service: map, size: small, storage: 60 GiB}",
        "quota: {}                           # overrides of the quota that the orders add up to",
        "quota: {cores: 99, pools: {bulk: 2 TiB}}"
        "                           # overrides of the quota that the orders add up to",
    }
    content = parse_document(edited.encode(), "x.yaml").value
    assert content["quota"] == {"cores": 99, "pools": {"bulk": "2 TiB"}}


@pytest.mark.parametrize("path", [("a", "b", "c"), ("s", 3, "x"), ("m",)])
def test_what_would_change_something_else_is_refused(path: tuple[str | int, ...]) -> None:
    with pytest.raises(KrajError) as caught:
        with_value("a: [1]\ns: []\nm: {x: 1}\n", "x.yaml", path, 1)
    assert caught.value.code.code == "KRJ109"
