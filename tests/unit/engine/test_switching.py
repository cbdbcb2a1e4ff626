"""One stack on its way to another engine: real engines, and everything that can go wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kraj.engine.errors import LOCKED
from kraj.engine.local.buckets.files import FileBucket
from kraj.engine.local.lock import refuse_if_locked
from kraj.engine.local.store import StateStore
from kraj.engine.switching import Mover, new_backup_folder, rehearse
from kraj.errors import KrajError
from kraj.events import Event, ignore

from .conftest import PASSPHRASE, Lab, make_engine, operations

PROGRAM = """
    from pulumi import Output
    one = Note("one", text="first", password=Output.secret("hush"))
    two = Note("two", text=one.path, opts=ResourceOptions(depends_on=[one]))
    pulumi.export("path", two.path)
"""


def mover(lab: Lab, place: str = "elsewhere") -> Mover:
    """From the lab's engine to one whose states are in another folder, or in the same."""
    root = lab.root if place == "same" else lab.root / place
    store = StateStore(FileBucket(lab.root / "state"), "notes", "test.one", lab.root / "state")
    return Mover(
        source=lab.engine,
        target=make_engine(root),
        exporter=lab.engine,
        backups=new_backup_folder(lab.root / "state"),
        state_dir=lab.root / "state",
        refuse_locked=lambda _spec: refuse_if_locked(store, lambda _message: None),
    )


def refused(act: Callable[[], object]) -> KrajError:
    with pytest.raises(KrajError) as caught:
        act()
    return caught.value


def test_a_state_is_carried_with_a_backup_and_nothing_is_left_behind(lab: Lab) -> None:
    lab.up(PROGRAM)
    before = lab.engine.export_state(lab.spec())
    move = mover(lab)
    assert move.elsewhere
    moved = move.move(lab.spec(), ignore)
    assert not lab.engine.exists(lab.spec())
    assert not move.target.preview(lab.spec(), ignore, refresh=True).has_changes
    shown = move.target.outputs(lab.spec(), show_secrets=True)
    assert shown["path"].startswith("/")
    assert moved.backup is not None
    assert moved.backup.stat().st_mode & 0o777 == 0o600
    assert json.loads(moved.backup.read_text(encoding="utf-8")) == before
    assert "hush" not in moved.backup.read_text(encoding="utf-8")


def test_where_both_engines_see_the_state_it_is_not_rewritten(lab: Lab) -> None:
    lab.up(PROGRAM)
    before = lab.checkpoint.read_bytes()
    move = mover(lab, "same")
    assert not move.elsewhere
    assert move.move(lab.spec(), ignore).backup
    assert lab.checkpoint.read_bytes() == before


@pytest.mark.parametrize("place", ["same", "elsewhere"])
def test_a_rehearsal_leaves_no_trace(lab: Lab, place: str) -> None:
    lab.up("pulumi.export('a', 1)")
    before = {path: path.read_bytes() for path in lab.root.rglob("*.json")}
    assert mover(lab, place).rehearse(lab.spec(), ignore).backup is None
    assert {path: path.read_bytes() for path in lab.root.rglob("*.json")} == before


def test_what_the_other_engine_would_change_is_told_and_the_stack_stays(lab: Lab) -> None:
    lab.up(PROGRAM)
    before = lab.checkpoint.read_bytes()
    changed = lab.spec(PROGRAM.replace("first", "second"))
    move = mover(lab)
    error = refused(lambda: move.move(changed, ignore))
    assert error.code.code == "KRJ341"
    assert "update one" in error.message
    assert "update Note 'one': text: 'first' → 'second'" in error.causes
    assert not move.target.exists(changed)
    assert lab.checkpoint.read_bytes() == before


def test_changes_that_the_stack_had_before_are_told_from_those_of_the_switch(lab: Lab) -> None:
    lab.up(PROGRAM)
    changed = lab.spec(PROGRAM.replace("first", "second"))
    error = refused(lambda: mover(lab, "same").move(changed, ignore))
    assert error.code.code == "KRJ341"
    assert "kraj up --refresh --only tenant:one --engine local" in error.hint


