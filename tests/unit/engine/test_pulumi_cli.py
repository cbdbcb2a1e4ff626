"""Finding the `pulumi` command, and running it. The commands here are small shell scripts."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pulumi.automation import CommandError

from kraj.engine import pulumi_command
from kraj.engine.pulumi import PulumiEngine
from kraj.engine.pulumi_cli import CliInfo, find_cli, read_cli
from kraj.engine.pulumi_command import Command
from kraj.errors import KrajError
from kraj.secrecy import keep_secret


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def command(folder: Path, body: str, passphrase: str | None = None, **environment: str) -> Command:
    cli = CliInfo(script(folder / "bin" / "pulumi", body), "3.250.0")
    return Command(cli, {"PATH": os.environ["PATH"], **environment}, passphrase)


def test_the_command_on_path_comes_before_the_one_in_pulumis_own_folder(tmp_path: Path) -> None:
    own = script(tmp_path / "home" / "bin" / "pulumi", "echo v3.251.0")
    environ = {"PATH": str(tmp_path / "bin"), "PULUMI_HOME": str(tmp_path / "home")}
    assert find_cli(environ) == CliInfo(own, "3.251.0")
    first = script(tmp_path / "bin" / "pulumi", "echo v3.250.0")
    assert find_cli(environ) == CliInfo(first, "3.250.0")


def test_no_command_is_no_error(tmp_path: Path) -> None:
    assert find_cli({"PATH": str(tmp_path), "PULUMI_HOME": str(tmp_path)}) is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("echo broken >&2; exit 3", "fails with exit code 3"),
        ("echo Segmentation", "prints no version: 'Segmentation'"),
    ],
)
def test_a_command_that_does_not_work_is_named(tmp_path: Path, body: str, words: str) -> None:
    path = script(tmp_path / "pulumi", body)
    with pytest.raises(KrajError) as caught:
        read_cli(path)
    assert caught.value.code.code == "KRJ350"
    assert str(path) in caught.value.message
    assert words in caught.value.message


def test_a_command_that_is_too_old_is_refused_with_both_versions(tmp_path: Path) -> None:
    script(tmp_path / "pulumi", "echo v3.100.0")
    with pytest.raises(KrajError) as caught:
        PulumiEngine(tmp_path, environ={"PATH": str(tmp_path)})
    assert caught.value.code.code == "KRJ350"
    assert "3.100.0" in caught.value.message
    assert "3.206.0" in caught.value.message


def test_without_a_command_there_is_no_engine(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "PULUMI_HOME": str(tmp_path)}
    with pytest.raises(KrajError) as caught:
        PulumiEngine(tmp_path, environ=environ)
    assert caught.value.code.code == "KRJ312"


def test_the_process_has_only_the_environment_that_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_PASSWORD", "admin")
    runner = command(tmp_path, 'env; echo "$@"', GIVEN="yes")
    result = runner.run(["stack", "ls"], str(tmp_path), {"MORE": "too"})
    lines = result.stdout.splitlines()
    assert {"GIVEN=yes", "MORE=too", "PULUMI_AUTOMATION_API=true"} <= set(lines)
    assert not any(line.startswith("OS_") for line in lines)
    assert lines[-1] == "--non-interactive stack ls"


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="only Linux has files without a place")
def test_the_passphrase_is_in_a_file_without_a_place_that_can_be_read_again(tmp_path: Path) -> None:
    body = 'cat "$PULUMI_CONFIG_PASSPHRASE_FILE" "$PULUMI_CONFIG_PASSPHRASE_FILE"; env; echo "$@"'
    runner = command(tmp_path, body, passphrase="correct horse")
    said = runner.run([], str(tmp_path), {}).stdout
    assert said.startswith("correct horsecorrect horse")
    assert said.count("correct horse") == 2
    assert "PULUMI_CONFIG_PASSPHRASE=" not in said


@pytest.mark.parametrize("passphrase", ["", " with space around "])
def test_a_passphrase_that_a_file_cannot_hold_is_a_variable(
    tmp_path: Path, passphrase: str
) -> None:
    runner = command(tmp_path, 'echo "<$PULUMI_CONFIG_PASSPHRASE>"', passphrase=passphrase)
    assert runner.run([], str(tmp_path), {}).stdout == f"<{passphrase}>"


def test_an_error_of_the_command_says_no_secret(tmp_path: Path) -> None:
    keep_secret("hush hush")
    runner = command(tmp_path, "echo got hush hush; echo no hush hush >&2; exit 1")
    with pytest.raises(CommandError) as caught:
        runner.run([], str(tmp_path), {})
    assert runner.last_words == "no [secret]"
    assert "hush" not in str(caught.value)


def test_programs_beside_the_command_are_found_first(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "ls", "echo ours")
    assert command(tmp_path, "ls").run([], str(tmp_path), {}).stdout == "ours"


def test_a_failure_keeps_the_commands_last_words(tmp_path: Path) -> None:
    runner = command(tmp_path, "echo progress; echo 'error: no' >&2; exit 255")
    with pytest.raises(CommandError):
        runner.run([], str(tmp_path), {})
    assert runner.last_words == "error: no"
    assert not runner.interrupted


def test_ctrl_c_is_passed_on_and_the_end_is_awaited(tmp_path: Path) -> None:
    """The process is in a session of its own, so only kraj gets the terminal's Ctrl-C."""
    body = "trap 'echo tidied up; exit 130' INT; echo ready; while :; do sleep 0.05; done"
    runner = command(tmp_path, body)
    output: list[str] = []

    def interrupt_this_process() -> None:
        while "ready" not in output:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt_this_process).start()
    with pytest.raises(CommandError):
        runner.run([], str(tmp_path), {}, on_output=output.append)
    assert output == ["ready", "tidied up"]
    assert runner.interrupted


def test_ctrl_c_before_all_output_is_read_is_passed_on_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = command(tmp_path, "trap 'exit 130' INT; while :; do sleep 0.05; done")
    start = pulumi_command._Reader.__init__
    interruptions = iter([KeyboardInterrupt])

    def interrupted_once(self: Any, stream: Any, callback: Any) -> None:
        for interruption in interruptions:
            raise interruption
        start(self, stream, callback)

    monkeypatch.setattr(pulumi_command._Reader, "__init__", interrupted_once)
    with pytest.raises(CommandError):
        runner.run([], str(tmp_path), {})
    assert runner.interrupted


def test_the_third_interruption_kills(tmp_path: Path) -> None:
    runner = command(tmp_path, "trap '' INT; echo ready; while :; do sleep 0.05; done")
    ready = threading.Event()

    def interrupt() -> None:
        ready.wait(20)
        for _ in range(3):
            runner.interrupt()

    threading.Thread(target=interrupt).start()
    with pytest.raises(CommandError):
        runner.run([], str(tmp_path), {}, on_output=lambda _line: ready.set())
    assert runner.interrupted


def test_what_tidies_up_after_an_interruption_is_not_interrupted(tmp_path: Path) -> None:
    runner = command(tmp_path, "sleep 0.1; echo done")
    runner.interrupt()
    with pytest.raises(CommandError):
        runner.run([], str(tmp_path), {})
    runner.resume()
    assert runner.run([], str(tmp_path), {}).stdout == "done"
    assert runner.interrupted
