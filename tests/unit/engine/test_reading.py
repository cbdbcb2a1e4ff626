"""What a provider of this process hears before a refresh reads its resources."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from kraj.engine.base import Together
from kraj.engine.local.engine import LocalEngine
from kraj.events import ignore

from .conftest import Lab, operations
from .file_provider import FileProvider


class ForetoldProvider(FileProvider):
    """Notes down what it was told, and between which words it read."""

    heard: ClassVar[list[Any]] = []

    def begin_reads(self, request: Any, _context: Any) -> None:
        self.heard.append(request)

    def end_reads(self, _request: Any, _context: Any) -> None:
        self.heard.append("end")

    def Read(self, request: Any, context: Any) -> Any:
        self.heard.append(request.id)
        return super().Read(request, context)


@pytest.fixture
def foretold(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A stack of two notes whose provider wants to know what will be read."""
    monkeypatch.setattr(ForetoldProvider, "heard", [])
    lab.up('Note("a", text="x")\nNote("b", text="y")')
    environ = {"PULUMI_CONFIG_PASSPHRASE": "correct horse battery staple"}
    providers = {"file": ForetoldProvider}
    return Lab(lab.root, LocalEngine(lab.root / "state", providers=providers, environ=environ))


def test_all_that_will_be_read_is_told_before_the_first_is(foretold: Lab) -> None:
    together = Together(7)
    result = foretold.engine.refresh(foretold.spec(), ignore, together=together)
    assert operations(result) == {"a": "same", "b": "same"}
    told, *read, last = ForetoldProvider.heard
    assert told.together is together
    assert sorted(read) == sorted(item.id for item in told.resources)
    assert [item.type for item in told.resources] == ["file:index:Note"] * 2
    assert sorted(item.known["text"] for item in told.resources) == ["x", "y"]
    assert last == "end"


def test_secrets_are_told_in_clear_as_they_are_to_a_read(foretold: Lab) -> None:
    foretold.engine.refresh(foretold.spec(), ignore)
    tokens = [item.known["token"] for item in ForetoldProvider.heard[0].resources]
    assert all(isinstance(token, str) and token for token in tokens)


def test_reading_ends_also_where_a_read_fails(
    foretold: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Any, _request: Any, _context: Any) -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setattr(ForetoldProvider, "Read", fail)
    with pytest.raises(Exception, match="the disk is gone"):
        foretold.engine.refresh(foretold.spec(), ignore)
    assert ForetoldProvider.heard[-1] == "end"


def test_nothing_is_dropped_where_another_read_fails(
    foretold: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who must not see one object may be told that another one does not exist."""
    before = foretold.state()
    next(foretold.folder.glob("a-*.json")).unlink()
    read = ForetoldProvider.Read

    def refuse(self: Any, request: Any, context: Any) -> Any:
        if request.id.startswith("b"):
            raise OSError("not allowed")
        return read(self, request, context)

    monkeypatch.setattr(ForetoldProvider, "Read", refuse)
    with pytest.raises(Exception, match="not allowed"):
        foretold.engine.refresh(foretold.spec(), ignore)
    assert foretold.state() == before
    monkeypatch.setattr(ForetoldProvider, "Read", read)
    result = foretold.engine.refresh(foretold.spec(), ignore)
    assert operations(result) == {"a": "delete", "b": "same"}
    assert set(foretold.state()) == set(before) - {"a"}


def test_a_provider_that_does_not_want_to_know_is_just_read(lab: Lab) -> None:
    lab.up('Note("a", text="x")')
    assert operations(lab.engine.refresh(lab.spec(), ignore)) == {"a": "same"}
