"""The commands on a region's files, and what an admin reads where there is no cloud."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.unit.cli.conftest import Outcome

Kraj = Callable[..., Outcome]


def test_the_example_is_valid(kraj: Kraj, project: Path) -> None:
    outcome = kraj("region", "validate", "--json")
    assert outcome.code == 0
    assert outcome.json["tenants"] == 2


def test_show_tells_programs_all_that_the_files_say_with_defaults(
    kraj: Kraj, project: Path
) -> None:
    document = kraj("region", "show", "--json").json
    assert document["region"]["title"] == "Liberecký kraj"
    pools = {pool["name"]: pool for pool in document["region"]["storage"]["pools"]}
    assert (pools["bulk"]["capacity"], pools["bulk"]["overcommit"]) == ("8 TB", 1.2)
    assert document["region"]["network"]["ipv6"]["supernet"] == "fd4c:5a05:1000::/44"
    assert set(document["tenants"]) == {"bela", "zelezny-brod"}
    town = document["tenants"]["zelezny-brod"]
    assert (town["name"], town["code"], town["population"]) == ("Železný Brod", "563871", 6082)
    assert town["services"][2] == {"service": "archive", "size": None, "storage": "50 GiB"}
    assert town["quota"]["pools"] == {}
    assert set(document["services"]) == {"archive", "map", "records"}
    assert document["services"]["archive"]["mode"] == "shared"


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
