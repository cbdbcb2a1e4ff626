"""Runs the command line in this process, as `kraj` would, without a cloud."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kraj.app import main
from tests.documents import validate_document

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output, which its schema accepts."""
        return validate_document(json.loads(self.out))


@pytest.fixture
def kraj(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """`kraj("plan", "--json")`; the exit code is what the shell would get."""

    def run(*arguments: str) -> Outcome:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        captured = capsys.readouterr()
        code = left.value.code
        return Outcome(code if isinstance(code, int) else 0, captured.out, captured.err)

    return run


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own with the example region and two of its tenants."""
    region = tmp_path / "inventories" / "liberecky"
    (region / "tenants").mkdir(parents=True)
    source = ROOT / "inventories" / "liberecky"
    for name in ("region.yaml", "operators.pub"):
        shutil.copy(source / name, region)
    for slug in ("zelezny-brod", "bela"):
        shutil.copy(source / "tenants" / f"{slug}.yaml", region / "tenants")
    shutil.copytree(ROOT / "roles", tmp_path / "roles")
    monkeypatch.chdir(tmp_path)
    for name in ("OS_CLIENT_CONFIG_FILE", "KRAJ_IMAGE_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("KRAJ_ENGINE", "local")
    return tmp_path
