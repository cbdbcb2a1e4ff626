"""What happens to resources: create, update, replace, delete, and their order."""

from __future__ import annotations

from .conftest import Lab, operations

ONE = 'note = Note("one", text="hello")\npulumi.export("path", note.path)\n'


def test_the_first_up_creates_and_the_second_changes_nothing(lab: Lab) -> None:
    first = lab.up(ONE)
    assert operations(first) == {"one": "create"}
    assert first.outputs["path"].endswith(".json")
    assert lab.notes()["one"]["text"] == "hello"
    second = lab.up()
    assert operations(second) == {"one": "same"}
    assert not second.has_changes
    assert second.outputs == first.outputs
