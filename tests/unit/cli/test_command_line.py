"""The grammar of the command line, its help, its exit codes and its errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer.main

from kraj import __version__
from kraj.app import app
from kraj.operations.codes import all_codes
from tests.unit.cli.conftest import Outcome

Kraj = Callable[..., Outcome]


def _commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    def walk(group: object, words: tuple[str, ...]) -> None:
        for name, command in getattr(group, "commands", {}).items():
            if hasattr(command, "commands"):
                walk(command, (*words, name))
            else:
                found.append((*words, name))

    walk(typer.main.get_command(app), ())
    return found


def test_the_version_is_printed(kraj: Kraj) -> None:
    assert kraj("--version").out == f"kraj {__version__}\n"


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(kraj: Kraj, words: tuple[str, ...]) -> None:
    outcome = kraj(*words, "--help")
    assert outcome.code == 0
    assert f"Example: kraj {' '.join(words)}" in re.sub(r"\s+", " ", outcome.out)


#: Commands whose result is a JSON document of somebody else's form.
PRINT_JSON_ANYWAY = (("region", "schema"), ("state", "export"), ("inventory",))


@pytest.mark.parametrize(
    "words", [words for words in _commands() if words not in PRINT_JSON_ANYWAY], ids=" ".join
)
def test_every_command_has_json(kraj: Kraj, words: tuple[str, ...]) -> None:
    assert "--json" in kraj(*words, "--help").out


@pytest.mark.parametrize(
    "arguments", [("--bogus",), ("nothing",), ("plan", "--jobs", "many"), ("lab", "logs")]
)
def test_a_wrong_command_line_leaves_with_64(kraj: Kraj, arguments: tuple[str, ...]) -> None:
    outcome = kraj(*arguments)
    assert outcome.code == 64
    assert "KRJ701" in outcome.err
    assert "Traceback" not in outcome.err


def test_errors_as_json_are_one_document_on_standard_output(kraj: Kraj) -> None:
    outcome = kraj("explain", "KRJ000", "--json")
    assert outcome.code == 1
    assert outcome.err == ""
    assert outcome.json["schema"] == "kraj.error/1"
    assert outcome.json["errors"][0]["code"] == "KRJ707"


def test_an_error_code_is_explained(kraj: Kraj) -> None:
    outcome = kraj("explain", "krj210")
    assert "Order does not fit" in outcome.out


def test_every_code_has_a_meaning_and_a_remedy() -> None:
    codes = all_codes()
    assert len(codes) > 50
    for code in codes:
        assert re.fullmatch(r"KRJ[1-8][0-9]{2}", code.code)
        assert code.title
        assert code.meaning.endswith(".")
        assert code.remedy


def test_explanations_and_the_engine_are_documents_too(kraj: Kraj, project: Path) -> None:
    everything = kraj("explain", "--json").json["codes"]
    assert kraj("explain", "KRJ210", "--json").json["codes"] == [
        code for code in everything if code["code"] == "KRJ210"
    ]
    engine = kraj("engine", "status", "--json").json
    assert (engine["schema"], engine["engine"]) == ("kraj.engine/1", "local")
    made = kraj(
        *("region", "init", "b", "--title", "B", "--nuts", "CZ063", "--country", "CZ", "--json")
    )
    assert "inventories/b/region.yaml" in made.json["files"]
    lab = kraj("lab", "status", "--json")
    assert (lab.code, lab.json["exists"]) == (1, False)


def test_schemas_of_documents_are_listed_printed_and_suggested(kraj: Kraj) -> None:
    listed = kraj("schema", "--json").json["documents"]
    assert [item["name"] for item in listed] == [
        line.split()[0] for line in kraj("schema").out.splitlines()
    ]
    schema = json.loads(kraj("schema", "plan").out)
    assert schema["properties"]["schema"]["const"] == "kraj.plan/1"
    wrong = kraj("schema", "plam")
    assert wrong.code == 1
    assert "KRJ709" in wrong.err
    assert "did you mean 'plan'?" in wrong.err


def test_doctor_looks_at_this_machine(kraj: Kraj) -> None:
    document = kraj("doctor", "--json").json
    assert document["schema"] == "kraj.doctor/1"
    assert {finding["subject"] for finding in document["findings"]} >= {"Python", "memory", "disk"}


@pytest.mark.parametrize(
    "arguments", [("schema",), ("explain",), ("region", "show"), ("region", "validate", "-r", "x")]
)
def test_output_of_80_columns_cuts_nothing(
    kraj: Kraj, project: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    narrow = kraj(*arguments)
    monkeypatch.setenv("COLUMNS", "300")
    wide = kraj(*arguments)
    assert "…" not in narrow.out + narrow.err
    assert sorted((narrow.out + narrow.err).split()) == sorted((wide.out + wide.err).split())


def test_no_control_characters_where_the_output_is_no_terminal(kraj: Kraj) -> None:
    for arguments in (("doctor",), ("explain",), ("region", "show", "--region", "liberecky")):
        assert "\x1b" not in kraj(*arguments).out


def test_a_folder_without_a_project_says_so(
    kraj: Kraj, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = kraj("plan")
    assert outcome.code == 1
    assert "KRJ706" in outcome.err


def test_no_command_waits_for_the_sdks_to_load() -> None:
    """They take most of a second, which completion and `kraj --help` would have to wait."""
    sdks = {"openstack", "pulumi", "ansible_runner"}
    look = f"import sys, kraj.app; print(*{sdks} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
