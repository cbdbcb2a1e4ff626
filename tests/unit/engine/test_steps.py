"""What happens to resources: create, update, replace, delete, and their order."""

from __future__ import annotations

import pytest

from kraj.engine.base import PropertyChange
from kraj.errors import KrajError

from .conftest import Lab, operations

ONE = 'note = Note("one", text="hello")\npulumi.export("path", note.path)\n'

#: Three notes in a chain, one of them in a component.
CHAIN = """
group = Group("group")
a = Note("a", text="{text}", kind="{kind}")
b = Note("b", text=a.path, opts=ResourceOptions(parent=group))
c = Note("c", text="fixed", opts=ResourceOptions(depends_on=[b]))
group.register_outputs({{"last": b.path}})
pulumi.export("c", c.id)
"""


def before(log: list[str], first: str, second: str) -> bool:
    return log.index(first) < log.index(second)


def test_the_first_up_creates_and_the_second_changes_nothing(lab: Lab) -> None:
    first = lab.up(ONE)
    assert operations(first) == {"one": "create"}
    assert first.outputs["path"].endswith(".json")
    assert lab.notes()["one"]["text"] == "hello"
    stored = lab.state()
    second = lab.up()
    assert operations(second) == {"one": "same"}
    assert not second.has_changes
    assert second.outputs == first.outputs == lab.engine.outputs(lab.spec())
    assert lab.state() == stored


def test_resources_are_created_after_and_deleted_before_what_they_need(lab: Lab) -> None:
    created = lab.up(CHAIN.format(text="x", kind="k"))
    assert operations(created) == dict.fromkeys(["group", "a", "b", "c"], "create")
    log = lab.log()
    assert before(log, "create ends a", "create begins b")
    assert before(log, "create ends b", "create begins c")
    state = lab.state()
    assert state["b"]["urn"].startswith("urn:pulumi:test.one::notes::test:index:Group$file:")
    assert state["b"]["propertyDependencies"] == {"text": [state["a"]["urn"]]}
    assert state["c"]["dependencies"] == [state["b"]["urn"]]
    assert state["group"]["outputs"] == {"last": state["b"]["outputs"]["path"]}
    lab.forget_log()
    gone = lab.destroy()
    assert set(operations(gone).values()) == {"delete"}
    assert lab.notes() == {}
    assert lab.state() == {}
    log = lab.log()
    assert before(log, "delete ends c", "delete begins b")
    assert before(log, "delete ends b", "delete begins a")


def test_a_changed_property_is_updated_in_place(lab: Lab) -> None:
    lab.up(CHAIN.format(text="x", kind="k"))
    identity = lab.state()["a"]["id"]
    changed = lab.up(CHAIN.format(text="y", kind="k"))
    assert operations(changed) == {"group": "same", "a": "update", "b": "same", "c": "same"}
    step = next(s for s in changed.steps if s.name == "a")
    assert step.changed == ("text",)
    assert step.changes == (PropertyChange("text", "x", "y"),)
    assert lab.state()["a"]["id"] == identity
    assert lab.notes()["a"]["text"] == "y"
    assert lab.state()["a"]["modified"] > lab.state()["a"]["created"]


def test_a_replacement_is_created_before_the_old_one_is_deleted(lab: Lab) -> None:
    lab.up(CHAIN.format(text="x", kind="k"))
    old = lab.state()["a"]["id"]
    lab.forget_log()
    changed = lab.up(CHAIN.format(text="x", kind="other"))
    assert operations(changed) == {"group": "same", "a": "replace", "b": "update", "c": "same"}
    step = next(s for s in changed.steps if s.name == "a")
    assert step.replaced_by == ("kind",)
    log = lab.log()
    assert before(log, "create ends a", "delete begins a")
    assert before(log, "update ends b", "delete begins a")
    assert lab.state()["a"]["id"] != old
    assert len(lab.notes()) == 3


def test_a_provider_can_ask_for_the_old_one_to_be_deleted_first(lab: Lab) -> None:
    program = """
    a = Note("a", slot="{slot}")
    b = Note("b", text=a.path)
    c = Note("c", kind=a.path)
    d = Note("d", text=c.path)
    """
    lab.up(program.format(slot="one"))
    lab.forget_log()
    changed = lab.up(program.format(slot="two"))
    # c cannot live without a's path: it goes before a goes. b and d are only updated.
    assert operations(changed) == {"a": "replace", "b": "update", "c": "replace", "d": "update"}
    log = lab.log()
    assert before(log, "delete ends c", "delete begins a")
    assert before(log, "delete ends a", "create begins a")
    assert before(log, "create ends a", "create begins c")
    assert lab.notes()["a"]["slot"] == "two"
    assert not any(item.get("pendingReplacement") for item in lab.state().values())


def test_the_program_decides_over_the_order_of_a_replacement(lab: Lab) -> None:
    program = 'Note("a", kind="{}", opts=ResourceOptions(delete_before_replace=True))'
    lab.up(program.format("k"))
    lab.forget_log()
    lab.up(program.format("other"))
    assert before(lab.log(), "delete ends a", "create begins a")


def test_what_the_program_does_not_want_any_more_is_deleted(lab: Lab) -> None:
    lab.up('Note("a")\nNote("b")')
    changed = lab.up('Note("b")')
    assert operations(changed) == {"a": "delete", "b": "same"}
    assert set(lab.notes()) == {"b"}


