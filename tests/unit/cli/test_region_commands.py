"""What an admin reads when the files of a region are wrong, and that nothing is written then."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Outcome

Kraj = Callable[..., Outcome]


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def listing(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_the_example_is_valid(kraj: Kraj, project: Path) -> None:
    outcome = kraj("region", "validate", "--json")
    assert outcome.code == 0
    assert outcome.json["tenants"] == 2


REGION = "inventories/liberecky/region.yaml"
TOWN = "inventories/liberecky/tenants/zelezny-brod.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "message"),
    [
        (REGION, "time_zone:", "time_zon:", "region.yaml:", "time_zone"),
        (REGION, "capacity: 16 TB", "capacity: 16 TX", "region.yaml:", "16 TX"),
        (REGION, "capacity: 16 TB", "capacity: 12 TB", "region.yaml:", "12 TB"),
        (
            REGION,
            "ipv4: 203.0.113.0/24",
            "ipv4: 10.70.0.0/24",
            "region.yaml:",
            "overlaps the supernet",
        ),
        (TOWN, "service: map", "service: mapp", "zelezny-brod.yaml:", "map"),
        (TOWN, "storage: 40 GiB", "storage: 4 GiB", "zelezny-brod.yaml:", "4 GiB"),
        (TOWN, "storage: 40 GiB", "storage: 40", "zelezny-brod.yaml:", "no unit"),
        (TOWN, '"563871"', '"576972"', "zelezny-brod.yaml:", "576972"),
    ],
)
def test_a_wrong_file_is_named_with_its_line_and_nothing_is_written(
    kraj: Kraj, project: Path, file: str, old: str, new: str, place: str, message: str
) -> None:
    replace(project / file, old, new)
    before = listing(project)
    for command in (("region", "validate"), ("plan",), ("up", "--yes")):
        outcome = kraj(*command)
        assert outcome.code == 1
        assert place in outcome.err
        assert message in outcome.err
        assert "KRJ1" in outcome.err
        assert "Traceback" not in outcome.err
    assert listing(project) == before


def test_all_errors_are_shown_at_once(kraj: Kraj, project: Path) -> None:
    replace(project / TOWN, "service: map", "service: mapp")
    replace(project / TOWN, "storage: 40 GiB", "storage: 4 GiB")
    document = kraj("region", "validate", "--json").json
    assert len(document["errors"]) == 2
    assert all(error["line"] > 0 for error in document["errors"])


def test_a_new_region_is_valid_and_never_overwritten(kraj: Kraj, project: Path) -> None:
    arguments = ["region", "init", "vysocina", "--title", "Kraj Vysočina", "--nuts", "CZ063"]
    assert kraj(*arguments, "--country", "CZ").code == 0
    assert kraj("region", "validate", "--region", "vysocina").code == 0
    before = (project / "inventories/vysocina/region.yaml").read_text(encoding="utf-8")
    again = kraj(*arguments, "--country", "CZ")
    assert again.code == 1
    assert (project / "inventories/vysocina/region.yaml").read_text(encoding="utf-8") == before


def test_schemas_are_json_schemas(kraj: Kraj) -> None:
    for kind in ("region", "tenant", "service"):
        document = json.loads(kraj("region", "schema", kind).out)
        assert document["$schema"].startswith("https://json-schema.org/")


def test_a_cloud_that_is_not_configured_is_named_with_what_to_do(kraj: Kraj, project: Path) -> None:
    outcome = kraj("plan")
    assert outcome.code == 1
    assert "no entry 'lab' in clouds.yaml" in outcome.err
    assert "kraj lab up" in outcome.err
    assert not (project / "inventories/liberecky/addresses.yaml").exists()


def test_an_unreachable_cloud_is_named_with_its_address(kraj: Kraj, project: Path) -> None:
    (project / "clouds.yaml").write_text(
        "clouds: {lab: {auth: {auth_url: 'http://127.0.0.1:9/v3', username: admin,"
        " password: not-shown, project_name: admin, user_domain_name: Default,"
        " project_domain_name: Default}}}\n",
        encoding="utf-8",
    )
    outcome = kraj("plan")
    assert outcome.code == 1
    assert "http://127.0.0.1:9/v3" in outcome.err
    assert "not-shown" not in outcome.err + outcome.out
    assert "Traceback" not in outcome.err


def test_several_regions_need_a_choice(kraj: Kraj, project: Path) -> None:
    kraj("region", "init", "b", "--title", "B", "--nuts", "CZ063", "--country", "CZ")
    outcome = kraj("region", "validate")
    assert outcome.code == 1
    assert "KRJ702" in outcome.err
    assert "b, liberecky" in outcome.err
