"""The commands of `kraj image` as far as they go without building one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kraj.images.manifest import Check, Manifest, Output, Trial
from kraj.images.store import ImageStore
from tests.unit.cli.conftest import Outcome
from tests.unit.images.test_comparing import NEW, OLD

Kraj = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageStore:
    """The folder of images, empty."""
    monkeypatch.setenv("KRAJ_STATE_DIR", str(tmp_path))
    return ImageStore(tmp_path / "images")


def keep(store: ImageStore, manifest: Manifest, version: str, day: int) -> Manifest:
    made = manifest.model_copy(
        update={
            "version": version,
            "made": f"2026-11-{day:02}T10:00:00+00:00",
            "outputs": {
                "root": Output(
                    file="root.qcow2", size_bytes=5 << 20, sha256="0", virtual_gib=1, seconds=1
                )
            },
        }
    )
    work = store.new_work("version")
    store.keep_version(made, work)
    return made


def test_no_image_is_told_with_what_to_do(kraj: Kraj) -> None:
    assert "kraj image build" in kraj("image", "list").out
    assert kraj("image", "list", "--json").json["images"] == []


def test_images_are_listed_and_the_newest_is_shown(kraj: Kraj, store: ImageStore) -> None:
    keep(store, OLD, "20261101-aaaaaaaa", 1)
    keep(store, NEW, "20261129-bbbbbbbb", 29)
    listed = kraj("image", "list", "--json").json["images"]
    assert [item["version"] for item in listed] == ["20261101-aaaaaaaa", "20261129-bbbbbbbb"]
    assert listed[0]["files"][0]["size_mib"] == 5
    shown = kraj("image", "show", "records", "--json").json
    assert shown["image"]["version"] == "20261129-bbbbbbbb"
    assert {package["name"] for package in shown["packages"]} >= {"openssl", "django"}
    assert "20261101-aaaaaaaa" in kraj("image", "show", "records@20261101-aaaaaaaa").out


def test_the_list_fits_a_narrow_terminal(
    kraj: Kraj, store: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    keep(store, NEW, "20261129-bbbbbbbb", 29)
    lines = kraj("image", "list").out.splitlines()
    assert len(lines) == 2
    assert lines[1].split()[:2] == ["records", "20261129-bbbbbbbb"]


def test_what_was_not_built_is_refused_with_a_suggestion(kraj: Kraj, store: ImageStore) -> None:
    keep(store, NEW, "20261129-bbbbbbbb", 29)
    unknown = kraj("image", "show", "record", "--json")
    assert unknown.code == 1
    assert "did you mean 'records'" in unknown.json["errors"][0]["message"]
    assert "KRJ801" in kraj("image", "show", "records@1").err


def test_a_difference_is_shown(kraj: Kraj, store: ImageStore) -> None:
    keep(store, OLD, "20261101-aaaaaaaa", 1)
    keep(store, NEW, "20261129-bbbbbbbb", 29)
    found = kraj("image", "diff", "records@20261101-aaaaaaaa", "records", "--json").json
    assert {"removed", "added", "upgraded", "downgraded"} == {c["change"] for c in found["changes"]}
    assert found["tracker"] is False
    assert "curl" in kraj("image", "diff", "records@20261101-aaaaaaaa", "records").out


def test_a_service_without_tasks_cannot_be_built_and_the_file_is_named(
    kraj: Kraj, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project/inventories").mkdir(parents=True)
    (tmp_path / "project/roles/archive").mkdir(parents=True)
    (tmp_path / "project/roles/archive/service.yaml").write_text("name: archive\n")
    (tmp_path / "project/playbooks").mkdir()
    shutil.copy(Path(__file__).parents[3] / "playbooks/image.yml", tmp_path / "project/playbooks")
    monkeypatch.setenv("KRAJ_PROJECT", str(tmp_path / "project"))
    outcome = kraj("image", "build", "archive")
    assert outcome.code == 1
    assert "KRJ802" in outcome.err
    assert "archive/tasks/main.yml" in outcome.err.replace("\n", "")
    assert "did you mean 'archive'" in kraj("image", "build", "archiv").err.replace("\n", " ")


def test_an_image_that_did_not_pass_its_test_is_not_published(
    kraj: Kraj, store: ImageStore
) -> None:
    made = keep(store, NEW, "20261129-bbbbbbbb", 29)
    disk = made.outputs["root"].model_copy(update={"file": "disk.qcow2"})
    without = kraj("image", "publish", "records", "--json").json["errors"][0]
    assert without["code"] == "KRJ809"
    assert "has no disk.qcow2" in without["message"]
    with_disk = made.model_copy(update={"outputs": {**made.outputs, "disk": disk}})
    store.rewrite(with_disk)
    assert "was not tested" in kraj("image", "publish", "records").err
    failed = Trial(at="", seconds=1, checks=(Check(name="boots", result="failed"),))
    store.rewrite(with_disk.model_copy(update={"trial": failed}))
    assert "failed its test" in kraj("image", "publish", "records").err


def test_a_day_that_is_none_is_a_wrong_command_line(kraj: Kraj) -> None:
    assert kraj("image", "publish", "records", "--until", "soon").code == 64
