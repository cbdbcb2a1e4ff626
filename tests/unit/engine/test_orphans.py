"""A process that dies at any moment of a run: the next one makes nothing twice and loses nothing.

Of the moments, every eighth is tried, from a seed that is printed; all with KRAJ_ALL_STEPS=1.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from kraj.engine.local import orphans
from kraj.engine.local.engine import LocalEngine
from kraj.errors import KrajError

from .conftest import PASSPHRASE, Lab, operations
from .finding_provider import FindingProvider

SHARE = 8  #: one in so many moments is tried

#: Dies before or after the n-th write of the state, or when the provider has done its n-th step.
RUNNER = """
import os, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
import file_provider
from finding_provider import FindingProvider
from kraj.engine.base import StackSpec
from kraj.engine.local.engine import LocalEngine
from kraj.engine.local.store import StateStore
moment, number, action = {moment!r}, {number}, {action!r}
count = 0

def counted(kind, at, work):
    def call(*arguments):
        global count
        if kind == moment.split()[1]:
            count += at == "before"
            if moment == f"{{at}} {{kind}}" and count == number:
                os.kill(os.getpid(), 9)
        return work(*arguments)
    return call

def around(owner, name, kind):
    work = getattr(owner, name)
    def call(*arguments):
        counted(kind, "before", lambda: None)()
        result = work(*arguments)
        counted(kind, "after", lambda: None)()
        return result
    setattr(owner, name, call)

around(StateStore, "save", "save")
around(FindingProvider, "_write", "write")
root = Path({root!r})
engine = LocalEngine(root / "state", providers={{"file": FindingProvider}}, parallel=1,
                     environ={{"PULUMI_CONFIG_PASSPHRASE": {passphrase!r}}})
spec = StackSpec("notes", "test.one", "tenant:one", root / "program",
                 config={{"file:folder": str(root / "cloud")}})
getattr(engine, action)(spec, lambda event: None)
"""

FIRST = 'a = Note("a", text="1")\nNote("b", kind="x")\nNote("c", slot="s")\nNote("d")'
#: An update, two replacements in both orders, a deletion and a creation.
SECOND = 'a = Note("a", text="2")\nNote("b", kind="y")\nNote("c", slot="t")\nNote("e")'


@pytest.fixture
def finding(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """The stack with a provider that looks for orphans, and nothing at work in the cloud."""
    monkeypatch.setattr(orphans, "_AT_WORK_SECONDS", 0.0)
    lab.engine = LocalEngine(
        lab.root / "state",
        providers={"file": FindingProvider},
        environ={"PULUMI_CONFIG_PASSPHRASE": PASSPHRASE},
    )
    return lab


def killed(lab: Lab, moment: str, number: int, action: str = "up") -> bool:
    """Run in a process of its own that dies at a moment; False: the run ended before."""
    code = RUNNER.format(
        folder=str(Path(__file__).parent),
        root=str(lab.root),
        passphrase=PASSPHRASE,
        moment=moment,
        number=number,
        action=action,
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=False
    )
    assert process.returncode in (0, -9), process.stderr.decode()
    return process.returncode == -9


def steps(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Moments to die at: before and after each of so many events of a kind."""
    every = [
        (f"{at} {kind}", number)
        for kind, count in counts.items()
        for number in range(1, count + 1)
        for at in ("before", "after")
    ]
    if os.environ.get("KRAJ_ALL_STEPS"):
        return every
    seed = secrets.randbelow(SHARE)
    print(f"every {SHARE}th step from step {seed}; all with KRAJ_ALL_STEPS=1")
    return every[seed::SHARE]


def files(lab: Lab) -> list[str]:
    """Names of what exists, each as often as it exists."""
    return sorted(path.stem.rsplit("-", 1)[0] for path in lab.folder.glob("*.json"))


def assert_whole(lab: Lab, names: list[str]) -> None:
    """One object of each name exists, and the state knows exactly these."""
    assert files(lab) == names
    state = {name: item for name, item in lab.state().items() if item["type"] == "file:index:Note"}
    assert sorted(state) == names
    assert {item["id"] for item in state.values()} == {p.stem for p in lab.folder.glob("*.json")}
    assert "pending_operations" not in lab.engine.export_state(lab.spec())["deployment"]


def test_a_first_run_killed_anywhere_is_finished_by_the_next_one(finding: Lab) -> None:
    for moment, number in steps({"save": 8, "write": 4}):
        finding.spec(FIRST)
        assert killed(finding, moment, number)
        finding.up(FIRST)
        assert_whole(finding, ["a", "b", "c", "d"])
        finding.destroy()
        assert files(finding) == []


