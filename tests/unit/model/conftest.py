"""Fixtures of the model's tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.model.region_folder import PROJECT, Folder

TOWNS = ("liberec", "bedrichov")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A valid region in the current folder, so that places are relative."""
    source = PROJECT / "inventories" / "liberecky"
    made = Folder(tmp_path)
    (made.region / "tenants").mkdir(parents=True)
    for file in ("region.yaml", "operators.pub", *(f"tenants/{town}.yaml" for town in TOWNS)):
        shutil.copy(source / file, made.region / file)
    for card in (PROJECT / "roles").glob("*/service.yaml"):
        if card.parent.name in ("records", "map", "archive"):
            (made.roles / card.parent.name).mkdir(parents=True)
            shutil.copy(card, made.roles / card.parent.name)
    monkeypatch.chdir(tmp_path)
    return made
