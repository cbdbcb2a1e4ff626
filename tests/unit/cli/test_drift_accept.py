"""`kraj drift accept` refuses what it cannot use before it asks a cloud."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Outcome

Kraj = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("drift", "acept"), "No such command 'acept'"),
        (("drift", "accept", "--dryrun"), "No such option: --dryrun"),
        (("drift", "accept", "--jobs", "0"), "Invalid value for '--jobs'"),
    ],
)
def test_a_wrong_command_line_leaves_with_64(
    kraj: Kraj, project: Path, arguments: tuple[str, ...], message: str
) -> None:
    told = kraj(*arguments)
    assert (told.code, told.out) == (64, "")
    assert message in told.err


@pytest.mark.parametrize("options", [("--only", "centre"), ("--json",), ("--region", "liberecky")])
def test_options_before_the_command_are_not_silently_lost(
    kraj: Kraj, project: Path, options: tuple[str, ...]
) -> None:
    told = kraj("drift", *options, "accept")
    assert told.code == 64
    assert "kraj drift accept [OPTIONS]" in told.out + told.err


def test_errors_of_the_files_come_before_anything_else(kraj: Kraj, project: Path) -> None:
    town = project / "inventories" / "liberecky" / "tenants" / "zelezny-brod.yaml"
    town.write_text(town.read_text(encoding="utf-8") + "colour: red\n", encoding="utf-8")
    told = kraj("drift", "accept", "--yes", "--json")
    assert told.code == 1
    assert [error["code"] for error in told.json["errors"]] == ["KRJ103"]


def test_without_a_cloud_nothing_is_written(kraj: Kraj, project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*.yaml")}
    told = kraj("drift", "accept", "--yes")
    assert told.code == 1
    assert "KRJ4" in told.err
    assert {path: path.read_bytes() for path in project.rglob("*.yaml")} == before
