"""A preview says what would happen, with values that are not known yet, and touches nothing."""

from __future__ import annotations

from .conftest import Lab, operations


def test_values_that_depend_on_new_resources_are_unknown(lab: Lab) -> None:
    result = lab.preview(
        """
        a = Note("a", text="x")
        b = Note("b", text=a.path, size=3)
        pulumi.export("path", b.path)
        pulumi.export("text", b.text)
        pulumi.export("given", a.text)
        pulumi.export("id", a.id)
        """
    )
    assert operations(result) == {"a": "create", "b": "create"}
    unknown = "[unknown]"
    assert result.outputs == {"path": unknown, "text": unknown, "given": "x", "id": unknown}
    assert lab.notes() == {}
    assert lab.log() == ["configure "]
    assert not (lab.root / "state/.pulumi").exists()


def test_a_preview_of_a_change_agrees_with_what_up_does(lab: Lab) -> None:
    program = 'a = Note("a", kind="{}")\nb = Note("b", kind=a.path)\nNote("{}")\n'
    lab.up(program.format("k", "old"))
    stored = lab.checkpoint.read_bytes()
    changed = program.format("other", "new")
    seen = lab.preview(changed)
    expected = {"a": "replace", "b": "replace", "new": "create", "old": "delete"}
    assert operations(seen) == expected
    assert lab.checkpoint.read_bytes() == stored
    assert operations(lab.up(changed)) == expected


def test_a_delete_before_replace_is_previewed_with_all_that_falls_with_it(lab: Lab) -> None:
    program = 'a = Note("a", slot="{}")\nNote("b", kind=a.path)\nNote("c", text=a.path)'
    lab.up(program.format("one"))
    changed = program.format("two")
    expected = {"a": "replace", "b": "replace", "c": "update"}
    assert operations(lab.preview(changed)) == expected
    assert operations(lab.up(changed)) == expected


def test_a_provider_whose_configuration_is_unknown_is_not_asked(lab: Lab) -> None:
    program = """
    a = Note("a")
    files = Files("files", folder=a.path.apply(lambda path: path + ".d"))
    b = Note("b", text="x", opts=ResourceOptions(provider=files))
    seen = pulumi.runtime.invoke_output(
        "file:index:count", {}, pulumi.InvokeOutputOptions(provider=files))
    pulumi.export("path", b.path)
    pulumi.export("seen", seen)
    """
    result = lab.preview(program)
    assert operations(result) == {"a": "create", "files": "create", "b": "create"}
    assert result.outputs == {"path": "[unknown]", "seen": "[unknown]"}
    assert operations(lab.up(program)) == {"a": "create", "files": "create", "b": "create"}
    assert set(operations(lab.preview(program)).values()) == {"same"}


def test_a_preview_of_destroy_deletes_nothing(lab: Lab) -> None:
    lab.up('Note("a")')
    result = lab.engine.destroy(lab.spec(), lab.events.append, preview_only=True)
    assert operations(result) == {"a": "delete"}
    assert set(lab.notes()) == {"a"}
