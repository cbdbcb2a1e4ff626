"""Which place for states a region has: the environment's, else its file's, else its own folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.model.place import StatePlace
from kraj.model.region import Region
from kraj.operations.doctor import Verdict, examine
from kraj.operations.region import read_region, state_bucket

ROOT = Path(__file__).parents[3]


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> Region:
    monkeypatch.chdir(ROOT)
    return read_region("liberecky")[2].region


def placed(region: Region, url: str) -> Region:
    return region.model_copy(update={"state": StatePlace(url=url)})


def test_the_environment_counts_before_the_file(
    region: Region, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert state_bucket(tmp_path, region) is None
    named = placed(region, "s3://states?region=eu-central-1")
    found = state_bucket(tmp_path, named)
    assert found is not None
    assert found.url == "s3://states?region=eu-central-1"
    monkeypatch.setenv("KRAJ_STATE_URL", "postgres://me:hush@db.example/states")
    found = state_bucket(tmp_path, named)
    assert found is not None
    assert found.url == "postgres://me@db.example/states"


def test_a_url_that_is_of_no_use_is_told_with_its_file(region: Region, tmp_path: Path) -> None:
    with pytest.raises(KrajError, match="unknown parameter 'regoin'") as caught:
        state_bucket(tmp_path, placed(region, "s3://states?regoin=x"))
    assert caught.value.location is not None
    assert caught.value.location.file.endswith("region.yaml")


def test_doctor_writes_to_the_place_and_says_what_is_wrong_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def state() -> tuple[Verdict, str]:
        finding = next(finding for finding in examine() if finding.subject == "state")
        return finding.verdict, finding.found

    inventory = tmp_path / "inventories/here"
    inventory.mkdir(parents=True)
    monkeypatch.setenv("KRAJ_PROJECT", str(tmp_path))
    (inventory / "region.yaml").write_text("name: here\n")
    assert state() == (Verdict.GOOD, "files on this machine")
    (inventory / "region.yaml").write_text(f"state: {{url: 'file://{tmp_path}/shared'}}\n")
    verdict, found = state()
    assert verdict is Verdict.GOOD
    assert found.startswith(f"file://{tmp_path}/shared is writable (")
    (tmp_path / "occupied").touch()
    monkeypatch.setenv("KRAJ_STATE_URL", f"file://{tmp_path}/occupied")
    verdict, found = state()
    assert verdict is Verdict.BAD
    assert found.startswith("KRJ308 cannot write")
