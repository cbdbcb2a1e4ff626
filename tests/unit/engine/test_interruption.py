"""Ctrl-C, a killed process and a second run: the state stays true and the next run finishes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.events import Event, ignore

from .conftest import PASSPHRASE, Lab, operations

SLOW = 'a = Note("a")\nb = Note("b", delaySeconds={0}, text=a.path)\nNote("c", text=b.path)'

RUNNER = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from file_provider import FileProvider
from kraj.engine.base import StackSpec
from kraj.engine.local.engine import LocalEngine
from kraj.errors import KrajError
root = Path({root!r})
engine = LocalEngine(root / "state", providers={{"file": FileProvider}},
                     environ={{"PULUMI_CONFIG_PASSPHRASE": {passphrase!r}}})
spec = StackSpec("notes", "test.one", "tenant:one", root / "program",
                 config={{"file:folder": str(root / "cloud")}})
try:
    engine.up(spec, lambda event: None)
except KrajError as error:
    print(error.as_dict()["code"], error.details.get("exit_code"), error.message)
    raise SystemExit(130)
"""


def start(lab: Lab) -> subprocess.Popen[str]:
    """The same `up` in a process of its own."""
    code = RUNNER.format(
        folder=str(Path(__file__).parent), root=str(lab.root), passphrase=PASSPHRASE
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(lab: Lab, line: str) -> None:
    deadline = time.monotonic() + 20
    while line not in lab.log():
        assert time.monotonic() < deadline, f"never happened: {line}; log: {lab.log()}"
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def test_ctrl_c_lets_the_running_step_end_and_the_next_up_finishes(lab: Lab) -> None:
    lab.spec(SLOW.format(1))
    process = start(lab)
    wait_for(lab, "create begins b")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert output.split()[:2] == ["KRJ307", "130"]
    assert set(lab.notes()) == {"a", "b"}
    assert {"a", "b"} <= set(lab.state())
    finished = lab.up()
    assert operations(finished) == {"a": "same", "b": "same", "c": "create"}


def test_a_second_ctrl_c_leaves_the_running_step_and_says_which(lab: Lab) -> None:
    lab.spec(SLOW.format(30))
    process = start(lab)
    wait_for(lab, "create begins b")
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "left to themselves: file:index:Note 'b'" in output
    deployment = lab.engine.export_state(lab.spec())["deployment"]
    assert [item["type"] for item in deployment["pending_operations"]] == ["creating"]
    result = lab.up(SLOW.format(0))
    assert operations(result) == {"a": "same", "b": "create", "c": "create"}
    assert any("did not see the end of its creation" in note for note in result.diagnostics)
    assert "pending_operations" not in lab.engine.export_state(lab.spec())["deployment"]


def test_stop_interrupts_runs_of_other_threads(lab: Lab) -> None:
    lab.spec(SLOW.format(1))
    errors: list[KrajError] = []

    def work() -> None:
        try:
            lab.up()
        except KrajError as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_for(lab, "create begins b")
    lab.engine.stop()
    thread.join(timeout=20)
    assert [error.code.code for error in errors] == ["KRJ307"]
    assert "c" not in lab.notes()


def test_a_killed_run_is_finished_by_the_next_one(lab: Lab) -> None:
    lab.spec(SLOW.format(30))
    process = start(lab)
    wait_for(lab, "create begins b")
    programs = children_of(process.pid)
    assert programs
    process.kill()
    process.communicate()
    assert set(lab.state()) >= {"a"}
    assert list((lab.root / "state/.pulumi/locks").rglob("*.json"))
    result = lab.up(SLOW.format(0))
    assert operations(result) == {"a": "same", "b": "create", "c": "create"}
    assert any(note.startswith("took over the lock of") for note in result.diagnostics)
    assert any("did not see the end of its creation" in note for note in result.diagnostics)
    # The program of the killed engine has ended by itself.
    deadline = time.monotonic() + 5
    while any(_runs(pid) for pid in programs):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_update_that_was_killed_is_read_again_before_it_is_decided_on(lab: Lab) -> None:
    lab.up('Note("a", text="x")')
    lab.spec('Note("a", text="y", dieOn="update")')
    process = start(lab)
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGKILL
    deployment = lab.engine.export_state(lab.spec())["deployment"]
    assert [item["type"] for item in deployment["pending_operations"]] == ["updating"]
    file = next(lab.folder.glob("a-*.json"))
    file.write_text(json.dumps({"text": "half"}))
    events: list[Event] = []
    lab.events = events
    assert operations(lab.up('Note("a", text="half")')) == {"a": "same"}
    assert "pending_operations" not in lab.engine.export_state(lab.spec())["deployment"]


def test_a_second_run_is_refused_and_told_who_works(lab: Lab) -> None:
    lab.spec(SLOW.format(2))
    process = start(lab)
    wait_for(lab, "create begins b")
    with pytest.raises(KrajError) as caught:
        lab.up()
    assert caught.value.code.code == "KRJ306"
    assert f"process {process.pid}" in caught.value.message
    assert caught.value.details["holder"]["pid"] == process.pid
    assert operations(lab.preview()) == {"a": "same", "b": "create", "c": "create"}
    process.communicate(timeout=20)
    assert operations(lab.up()) == {"a": "same", "b": "same", "c": "same"}


def test_a_lock_of_another_machine_is_respected_until_it_is_broken(lab: Lab) -> None:
    lab.up('Note("a")')
    folder = lab.root / "state/.pulumi/locks/organization/notes/test.one"
    lock = {"pid": 1, "username": "x", "hostname": "elsewhere", "timestamp": "2026-01-01T00:00:00Z"}
    (folder / "one.json").write_text(json.dumps(lock))
    with pytest.raises(KrajError, match="x@elsewhere"):
        lab.up()
    lab.engine.cancel(lab.spec())
    lab.up()


def test_stacks_are_applied_at_the_same_time_in_one_process(lab: Lab) -> None:
    lab.spec('Note(f"{pulumi.get_stack()}", delaySeconds=1)')
    results: dict[str, str] = {}

    def work(stack: str) -> None:
        spec = lab.spec(stack=stack, label=stack)
        results[stack] = operations(lab.engine.up(spec, ignore))[stack]

    threads = [threading.Thread(target=work, args=(f"s{i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == dict.fromkeys(["s0", "s1", "s2"], "create")
    assert set(lab.notes()) == {"s0", "s1", "s2"}
    assert os.getpid() not in {int(p.stem) for p in lab.folder.glob("[0-9]*.json")}