def test_a_change_killed_anywhere_is_finished_by_the_next_one(finding: Lab) -> None:
    for moment, number in steps({"save": 12, "write": 4}):
        finding.up(FIRST)
        finding.spec(SECOND)
        assert killed(finding, moment, number)
        finding.up(SECOND)
        assert_whole(finding, ["a", "b", "c", "e"])
        assert finding.notes()["a"]["text"] == "2"


def test_a_replacement_killed_when_it_was_made_leaves_a_state_that_can_be_read(
    finding: Lab,
) -> None:
    finding.up('Note("b", kind="x")')
    finding.spec('Note("b", kind="y")')
    assert killed(finding, "after save", 2)
    finding.up()
    assert_whole(finding, ["b"])
    assert finding.notes()["b"]["kind"] == "y"


@pytest.mark.parametrize("number", [1, 3])
def test_a_killed_down_is_finished_by_the_next_one(finding: Lab, number: int) -> None:
    finding.up(FIRST)
    assert killed(finding, "after save", number, "destroy")
    finding.destroy()
    assert files(finding) == []


def test_what_a_killed_up_left_behind_is_deleted_by_down(finding: Lab) -> None:
    finding.spec(FIRST)
    assert killed(finding, "after write", 2)
    left = files(finding)
    assert len(left) == 2
    finding.destroy()
    assert files(finding) == []


def test_an_adopted_object_is_told_and_kept(finding: Lab) -> None:
    finding.spec('Note("a", text="1")')
    assert killed(finding, "after write", 1)
    (path,) = finding.folder.glob("a-*.json")
    assert operations(finding.preview()) == {"a": "same"}
    result = finding.up()
    assert operations(result) == {"a": "same"}
    assert [note for note in result.diagnostics if f"takes it over ({path.stem})" in note]
    assert finding.state()["a"]["id"] == path.stem


def test_the_mark_that_a_creation_was_to_leave_is_looked_for(finding: Lab) -> None:
    finding.spec('Note("a", text="1")')
    assert killed(finding, "after write", 1)
    left = (finding.folder / "a.mark").read_text()
    finding.up()
    assert (finding.folder / "a.sought").read_text() == left
    finding.destroy()
    finding.up()
    assert (finding.folder / "a.mark").read_text() != left


def test_what_appears_after_the_look_is_found_by_the_run_after(finding: Lab) -> None:
    """A slow service makes it when the next run has looked; then its name is taken."""
    finding.spec('Note("a", text="1")')
    assert killed(finding, "after write", 1)
    (path,) = finding.folder.glob("a-*.json")
    late = path.rename(finding.root / path.name)
    with pytest.raises(KrajError, match="will not create a"):
        finding.up('Note("a", text="1", failOn="create")')
    late.rename(path)
    assert operations(finding.up('Note("a", text="1")')) == {"a": "same"}
    assert finding.state()["a"]["id"] == path.stem


def test_a_broken_object_is_made_again(finding: Lab) -> None:
    finding.spec('Note("a", text="1")')
    assert killed(finding, "after write", 1)
    (path,) = finding.folder.glob("a-*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kind": "broken"}))
    assert operations(finding.up()) == {"a": "replace"}
    assert_whole(finding, ["a"])
    assert finding.state()["a"]["id"] != path.stem


def test_two_that_fit_are_told_and_neither_is_taken(finding: Lab) -> None:
    finding.spec('Note("a", text="1")')
    assert killed(finding, "after write", 1)
    (path,) = finding.folder.glob("a-*.json")
    twin = path.with_name("a-ffffff.json")
    twin.write_bytes(path.read_bytes())
    for run in (finding.up, finding.destroy):
        with pytest.raises(KrajError) as caught:
            run()
        assert caught.value.code.code == "KRJ325"
        assert sorted(caught.value.details["ids"]) == sorted([path.stem, twin.stem])
    twin.unlink()
    finding.up()
    assert_whole(finding, ["a"])


def test_a_deletion_that_was_killed_is_noticed_when_the_program_wants_it_again(
    finding: Lab,
) -> None:
    finding.up(FIRST)
    deployment = finding.engine.export_state(finding.spec())
    (note,) = [r for r in deployment["deployment"]["resources"] if r["urn"].endswith("::d")]
    deployment["deployment"]["pending_operations"] = [{"resource": note, "type": "deleting"}]
    finding.engine.import_state(finding.spec(), deployment)
    next(finding.folder.glob("d-*.json")).unlink()
    assert operations(finding.up())["d"] == "create"
    assert_whole(finding, ["a", "b", "c", "d"])
