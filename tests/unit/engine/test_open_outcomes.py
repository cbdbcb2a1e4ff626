"""Steps that the provider did and whose answers were lost: the next run looks what came of them."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import pytest

from kraj.engine.local import orphans
from kraj.engine.local.engine import LocalEngine
from kraj.errors import KrajError

from .conftest import PASSPHRASE, Lab, operations
from .file_provider import FAILED
from .finding_provider import FindingProvider


class LosingProvider(FindingProvider):
    """Does what it is asked for, and loses the answers to the steps in `lost`: `create a`."""

    lost: ClassVar[set[str]] = set()

    def Create(self, request: Any, context: Any) -> Any:
        answer = super().Create(request, context)
        return answer if request.preview else self._answer("create", request, answer)

    def Update(self, request: Any, context: Any) -> Any:
        answer = super().Update(request, context)
        return answer if request.preview else self._answer("update", request, answer)

    def Delete(self, request: Any, context: Any) -> Any:
        return self._answer("delete", request, super().Delete(request, context))

    def _answer(self, operation: str, request: Any, answer: Any) -> Any:
        if f"{operation} {request.name}" in self.lost:
            self.lost.discard(f"{operation} {request.name}")
            words = f"no answer to {operation} {request.name}"
            raise KrajError(FAILED, words, details={"unsure": True})
        return answer


@pytest.fixture
def losing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(orphans, "_AT_WORK_SECONDS", 0.0)
    lab.engine = LocalEngine(
        lab.root / "state",
        providers={"file": LosingProvider},
        environ={"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE},
    )
    return lab


def lose(lab: Lab, program: str, *steps: str) -> None:
    LosingProvider.lost = {*steps}
    with pytest.raises(KrajError, match="no answer"):
        lab.up(program)


def pending(lab: Lab) -> list[str]:
    deployment = lab.engine.export_state(lab.spec())["deployment"]
    return sorted(
        f"{item['type']} {item['resource']['urn'].rpartition('::')[2]}"
        for item in deployment.get("pending_operations", [])
    )


def test_what_was_made_unheard_is_taken_over(losing: Lab) -> None:
    lose(losing, 'Note("a", text="1")', "create a")
    assert pending(losing) == ["creating a"]
    (path,) = losing.folder.glob("a-*.json")
    assert operations(losing.up()) == {"a": "same"}
    assert losing.state()["a"]["id"] == path.stem
    assert pending(losing) == []


def test_what_was_made_unheard_is_deleted_by_down(losing: Lab) -> None:
    lose(losing, 'Note("a", text="1")', "create a")
    losing.destroy()
    assert losing.notes() == {}


def test_a_replacement_that_was_made_unheard_takes_the_old_ones_place(losing: Lab) -> None:
    losing.up('Note("a", text="1", kind="x")')
    lose(losing, 'Note("a", text="2", kind="y")', "create a")
    losing.up()
    assert losing.notes()["a"]["kind"] == "y"
    assert len(list(losing.folder.glob("a-*.json"))) == 1


def test_a_change_that_was_made_unheard_is_seen_when_it_is_taken_back(losing: Lab) -> None:
    losing.up('Note("a", text="1")')
    lose(losing, 'Note("a", text="2")', "update a")
    assert pending(losing) == ["updating a"]
    assert operations(losing.up('Note("a", text="1")')) == {"a": "update"}
    assert losing.notes()["a"]["text"] == "1"
    assert pending(losing) == []


def test_a_deletion_that_was_made_unheard_is_seen_when_it_is_taken_back(losing: Lab) -> None:
    losing.up('Note("a")\nNote("b")')
    lose(losing, 'Note("b")', "delete a")
    assert pending(losing) == ["deleting a"]
    assert operations(losing.up('Note("a")\nNote("b")')) == {"a": "create", "b": "same"}
    assert set(losing.notes()) == {"a", "b"}


def test_what_is_open_stays_on_record_while_the_next_runs_fail_too(losing: Lab) -> None:
    losing.up('Note("a", text="1")')
    lose(losing, 'Note("a", text="2")', "update a")
    with pytest.raises(KrajError, match="KRJ302"):
        losing.up('raise ValueError("too early")\nNote("a", text="1")')
    assert pending(losing) == ["updating a"]
    losing.destroy()
    assert losing.notes() == {}
    assert pending(losing) == []


def test_two_creations_of_the_same_kind_never_share_what_one_of_them_made(
    losing: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = FindingProvider.find_existing

    def by_text_alone(self: Any, request: Any, context: Any) -> Any:
        names = {path.rsplit("-", 1)[0] for path in self.notes()}
        urns = [f"{request.urn.rpartition('::')[0]}::{name}" for name in sorted(names)]
        asked = [dataclasses.replace(request, urn=urn) for urn in urns]
        return [item for one in asked for item in found(self, one, context)]

    monkeypatch.setattr(FindingProvider, "find_existing", by_text_alone)
    both = 'Note("{}", text="1", delaySeconds=0.5)'
    lose(losing, "\n".join(map(both.format, "ab")), "create a", "create b")
    next(losing.folder.glob("b-*.json")).unlink(missing_ok=True)
    losing.up()
    state = losing.state()
    assert {state[name]["id"] for name in "ab"} == {p.stem for p in losing.folder.glob("*.json")}
    assert state["a"]["id"] != state["b"]["id"]
