"""A region goes from one engine to the other and back, by the command line, on a real OpenStack.

The tests tell one story: a centre (with KRAJ_ALL_STEPS=1, a town, too) is made by the local
engine, goes to Pulumi's command with the real provider, and comes home with a village that was made
there. Skipped, with that said, where there is no `pulumi` command or no OpenStack plugin for it.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from kraj.engine.conformance.states import comparable, places_that_differ
from kraj.engine.local.crypto import KeyRing
from kraj.engine.passphrase import resolve_passphrase
from kraj.engine.pulumi import find_cli
from kraj.engine.pulumi_install import find_plugin, plugin_version
from tests.documents import validate_document
from tests.lab.command_line import begin_region, write_yaml
from tests.lab.conftest import LabCloud

pytestmark = [
    pytest.mark.lab,
    pytest.mark.pulumi,
    pytest.mark.skipif(find_cli() is None, reason="no `pulumi` command (`kraj engine install`)"),
    pytest.mark.skipif(
        find_plugin(plugin_version()) is None,
        reason=f"no openstack plugin {plugin_version()} (`kraj engine install`)",
    ),
]

#: Another name for every run: a run that was killed may have left something behind.
REGION = f"move-{secrets.token_hex(2)}"
TOWN, VILLAGE = "tenant:zelezny-brod", "tenant:bela"
#: Further stacks that the local engine makes first; a share of the test runs without the town.
MORE = (TOWN,) if os.environ.get("KRAJ_ALL_STEPS") else ()
SECONDS = 600


def only(*labels: str) -> tuple[str, ...]:
    return tuple(word for label in labels for word in ("--only", label))


def elsewhere(folder: Path) -> str:
    """A place of Pulumi's that is not the region's."""
    return f"file://{folder}/elsewhere"


@dataclass(frozen=True, slots=True)
class Region:
    """A project with one region, and the command line on it; the engine is chosen by kraj."""

    folder: Path
    environment: dict[str, str]
    connection: Any

    def kraj(self, *arguments: str, **variables: str) -> tuple[int, Any]:
        """The exit code and the JSON document."""
        done = subprocess.run(
            [str(Path(sys.executable).parent / "kraj"), *arguments, "--json"],
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, validate_document(json.loads(done.stdout or "null"))

    def good(self, *arguments: str, **variables: str) -> Any:
        code, document = self.kraj(*arguments, **variables)
        assert code == 0, json.dumps(document, indent=1)
        return document

    @property
    def state(self) -> Path:
        return self.folder / ".kraj" / "regions" / REGION

    def states(self) -> dict[str, Any]:
        """All states as they are compared, by file name."""
        keys = KeyRing(lambda: resolve_passphrase(self.state, {}))
        files = (self.state / ".pulumi" / "stacks").glob("*/*.json")
        content = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in files}
        return {
            name: comparable(document["checkpoint"]["latest"], keys)
            for name, document in content.items()
        }


def write_region(folder: Path, connection: Any) -> None:
    """The example region under another name: a small centre, a town with one service, a village."""
    content = begin_region(folder, REGION, ("bela", "zelezny-brod"))
    path = folder / "inventories" / REGION / "tenants" / "zelezny-brod.yaml"
    town = yaml.safe_load(path.read_text(encoding="utf-8"))
    town["services"] = [item for item in town["services"] if item["service"] == "records"]
    write_yaml(path, town)
    content["centre"]["database"]["servers"] = content["centre"]["load_balancer"]["servers"] = 1
    # The lab may hold another region, whose flavours and volume types have the same names.
    there = {flavor.name for flavor in connection.compute.flavors(is_public=None)}
    if "SCS-1L-1" in there:
        content["clouds"][0]["provides"] = ["flavors", "volume-types"]
    write_yaml(folder / "inventories" / REGION / "region.yaml", content)


@pytest.fixture(scope="module")
def region(lab_cloud: LabCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    folder = tmp_path_factory.mktemp("project")
    connection = lab_cloud.connect()
    write_region(folder, connection)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name == "PULUMI_HOME" or not name.startswith(("KRAJ_", "OS_", "PULUMI_"))
    }
    environment |= {
        "OS_CLIENT_CONFIG_FILE": str(lab_cloud.clouds_file),
        "KRAJ_IMAGE_MIRROR": str(lab_cloud.image_dir),
    }
    made = Region(folder, environment, connection)
    yield made
    away = list((folder / "elsewhere").rglob("stacks/*/*.json"))
    made.kraj("down", "--yes", **({"PULUMI_BACKEND_URL": elsewhere(folder)} if away else {}))


def test_what_the_local_engine_made_goes_to_pulumi_and_stays_the_same(region: Region) -> None:
    assert region.kraj("plan")[0] == 2
    region.good("up", "--yes", *only("centre", *MORE), KRAJ_ENGINE="local")
    before = region.states()
    switched = region.good("engine", "switch", "pulumi", "--yes")
    assert {stack["stack"]: stack["outcome"] for stack in switched["stacks"]} == dict.fromkeys(
        ("centre", *MORE), "switched"
    )
    assert (switched["chosen"], switched["left"]) == ("pulumi", [])
    backups = [Path(stack["backup"]) for stack in switched["stacks"]]
    assert all(json.loads(path.read_text(encoding="utf-8"))["version"] == 3 for path in backups)
    assert list(places_that_differ(before, region.states())) == []


def test_what_pulumi_makes_comes_home(region: Region) -> None:
    made = region.good("up", "--yes", *only(VILLAGE, *MORE))
    assert made["engine"] == "pulumi", "the choice is recorded"
    counts = {stack["stack"]: stack["counts"] for stack in made["stacks"]}
    assert counts[VILLAGE]["create"] > 10
    assert all(set(counts[label].values()) == {0, counts[label]["same"]} for label in MORE)
    switched = region.good("engine", "switch", "local", "--yes")
    assert {stack["outcome"] for stack in switched["stacks"]} == {"switched"}
    assert {stack["stack"] for stack in switched["stacks"]} == {"centre", VILLAGE, *MORE}
    again = region.good("up", "--yes", "--refresh", *only(VILLAGE, *MORE))
    assert again["engine"] == "local"
    assert {name: n for name, n in again["totals"].items() if n} == {
        "same": again["totals"]["same"]
    }


def test_copies_go_there_and_back_and_nothing_of_the_region_is_touched(region: Region) -> None:
    before = {path: path.read_bytes() for path in (region.state / ".pulumi").rglob("*.json")}
    found = region.good("engine", "conformance", "names", "--round-trip", *only(VILLAGE))
    assert found["passed"]
    assert found["engines"].keys() == {"local", "pulumi"}
    assert found["round_trips"] == [{"stack": VILLAGE, "error": None}]
    after = {path: path.read_bytes() for path in (region.state / ".pulumi").rglob("*.json")}
    assert after == before


def test_a_change_by_hand_is_told_and_the_stack_keeps_its_engine(region: Region) -> None:
    (project,) = (
        found
        for found in region.connection.identity.projects()
        if found.name.startswith(f"{REGION}-576972")
    )
    region.connection.identity.update_project(project, description="by hand")
    code, switched = region.kraj("engine", "switch", "pulumi", "--yes", *only(VILLAGE))
    assert code == 1
    (stack,) = switched["stacks"]
    assert (stack["outcome"], stack["error"]["code"]) == ("kept", "KRJ341")
    assert any("by hand" in cause for cause in stack["error"]["causes"])
    assert "kraj up --refresh" in stack["error"]["hint"]
    assert (switched["chosen"], VILLAGE in switched["left"]) == ("local", True)
    region.good("up", "--yes", "--refresh", *only(VILLAGE))


def test_states_move_to_another_place_of_pulumis_and_home_again(region: Region) -> None:
    before = region.states()
    place = {"PULUMI_BACKEND_URL": elsewhere(region.folder)}
    (region.folder / "elsewhere").mkdir()
    code, refused = region.kraj("engine", "switch", "pulumi", "--yes", *only(VILLAGE), **place)
    assert (code, refused["errors"][0]["code"]) == (1, "KRJ346")
    switched = region.good("engine", "switch", "pulumi", "--yes", **place)
    assert (switched["chosen"], switched["left"]) == ("pulumi", [])
    assert region.states() == {}
    code, lost = region.kraj("plan", *only(VILLAGE))
    assert (code, lost["errors"][0]["code"]) == (1, "KRJ343")
    plan = region.good("plan", "--refresh", *only(VILLAGE), **place)
    assert plan["engine"] == "pulumi"
    region.good("engine", "switch", "local", "--yes", **place)
    assert list(places_that_differ(before, region.states())) == []
