"""The local engine on every kind of place: killed, fenced off, cut off, locked out."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kraj.engine.local.lock import stack_lock
from kraj.engine.local.store import StateStore
from kraj.errors import KrajError
from kraj.events import Event
from tests.backends.conftest import Place
from tests.backends.servers import Wire
from tests.unit.engine.conftest import PASSPHRASE, Lab, make_engine, operations

CHAIN = 'a = Note("a")\nb = Note("b", text=a.path{})\nNote("c", text=b.path)'
TAKERS = 6
#: Lives over a bad connection: some always, all with KRAJ_ALL_STEPS.
SEEDS = 20 if os.environ.get("KRAJ_ALL_STEPS") else 2

#: Applies the stack in a process that may die.
RUNNER = """
import sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from file_provider import FileProvider
from kraj.engine.base import StackSpec
from kraj.engine.local.buckets.places import open_bucket
from kraj.engine.local.engine import LocalEngine
root = Path({root!r})
engine = LocalEngine(root / "state", providers={{"file": FileProvider}},
                     environ={{"PULUMI_CONFIG_PASSPHRASE": {passphrase!r}}},
                     bucket=open_bucket({url!r}))
spec = StackSpec("notes", "test.one", "tenant:one", root / "program",
                 config={{"file:folder": str(root / "cloud")}})
engine.up(spec, lambda event: None)
"""


@pytest.fixture
def placed(place: Place, tmp_path: Path) -> Lab:
    """The stack with its states in every kind of place in turn."""
    return Lab(tmp_path, make_engine(tmp_path, bucket=place.open()))


def store_of(lab: Lab, place: Place) -> StateStore:
    """The stack's blobs, as another machine sees them."""
    return StateStore(place.open(), "notes", "test.one", lab.root / "elsewhere")


def after(lab: Lab, name: str, work: Callable[[], None]) -> Callable[[Event], None]:
    """A reporter that does something once, when a note is there."""
    done: list[Event] = []

    def report(event: Event) -> None:
        if not done and name in lab.notes():
            done.append(event)
            work()

    return report


def test_a_killed_run_is_finished_by_the_next_one(placed: Lab, place: Place) -> None:
    placed.spec(CHAIN.format(', dieOn="create"'))
    code = RUNNER.format(
        folder=str(Path(__file__).parents[1] / "unit/engine"),
        root=str(placed.root),
        url=place.url,
        passphrase=PASSPHRASE,
    )
    died = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    deployment = placed.engine.export_state(placed.spec())["deployment"]
    assert [item["type"] for item in deployment["pending_operations"]] == ["creating"]
    result = placed.up(CHAIN.format(""))
    assert operations(result) == {"a": "same", "b": "create", "c": "create"}
    assert any(note.startswith("took over the lock of") for note in result.diagnostics)
    assert operations(placed.up()) == {"a": "same", "b": "same", "c": "same"}
    assert store_of(placed, place).bucket.list(".pulumi/locks/") == []
    assert [entry.result for entry in placed.engine.history(placed.spec())] == ["succeeded"] * 2
    placed.destroy()
    placed.engine.remove(placed.spec())
    assert not placed.engine.exists(placed.spec())
    # Backups stay, so that what was removed by mistake can be had back.
    left = {key.split("/")[1] for key in store_of(placed, place).bucket.list(".pulumi/")}
    assert left <= {"meta.yaml", "backups", "kraj"}


def test_a_run_never_overwrites_what_somebody_else_has_written(placed: Lab, place: Place) -> None:
    placed.up('Note("a")')
    other = store_of(placed, place)

    def intrude() -> None:
        deployment = other.load()
        assert deployment is not None
        other.save({**deployment, "metadata": {"by": "somebody else"}})

    with pytest.raises(KrajError, match="somebody else") as caught:
        placed.engine.up(placed.spec(CHAIN.format("")), after(placed, "b", intrude))
    assert caught.value.code.code == "KRJ318"
    found = other.load()
    assert found is not None
    assert found["metadata"] == {"by": "somebody else"}
    # What the run had made is in the file that the error names, and that file can be imported.
    rescued = Path(caught.value.details["rescued"])
    assert str(rescued) in caught.value.message
    assert rescued.stat().st_mode & 0o077 == 0
    kept = json.loads(rescued.read_text())
    names = {item["urn"].rpartition("::")[2] for item in kept["deployment"]["resources"]}
    assert names >= set(placed.notes()) >= {"a", "b"}
    placed.engine.import_state(placed.spec(), kept)
    assert operations(placed.up())["b"] == "same"
    assert set(placed.notes()) == {"a", "b", "c"}


def test_a_place_that_goes_away_in_a_run_loses_nothing(remote_place: Place, tmp_path: Path) -> None:
    lab = Lab(tmp_path, make_engine(tmp_path, bucket=remote_place.open()))
    lab.up('Note("a")')
    wire = remote_place.wire
    assert wire is not None
    with pytest.raises(KrajError) as caught:
        lab.engine.up(lab.spec(CHAIN.format("")), after(lab, "b", wire.cut))
    assert caught.value.code.code == "KRJ319"
    assert "c" not in lab.notes()
    wire.mend()
    kept = json.loads(Path(caught.value.details["rescued"]).read_text())
    with pytest.raises(KrajError, match="is being worked on by"):
        lab.up()  # the lock could not be removed
    lab.engine.cancel(lab.spec())
    lab.engine.import_state(lab.spec(), kept)
    assert operations(lab.up()) == {"a": "same", "b": "same", "c": "create"}
    assert len(lab.notes()) == 3


