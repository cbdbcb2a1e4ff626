"""Files of a stack: layout, export and import, history, damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kraj.errors import KrajError

from .conftest import Lab, make_engine, operations

PROGRAM = 'Note("a", text=pulumi.Output.secret("hidden"))\npulumi.export("x", 1)'


def test_the_files_lie_where_pulumis_file_backend_looks_for_them(lab: Lab) -> None:
    lab.up(PROGRAM)
    lab.up('Note("a", text="open")')
    root = lab.root / "state/.pulumi"
    assert (root / "meta.yaml").read_text() == "version: 1\n"
    document = json.loads(lab.checkpoint.read_text())
    assert document["version"] == 3
    assert document["checkpoint"]["stack"] == "organization/notes/test.one"
    assert lab.checkpoint.with_suffix(".json.bak").exists()
    assert lab.checkpoint.stat().st_mode & 0o077 == 0
    history = sorted(p.name for p in (root / "history/notes/test.one").iterdir())
    assert [name.split(".", 2)[2] for name in history] == ["checkpoint.json", "history.json"] * 2
    assert all(name.startswith("test.one-") for name in history)
    assert list((root / "locks/organization/notes/test.one").iterdir()) == []


def test_history_has_every_update_newest_first(lab: Lab) -> None:
    lab.up(PROGRAM)
    with pytest.raises(KrajError):
        lab.up('Note("a", failOn="update")')
    lab.destroy()
    history = lab.engine.history(lab.spec())
    assert [(h.version, h.kind, h.result) for h in history] == [
        (3, "destroy", "succeeded"),
        (2, "update", "failed"),
        (1, "update", "succeeded"),
    ]
    assert history[2].changes == {"create": 2}
    assert history[2].started_at.endswith("Z")


def test_an_export_can_be_imported_elsewhere_and_nothing_changes(lab: Lab, tmp_path: Path) -> None:
    lab.up(PROGRAM)
    exported = json.loads(json.dumps(lab.engine.export_state(lab.spec())))
    lab.engine = make_engine(tmp_path / "elsewhere")
    assert not lab.engine.exists(lab.spec())
    lab.engine.import_state(lab.spec(), exported)
    assert lab.engine.exists(lab.spec())
    assert operations(lab.up()) == {"a": "same"}
    assert lab.engine.outputs(lab.spec()) == {"x": 1}
    assert lab.engine.history(lab.spec())[-1].kind == "import"


def test_a_state_that_has_changed_since_the_export_is_not_replaced(lab: Lab) -> None:
    lab.up(PROGRAM)
    exported = lab.engine.export_state(lab.spec())
    lab.engine.import_state(lab.spec(), exported, instead_of=exported)
    lab.up('Note("a", text="open")')
    stored = lab.checkpoint.read_bytes()
    with pytest.raises(KrajError) as caught:
        lab.engine.import_state(lab.spec(), exported, instead_of=exported)
    assert caught.value.code.code == "KRJ318"
    assert lab.checkpoint.read_bytes() == stored


def test_what_pulumis_command_line_notes_about_a_provider_is_no_change(lab: Lab) -> None:
    lab.up(PROGRAM)
    exported = lab.engine.export_state(lab.spec())
    providers = [r for r in exported["deployment"]["resources"] if "providers" in r["type"]]
    providers[0]["inputs"]["__internal"] = {}
    lab.engine.import_state(lab.spec(), exported)
    lab.up()
    kept = lab.state()["default_1_2_3"]
    assert kept["inputs"]["__internal"] == {}
    assert kept["id"] == providers[0]["id"]


def test_secrets_that_were_exported_in_the_open_are_encrypted_again(lab: Lab) -> None:
    lab.up(PROGRAM)
    exported = lab.engine.export_state(lab.spec())
    note = exported["deployment"]["resources"][-1]
    for hidden in (note["inputs"]["text"], note["outputs"]["text"], note["outputs"]["token"]):
        hidden.pop("ciphertext")
        hidden["plaintext"] = '"hidden"'
    exported["deployment"]["secrets_providers"] = None
    lab.engine.import_state(lab.spec(), exported)
    assert "hidden" not in lab.checkpoint.read_text()
    assert operations(lab.up()) == {"a": "same"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(version=2), "not an export of version 3"),
        (lambda d: d["deployment"]["resources"].reverse(), "does not stand before it"),
        (lambda d: d["deployment"]["resources"].append(d["deployment"]["resources"][-1]), "twice"),
        (lambda d: d["deployment"]["resources"][-1].update(taint=True), "uses 'taint'"),
        (lambda d: d["deployment"]["resources"][-1].pop("type"), "not a deployment .* 'type'"),
        (
            lambda d: d["deployment"].update(secrets_providers={"type": "cloud", "state": {}}),
            "kept by 'cloud'",
        ),
        (
            lambda d: d.update(json.loads(json.dumps(d).replace("test.one::", "test.two::"))),
            "is of another stack than tenant:one",
        ),
    ],
)
def test_an_unsound_import_is_refused_and_the_state_stays(
    lab: Lab, change: object, message: str
) -> None:
    lab.up(PROGRAM)
    stored = lab.checkpoint.read_bytes()
    exported = lab.engine.export_state(lab.spec())
    assert callable(change)
    change(exported)
    with pytest.raises(KrajError, match=message):
        lab.engine.import_state(lab.spec(), exported)
    assert lab.checkpoint.read_bytes() == stored


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 3}', '{"version": 9}'])
def test_a_damaged_checkpoint_is_an_error_and_not_an_empty_stack(lab: Lab, content: str) -> None:
    lab.checkpoint.parent.mkdir(parents=True)
    lab.checkpoint.write_text(content)
    with pytest.raises(KrajError) as caught:
        lab.up(PROGRAM)
    assert caught.value.code.code == "KRJ309"
    assert lab.checkpoint.read_text() == content


def test_only_an_empty_stack_can_be_removed(lab: Lab) -> None:
    lab.up(PROGRAM)
    with pytest.raises(KrajError, match="still has"):
        lab.engine.remove(lab.spec())
    lab.destroy()
    lab.engine.remove(lab.spec())
    assert not lab.engine.exists(lab.spec())
    assert lab.engine.history(lab.spec()) == []
    assert lab.engine.outputs(lab.spec()) == {}


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".."])
def test_a_stack_name_never_leads_out_of_the_folder(lab: Lab, name: str) -> None:
    with pytest.raises(KrajError, match="is no name for a stack"):
        lab.engine.exists(lab.spec("", stack=name))


def test_a_state_of_version_4_is_read_and_what_it_uses_beyond_3_is_named(lab: Lab) -> None:
    lab.up(PROGRAM)
    document = json.loads(lab.checkpoint.read_text())
    document |= {"version": 4, "features": ["hooks"]}
    lab.checkpoint.write_text(json.dumps(document))
    assert operations(lab.preview()) == {"a": "same"}
    exported = {**lab.engine.export_state(lab.spec()), "version": 4}
    lab.engine.import_state(lab.spec(), exported)
    exported["deployment"]["resources"][-1]["resourceHooks"] = {"after_create": ["hook"]}
    with pytest.raises(KrajError, match="the state uses 'resourceHooks'") as caught:
        lab.engine.import_state(lab.spec(), exported)
    assert caught.value.code.code == "KRJ309"
    assert operations(lab.up()) == {"a": "same"}
