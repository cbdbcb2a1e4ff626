"""What goes wrong ends in one clear error, and the state stays true."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraj.engine.errors import STATE_NOT_WRITTEN
from kraj.engine.local import store
from kraj.engine.local.buckets import files
from kraj.errors import KrajError

from .conftest import Lab, operations


def failure(lab: Lab, program: str) -> KrajError:
    with pytest.raises(KrajError) as caught:
        lab.up(program)
    return caught.value


def test_a_failed_resource_stops_what_depends_on_it_and_keeps_the_rest(lab: Lab) -> None:
    program = """
    good = Note("good")
    bad = Note("bad", {}opts=ResourceOptions(depends_on=[good]))
    Note("after", text=bad.path)
    """
    error = failure(lab, program.format('failOn="create", '))
    assert error.code.code == "KRJ399"
    assert str(error) == "KRJ399 will not create bad"
    assert error.hint == "Don't ask."
    assert error.details["urn"].endswith("::bad")
    assert set(lab.notes()) == {"good"}
    assert set(lab.state()) == {"notes-test.one", "default_1_2_3", "good"}
    failed = [e for e in lab.events if e.kind.value == "failed"]
    assert [e.resource_type for e in failed] == ["file:index:Note", ""]
    mended = lab.up(program.format(""))
    assert operations(mended) == {"good": "same", "bad": "create", "after": "create"}


def test_a_failed_update_keeps_the_old_state(lab: Lab) -> None:
    program = 'a = Note("a", text={})\npulumi.export("text", a.text)'
    lab.up(program.format('"x"'))
    failure(lab, program.format('"y", failOn="update"'))
    assert lab.state()["a"]["inputs"] == {"text": "x"}
    assert lab.engine.outputs(lab.spec()) == {"text": "x"}


def test_a_failed_delete_keeps_the_resource(lab: Lab) -> None:
    lab.up('Note("a", failOn="delete")\nNote("b")')
    error = failure(lab, 'Note("c")')
    assert "will not delete a" in error.message
    assert "a" in lab.state()
    assert lab.engine.history(lab.spec())[0].result == "failed"


def test_a_resource_that_did_not_become_ready_is_kept_and_tried_again(lab: Lab) -> None:
    error = failure(lab, 'Note("a", initFails=True)')
    assert "cannot create file:index:Note 'a': not ready" in error.message
    assert list(error.causes) == ["never became ready"]
    state = lab.state()["a"]
    assert state["initErrors"] == ["never became ready"]
    again = lab.up('Note("a", initFails=False)')
    assert operations(again) == {"a": "update"}
    assert lab.state()["a"]["id"] == state["id"]
    assert "initErrors" not in lab.state()["a"]


def test_what_did_not_become_ready_and_is_gone_since_is_made_again(lab: Lab) -> None:
    failure(lab, 'Note("a", initFails=True)')
    next(lab.folder.glob("a-*.json")).unlink()
    assert operations(lab.up('Note("a", initFails=False)')) == {"a": "create"}
    assert set(lab.notes()) == {"a"}


def test_invalid_inputs_name_the_property(lab: Lab) -> None:
    error = failure(lab, 'Note("a", size=-1)')
    assert str(error) == "KRJ304 file:index:Note 'a': size: is negative"
    assert lab.notes() == {}


def test_an_error_of_the_program_names_its_line(lab: Lab) -> None:
    error = failure(lab, 'Note("a")\nboom = {}["missing"]')
    assert error.code.code == "KRJ302"
    assert "KeyError: 'missing'" in error.message
    assert any("__main__.py" in cause and "boom" in cause for cause in error.causes)
    assert "a" not in lab.engine.outputs(lab.spec())


def test_a_program_that_ends_hard_is_told_of(lab: Lab) -> None:
    error = failure(lab, "import os\nos._exit(7)")
    assert "ended without a result" in error.message


def test_an_error_that_the_program_logs_fails_the_run(lab: Lab) -> None:
    error = failure(lab, 'Note("a")\npulumi.log.error("not like this")')
    assert "not like this" in error.message


@pytest.mark.parametrize(
    ("program", "named"),
    [
        ('Note("a", opts=ResourceOptions(import_="a-1"))', "the resource option `import_`"),
        ('Note("a", file=pulumi.StringAsset("x"))', "assets as values"),
        (
            'hook = pulumi.ResourceHook("hook", lambda args: None)\n'
            "hooks = pulumi.ResourceHookBinding(after_create=[hook])\n"
            'Note("a", opts=ResourceOptions(hooks=hooks))',
            "resource hooks (hook)",
        ),
        (
            'Note("a", opts=ResourceOptions(transforms=[lambda args: None]))',
            "resource transforms",
        ),
        ('Note("a", opts=ResourceOptions(replacement_trigger=1))', "`replacement_trigger`"),
        (
            "class Other(pulumi.CustomResource):\n    pass\n"
            'Other("other:index:Thing", "thing", {})',
            "the package 'other'",
        ),
        ('Note("a", opts=ResourceOptions(custom_timeouts={"create": "soon"}))', "timeout 'soon'"),
    ],
)
def test_what_is_not_supported_is_named_and_nothing_is_touched(
    lab: Lab, program: str, named: str
) -> None:
    error = failure(lab, 'Note("first")\n' + program)
    assert named in str(error)
    assert lab.notes() == {}
    assert not lab.checkpoint.exists()


def test_two_resources_of_one_name_are_refused(lab: Lab) -> None:
    error = failure(lab, 'Note("a")\nNote("a")')
    assert error.code.code == "KRJ316"


def test_a_program_of_another_project_is_refused(lab: Lab) -> None:
    lab.spec("")
    with pytest.raises(KrajError, match="is of the project 'notes', the stack of 'else'"):
        lab.up(project="else")


def test_a_full_disk_leaves_the_last_whole_state(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.up('Note("a")')
    stored = lab.checkpoint.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", full)
        with pytest.raises(KrajError, match="No space left on device") as caught:
            lab.up('Note("a")\nNote("b")')
    assert caught.value.code.code in ("KRJ308", "KRJ306")
    assert lab.checkpoint.read_bytes() == stored
    assert set(lab.notes()) == {"a"}
    assert [p for p in (lab.root / "state").rglob(".*.json.*") if Path(p).is_file()] == []
    assert operations(lab.up()) == {"a": "same", "b": "create"}


def test_a_disk_that_fills_up_during_a_run_stops_it_before_the_next_step(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, writes = store.StateStore.save, []

    def fills_up(self: store.StateStore, deployment: dict[str, object]) -> None:
        writes.append(deployment)
        if len(writes) > 2:
            raise KrajError(STATE_NOT_WRITTEN, "cannot write: No space left on device")
        real(self, deployment)

    program = 'a = Note("a")\nb = Note("b", text=a.path)\nNote("c", text=b.path)'
    with monkeypatch.context() as patched:
        patched.setattr(store.StateStore, "save", fills_up)
        error = failure(lab, program)
    assert error.code.code == "KRJ308"
    assert set(lab.notes()) == {"a"}
    assert operations(lab.up())["b"] == "create"
