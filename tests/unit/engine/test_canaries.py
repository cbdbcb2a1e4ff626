"""Plants secrets, lives through a stack's life, and searches everything that it leaves for them."""

from __future__ import annotations

import base64
import contextlib
import secrets
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kraj.errors import KrajError
from tests.canaries import found_in

from .conftest import Lab, make_engine

PROGRAM = """
config = pulumi.Config()
database = config.require_secret("database")
Note("server", text=Output.format("#cloud-config password={}", database), labels={"deep": database})
pulumi.export("user_data", database)
plain = pulumi.Config().get("database")  # what a careless program prints, logs and raises
print("connecting with", plain, flush=True)
pulumi.log.warn(f"the password {plain} is old")
"""
FAILING = PROGRAM + 'Note("broken", text=database, failOn="create")\n'


@contextlib.contextmanager
def watched_processes() -> Iterator[set[str]]:
    """The command lines of this process's children while something runs."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    seen.add(" ".join(child.cmdline()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def test_no_secret_is_in_anything_that_the_life_of_a_stack_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    passphrase, database = (f"canary-{secrets.token_hex(12)}" for _ in range(2))
    canaries = [passphrase, database]
    careless = PROGRAM + 'raise ValueError(f"cannot connect with {plain}")\n'
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    lab = Lab(tmp_path, make_engine(tmp_path, {"PULUMI_CONFIG_PASSPHRASE": passphrase}))
    secret = {"notes:database": database}
    said: list[object] = []
    with watched_processes() as commands:
        said.append(lab.preview(PROGRAM, secret_config=secret))
        said.append(lab.up(PROGRAM, secret_config=secret))
        said.append(lab.engine.refresh(lab.spec(), lab.events.append))
        with pytest.raises(KrajError) as failed:
            lab.up(FAILING, secret_config=secret)
        with pytest.raises(KrajError, match=r"cannot connect with \[secret\]") as raised:
            lab.preview(careless, secret_config=secret)
        said.append(lab.engine.outputs(lab.spec()))
        said.append(lab.engine.export_state(lab.spec()))
        said.append(lab.engine.history(lab.spec()))
        assert database.encode() in b"".join(p.read_bytes() for p in lab.folder.glob("*.json"))
        said.append(lab.destroy())
    said += [
        "".join(traceback.format_exception(failed.value)),
        failed.value.details,
        "".join(traceback.format_exception(raised.value)),
        *capfd.readouterr(),
    ]
    said += [event.as_dict() for event in lab.events]
    assert "connecting with [secret]" in repr(said)
    assert "the password [secret] is old" in repr(said)
    assert commands
    assert found_in(repr([said, commands]).encode(), canaries) == []
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    left = [path for path in left if lab.folder not in path.parents]  # the cloud has to know them
    assert any("backups" in path.parts for path in left)
    assert {
        str(path): hits for path in left if (hits := found_in(path.read_bytes(), canaries))
    } == {}


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_the_search_finds_what_is_encoded(before: str) -> None:
    canary = "canary-0123456789"
    text = f"{before}{canary} and more".encode()
    for encoded in (text, text.hex().encode(), base64.b64encode(text)):
        assert found_in(encoded, [canary]) == [canary]
