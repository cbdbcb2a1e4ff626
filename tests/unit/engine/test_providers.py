"""Explicit and default providers, resources that are read, functions and other stacks."""

from __future__ import annotations

import pytest

from kraj.errors import KrajError

from .conftest import Lab, operations


def test_explicit_providers_serve_their_resources_and_components_pass_them_on(lab: Lab) -> None:
    program = """
    files = Files("files", folder=pulumi.Config("file").require("folder"), mark="{}")
    group = Group("group", opts=ResourceOptions(providers={{"file": files}}))
    Note("a", opts=ResourceOptions(parent=group))
    Note("b", opts=ResourceOptions(provider=files))
    Note("c")
    """
    lab.up(program.format("first"))
    assert {name: note["mark"] for name, note in lab.notes().items()} == {
        "a": "first",
        "b": "first",
        "c": "",
    }
    state = lab.state()
    files = state["files"]
    assert state["a"]["provider"] == f"{files['urn']}::{files['id']}"
    default = state["default_1_2_3"]
    assert default["urn"] == "urn:pulumi:test.one::notes::pulumi:providers:file::default_1_2_3"
    given = {"folder": str(lab.folder), "version": "1.2.3"}
    assert default["inputs"] == {**given, "__internal": {}}  # as Pulumi's command line writes it
    assert default["outputs"] == given
    assert state["c"]["provider"] == f"{default['urn']}::{default['id']}"
    changed = lab.up(program.format("second"))
    assert operations(changed)["files"] == "update"
    assert operations(changed)["a"] == "same"
    lab.destroy()
    assert lab.notes() == {}


def test_a_replaced_provider_replaces_its_resources(lab: Lab) -> None:
    program = """
    files = Files("files", folder="{}")
    Note("a", opts=ResourceOptions(provider=files))
    """
    here, there = lab.root / "here", lab.root / "there"
    lab.up(program.format(here))
    changed = lab.up(program.format(there))
    assert operations(changed) == {"files": "replace", "a": "replace"}
    assert len(list(here.glob("*.json"))) == 0
    assert len(list(there.glob("*.json"))) == 1


def test_an_existing_resource_is_read_and_never_deleted(lab: Lab) -> None:
    lab.folder.mkdir()
    (lab.folder / "found-1.json").write_text('{"text": "was here"}')
    program = """
    found = Note("found", opts=ResourceOptions(id="found-1"))
    Note("copy", text=found.text)
    """
    first = lab.up(program)
    assert operations(first) == {"found": "read", "copy": "create"}
    assert lab.notes()["copy"]["text"] == "was here"
    assert lab.state()["found"]["external"] is True
    assert operations(lab.preview(program)) == {"found": "read", "copy": "same"}
    lab.destroy()
    assert set(lab.notes()) == {"found"}


def test_reading_what_does_not_exist_says_so(lab: Lab) -> None:
    with pytest.raises(KrajError, match="'found': there is no 'nowhere'") as caught:
        lab.up('Note("found", opts=ResourceOptions(id="nowhere"))')
    assert caught.value.code.code == "KRJ315"


def test_functions_are_called_with_known_arguments(lab: Lab) -> None:
    result = lab.up(
        """
        a = Note("a", text="x")
        pulumi.export("echo", pulumi.runtime.invoke_output(
            "file:index:echo", {"path": a.path, "n": 3},
            pulumi.InvokeOutputOptions(version="1.2.3")))
        """
    )
    assert result.outputs["echo"]["n"] == 3
    assert result.outputs["echo"]["path"].endswith(".json")


def test_a_program_may_go_on_after_a_function_that_failed(lab: Lab) -> None:
    program = """
    def found() -> str:
        try:
            pulumi.runtime.invoke("file:index:nothing", {{}}, pulumi.InvokeOptions(version="1.2.3"))
        except Exception as error:
            {handle}
            return str(error)

    Note("a", text=found()[:3])
    """
    lab.up(program.format(handle="pass"))
    assert set(lab.notes()) == {"a"}
    with pytest.raises(KrajError, match="no such function") as caught:
        lab.up(program.format(handle="raise"))
    assert caught.value.code.code == "KRJ302"


def test_a_stack_reference_gives_the_outputs_of_another_stack(lab: Lab) -> None:
    lab.up(
        'pulumi.export("plain", [1]); pulumi.export("hidden", pulumi.Output.secret("s3cret"))\n'
        'pulumi.export("nested", {"open": 1, "closed": pulumi.Output.secret("s3cret")})'
    )
    program = """
    other = pulumi.StackReference("organization/notes/test.one")
    pulumi.export("plain", other.get_output("plain"))
    pulumi.export("hidden", other.get_output("hidden"))
    pulumi.export("nested", other.get_output("nested"))
    """
    result = lab.up(program, stack="test.two", label="tenant:two")
    assert result.outputs == {"plain": [1], "hidden": "[secret]", "nested": "[secret]"}
    spec = lab.spec(stack="test.two")
    assert lab.engine.outputs(spec, show_secrets=True)["hidden"] == "s3cret"
    with pytest.raises(KrajError, match="names a stack that has never been applied"):
        lab.up('pulumi.StackReference("organization/notes/none")')