def test_of_takers_of_one_lock_exactly_one_gets_it(place: Place, tmp_path: Path) -> None:
    stores = [StateStore(place.open(), "notes", "test.one", tmp_path) for _ in range(TAKERS)]
    dead = {"pid": 1, "username": "x", "hostname": socket.gethostname(), "timestamp": "1970-01-01"}
    start, tried = threading.Barrier(TAKERS, timeout=60), threading.Barrier(TAKERS, timeout=60)

    def take(number: int) -> str:
        start.wait()
        try:
            with stack_lock(stores[number], lambda _message: None):
                tried.wait()
        except KrajError as error:
            tried.wait()
            return error.code.code
        return "taken"

    with ThreadPoolExecutor(TAKERS) as pool:
        for holder in (None, {**dead, "pid": _ended_process()}):
            if holder:
                key = f"{stores[0].locks}kraj.json"
                stores[0].bucket.write(key, json.dumps(holder).encode())
            got = sorted(pool.map(take, range(TAKERS)))
            assert got == ["KRJ306"] * (TAKERS - 1) + ["taken"]
            assert stores[0].bucket.list(stores[0].locks) == []


def _ended_process() -> int:
    """The number of a process that is no more."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_lock_is_respected_wherever_its_holder_is(placed: Lab, place: Place) -> None:
    placed.up('Note("a")')
    other = store_of(placed, place)
    lock = {
        "pid": 1,
        "username": "jana",
        "hostname": "elsewhere",
        "timestamp": "2026-01-01T00:00:00Z",
    }
    other.bucket.write(f"{other.locks}one.json", json.dumps(lock).encode())
    with pytest.raises(KrajError, match="jana@elsewhere") as caught:
        placed.up()
    assert caught.value.code.code == "KRJ306"
    assert "hours ago" in caught.value.message
    assert "can be seen on elsewhere only" in caught.value.hint
    placed.engine.cancel(placed.spec())
    assert operations(placed.up()) == {"a": "same"}
    refused: list[KrajError] = []

    def second() -> None:
        engine = make_engine(placed.root, bucket=place.open())
        with pytest.raises(KrajError, match="is being worked on by") as found:
            engine.up(placed.spec(), lambda _event: None)
        refused.append(found.value)

    placed.engine.up(placed.spec(CHAIN.format("")), after(placed, "b", second))
    assert [error.code.code for error in refused] == ["KRJ306"]


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_life_over_a_connection_that_breaks_again_and_again(
    remote_place: Place, tmp_path: Path, seed: int
) -> None:
    lab = Lab(tmp_path, make_engine(tmp_path, bucket=remote_place.open()))
    assert remote_place.wire is not None
    with breaking(remote_place.wire, random.Random(seed)) as breaks:  # noqa: S311 - no secret
        persist(lab, lambda: lab.up(CHAIN.format("")))
        persist(lab, lambda: lab.up('a = Note("a", text="x")\nNote("d", text=a.path)'))
        assert set(lab.notes()) == {"a", "d"}
        persist(lab, lab.destroy)
    assert breaks
    assert lab.notes() == {}
    assert lab.state() == {}
    began = [line for line in lab.log() if line.startswith("create begins")]
    assert sorted(began) == [f"create begins {name}" for name in "abcd"]


@contextlib.contextmanager
def breaking(wire: Wire, chance: random.Random) -> Iterator[list[float]]:
    """End all connections every now and then."""
    ended = threading.Event()
    breaks: list[float] = []

    def work() -> None:
        while not ended.wait(chance.uniform(0.01, 0.3)):
            wire.drop()
            breaks.append(time.monotonic())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield breaks
    finally:
        ended.set()
        thread.join()


def persist(lab: Lab, work: Callable[[], object]) -> None:
    """Do what the documentation says after each failure, until it is done."""
    for _attempt in range(20):
        try:
            work()
        except KrajError as error:
            failure = error
        else:
            return
        assert failure.code.code in ("KRJ306", "KRJ308", "KRJ319"), failure
        again(lambda: lab.engine.cancel(lab.spec()))
        if rescued := failure.details.get("rescued"):
            again(lambda path=Path(rescued): take_over(lab, path))
    pytest.fail("never done")


def take_over(lab: Lab, rescued: Path) -> None:
    """Import what a run has kept, unless it could be written after all."""
    if rescued.exists():
        lab.engine.import_state(lab.spec(), json.loads(rescued.read_text()))


def again(step: Callable[[], object]) -> None:
    """As a person would: once more, until the place answers."""
    for _attempt in range(20):
        with contextlib.suppress(KrajError):
            step()
            return
    pytest.fail("the place never answered")