def test_options_keep_ignore_and_replace(lab: Lab) -> None:
    program = """
    Note("ignored", text="{0}", labels={{"a": "{0}", "b": "{0}"}},
         opts=ResourceOptions(ignore_changes=["text", "labels.a"]))
    Note("replaced", text="{0}", opts=ResourceOptions(replace_on_changes=["text"]))
    Note("timed", text="{0}", opts=ResourceOptions(
         custom_timeouts=pulumi.CustomTimeouts(create="1m30s", update="2h")))
    """
    lab.up(program.format("x"))
    assert lab.notes()["timed"]["timeout"] == 90
    changed = lab.up(program.format("y"))
    assert operations(changed) == {"ignored": "update", "replaced": "replace", "timed": "update"}
    note = lab.notes()["ignored"]
    assert (note["text"], note["labels"]) == ("x", {"a": "x", "b": "y"})
    assert lab.notes()["timed"]["timeout"] == 7200
    assert lab.state()["timed"]["customTimeouts"] == {"create": 90, "update": 7200}


def test_protected_resources_are_neither_deleted_nor_replaced(lab: Lab) -> None:
    program = 'Note("a", kind="{}", opts=ResourceOptions(protect=True))\nNote("b")'
    lab.up(program.format("k"))
    with pytest.raises(KrajError, match="'a' is protected and would be replaced because of kind"):
        lab.up(program.format("other"))
    with pytest.raises(KrajError, match=r"would delete what is protected: file:index:Note 'a'"):
        lab.destroy()
    assert set(lab.notes()) == {"a", "b"}
    lab.up('Note("a", kind="k")\nNote("b")')
    lab.destroy()
    assert lab.notes() == {}


def test_retained_resources_and_those_deleted_with_another_are_left_to_the_cloud(lab: Lab) -> None:
    lab.up(
        """
        home = Note("home")
        Note("kept", opts=ResourceOptions(retain_on_delete=True))
        Note("inside", opts=ResourceOptions(deleted_with=home))
        """
    )
    lab.destroy()
    assert set(lab.notes()) == {"kept", "inside"}
    assert lab.state() == {}


def test_aliases_follow_renamed_resources_and_parents(lab: Lab) -> None:
    lab.up(
        """
        group = Group("old")
        a = Note("old-a", text="x", opts=ResourceOptions(parent=group))
        Note("b", text=a.path)
        """
    )
    changed = lab.up(
        """
        group = Group("new", opts=ResourceOptions(aliases=[pulumi.Alias(name="old")]))
        a = Note("new-a", text="x", opts=ResourceOptions(parent=group))
        Note("b", text=a.path)
        """
    )
    assert operations(changed) == {"new": "same", "new-a": "same", "b": "same"}
    state = lab.state()
    assert state["b"]["dependencies"] == [state["new-a"]["urn"]]


def test_independent_steps_run_at_the_same_time(lab: Lab) -> None:
    lab.up("for i in range(8):\n    Note(f'n{i}', company=4)")
    log = lab.log()
    first_end = next(i for i, line in enumerate(log) if line.startswith("create ends"))
    assert len([line for line in log[:first_end] if line.startswith("create begins")]) >= 4
    lab.forget_log()
    lab.destroy()
    log = lab.log()
    first_end = next(i for i, line in enumerate(log) if line.startswith("delete ends"))
    assert len([line for line in log[:first_end] if line.startswith("delete begins")]) >= 4


def test_refresh_finds_changed_and_lost_resources(lab: Lab) -> None:
    program = 'a = Note("a", text="x")\nNote("b", text=a.path)\nNote("c", text="x")'
    lab.up(program)
    files = {path.stem.rsplit("-", 1)[0]: path for path in lab.folder.glob("*.json")}
    files["a"].unlink()
    files["c"].write_text(files["c"].read_text().replace('"x"', '"edited"'))
    seen = lab.engine.refresh(lab.spec(), lab.events.append, preview_only=True)
    assert operations(seen) == {"a": "delete", "b": "same", "c": "update"}
    found = next(step for step in seen.steps if step.name == "c")
    assert PropertyChange("text", "x", "edited") in found.changes
    assert set(lab.state()) >= {"a", "b", "c"}
    told = [(e.kind.value, e.operation) for e in lab.events if e.resource.endswith("::b")]
    assert told[-2:] == [("started", "refresh"), ("done", "same")]
    mended = lab.up(refresh=True)
    assert operations(mended) == {"a": "create", "b": "update", "c": "update"}
    assert lab.notes()["c"]["text"] == "x"
    assert operations(lab.up(refresh=True)) == {"a": "same", "b": "same", "c": "same"}


def test_events_tell_of_the_stack_and_of_each_step(lab: Lab) -> None:
    lab.up(ONE + 'pulumi.log.warn("mind the gap")\nprint("printed")')
    kinds = [(e.kind.value, e.resource_type) for e in lab.events]
    assert kinds[0] == ("started", "")
    assert kinds[-1] == ("done", "")
    assert ("started", "file:index:Note") in kinds
    assert ("done", "file:index:Note") in kinds
    assert {e.subject for e in lab.events} == {"tenant:one"}
    messages = {e.message for e in lab.events}
    assert {"warning: mind the gap", "printed"} <= messages
    assert lab.events[-1].details["changes"] == {"create": 2}