def test_a_locked_stack_is_refused(lab: Lab) -> None:
    lab.up(PROGRAM)
    folder = lab.root / "state/.pulumi/locks/organization/notes/test.one"
    folder.mkdir(parents=True, exist_ok=True)
    holder = {"pid": os.getpid(), "username": "eva", "hostname": "far", "timestamp": "2026-11-23"}
    (folder / "1.json").write_text(json.dumps(holder), encoding="utf-8")
    error = refused(lambda: mover(lab).move(lab.spec(), ignore))
    assert (error.code, "eva@far" in error.message) == (LOCKED, True)


def test_a_stack_with_open_steps_is_refused_with_what_to_do(lab: Lab) -> None:
    lab.up(PROGRAM)
    document = json.loads(lab.checkpoint.read_text(encoding="utf-8"))
    latest = document["checkpoint"]["latest"]
    latest["pending_operations"] = [{"resource": latest["resources"][-1], "type": "updating"}]
    lab.checkpoint.write_text(json.dumps(document), encoding="utf-8")
    error = refused(lambda: mover(lab).move(lab.spec(), ignore))
    assert error.code.code == "KRJ340"
    assert "updating" in error.message
    assert "kraj refresh" in error.hint
    assert not (lab.root / "state/switched").exists()


@pytest.mark.parametrize("stop", ["backup kept", "carried to"])
def test_a_switch_that_was_cut_off_goes_on(lab: Lab, stop: str) -> None:
    lab.up(PROGRAM)

    def cut(event: Event) -> None:
        if event.message.startswith(stop):
            raise KeyboardInterrupt

    move = mover(lab)
    with pytest.raises(KeyboardInterrupt):
        move.move(lab.spec(), cut)
    assert lab.engine.exists(lab.spec())
    again = mover(lab)
    again.move(lab.spec(), ignore)
    assert not lab.engine.exists(lab.spec())
    assert operations(again.target.preview(lab.spec(), ignore)) == {"one": "same", "two": "same"}


def test_a_state_that_was_emptied_by_a_killed_switch_does_not_count(lab: Lab) -> None:
    lab.up(PROGRAM)
    exported = lab.engine.export_state(lab.spec())
    move = mover(lab)
    move.target.import_state(lab.spec(), exported)
    lab.engine.import_state(
        lab.spec(), {**exported, "deployment": {**exported["deployment"], "resources": []}}
    )
    move.move(lab.spec(), ignore)
    assert not lab.engine.exists(lab.spec())
    assert len(move.target.export_state(lab.spec())["deployment"]["resources"]) > 2


def test_two_states_of_one_stack_are_both_kept(lab: Lab) -> None:
    lab.up(PROGRAM)
    move = mover(lab)
    move.target.up(lab.spec("Note('other', text='a')"), ignore)
    theirs = move.target.export_state(lab.spec())
    ours = lab.engine.export_state(lab.spec())
    error = refused(lambda: move.move(lab.spec(PROGRAM), ignore))
    assert error.code.code == "KRJ342"
    assert (move.target.export_state(lab.spec()), lab.engine.export_state(lab.spec())) == (
        theirs,
        ours,
    )


def test_without_room_for_the_backup_nothing_is_moved(lab: Lab) -> None:
    lab.up(PROGRAM)
    (lab.root / "file").write_text("in the way", encoding="utf-8")
    move = replace(mover(lab), backups=lab.root / "file" / "backups")
    error = refused(lambda: move.move(lab.spec(), ignore))
    assert error.code.code == "KRJ345"
    assert str(lab.root / "file") in error.message
    assert not move.target.exists(lab.spec())


def test_a_state_given_back_by_a_rehearsed_engine_is_the_same(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    lab.up("pulumi.export('a', pulumi.Output.secret('hush'))")
    exported: dict[str, Any] = lab.engine.export_state(lab.spec())
    result, back = rehearse("local", lab.root / "state", lab.spec(), exported, ignore)
    assert not result.has_changes
    assert back["deployment"]["resources"] == exported["deployment"]["resources"]
    assert Path(lab.checkpoint).exists()
