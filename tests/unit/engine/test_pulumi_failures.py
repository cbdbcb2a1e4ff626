"""What the real command line says when it fails, and the error that people see."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from kraj.engine.base import Operation, StackSpec, Step
from kraj.engine.pulumi_events import Diagnostic, Recorder
from kraj.engine.pulumi_failures import Failure, explain
from kraj.errors import KrajError

SPEC = StackSpec("notes", "test.one", "tenant:one", Path("/srv/region/stacks/tenant"))
URN = "urn:pulumi:test.one::notes::openstack:networking/subnet:Subnet::office"
STDLIB = sysconfig.get_paths()["stdlib"]


def failure(
    words: str = "",
    *errors: Diagnostic,
    failed: tuple[Step, ...] = (),
    remarks: tuple[str, ...] = (),
    interrupted: bool = False,
) -> KrajError:
    recorder = Recorder("up", SPEC.label, lambda _event: None)
    recorder.errors.extend(errors)
    recorder.failed.extend(failed)
    recorder.remarks.extend(remarks)
    return explain(Failure(SPEC, "up", words, interrupted, recorder))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (
            "error: getting stack configuration: get stack secrets manager: incorrect passphrase",
            310,
        ),
        ("error: 'test.one' still has resources; removal rejected.", 311),
        ("error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive sessions", 356),
        ("error: unable to open bucket file:///srv/x: stat /srv/x: no such file or directory", 356),
        ("error: something that nobody has seen yet", 355),
    ],
)
def test_words_of_the_command_have_a_code_and_stay_readable(words: str, code: int) -> None:
    error = failure(words)
    assert error.code.code == f"KRJ{code}"
    assert error.causes == [words.removeprefix("error: ")]
    assert "tenant:one" in error.message


def test_a_lock_names_its_holder() -> None:
    error = failure(
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) "
        "to end or delete the lock file with `pulumi cancel`.\n"
        "  file:///srv/state/.pulumi/locks/organization/notes/test.one/aa.json: created by "
        "eva@far (pid 17) at 2026-11-23T07:00:00Z"
    )
    assert error.code.code == "KRJ306"
    assert "eva@far (process 17, since 2026-11-23T07:00:00Z)" in error.message
    assert error.details["holder"]["username"] == "eva"


def test_a_missing_plugin_is_named_with_its_version() -> None:
    error = failure(
        "",
        Diagnostic(
            "no resource plugin 'pulumi-resource-openstack' found in the workspace at version "
            "v5.5.3 or on your $PATH",
            "urn:pulumi:test.one::notes::pulumi:providers:openstack::default_5_5_3",
        ),
    )
    assert error.code.code == "KRJ351"
    assert "openstack 5.5.3" in error.message
    assert "kraj engine install" in error.hint


def test_a_failed_resource_is_named_with_the_providers_words() -> None:
    step = Step(Operation.CREATE, URN, "openstack:networking/subnet:Subnet", "office")
    error = failure("", Diagnostic("400 Bad Request", URN), failed=(step,))
    assert error.code.code == "KRJ303"
    assert error.message == (
        "cannot create openstack:networking/subnet:Subnet 'office': 400 Bad Request"
    )
    assert error.details["urn"] == URN


def test_of_several_failed_resources_none_is_lost() -> None:
    error = failure("", Diagnostic("first", URN), Diagnostic("second", f"{URN}2"))
    assert "first" in error.message
    assert any("second" in cause for cause in error.causes)
    assert len(error.details["also"]) == 1


def test_inputs_that_the_check_refuses_are_no_failed_change() -> None:
    error = failure("", Diagnostic('mtu: parsing "abc": invalid syntax', URN))
    assert error.code.code == "KRJ304"
    assert "'office': mtu" in error.message


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (f"Duplicate resource URN '{URN}'; try giving it a unique name", "KRJ316"),
        (f'resource "{URN}" cannot be deleted; because it is protected.', "KRJ305"),
    ],
)
def test_the_engines_own_refusals_have_their_codes(message: str, code: str) -> None:
    error = failure("", Diagnostic(message, URN))
    assert error.code.code == code
    assert "Subnet 'office'" in error.message


def test_a_programs_exception_names_the_lines_of_the_program_only() -> None:
    error = failure(
        "",
        Diagnostic(
            "Program failed with an unhandled exception:\nTraceback (most recent call last):\n"
            f'  File "{STDLIB}/asyncio/base_events.py", line 653, in run_until_complete\n'
            "    return future.result()\n"
            '  File "/srv/region/stacks/tenant/__main__.py", line 3, in <module>\n'
            '    {}["key"]\n'
            "    ~~^^^^^^^\n"
            "KeyError: 'key'\n"
        ),
    )
    assert error.code.code == "KRJ302"
    assert error.message == "the program of tenant:one failed: KeyError: 'key'"
    assert error.causes == [
        'File "/srv/region/stacks/tenant/__main__.py", line 3, in <module>: {}["key"]'
    ]


def test_a_failed_look_up_says_what_was_looked_for_and_what_came_back() -> None:
    token = "openstack:networking/getNetwork:getNetwork"
    error = failure(
        "",
        Diagnostic(
            "Program failed with an unhandled exception:\nTraceback (most recent call last):\n"
            '  File "/venv/lib/python3.11/site-packages/pulumi/runtime/invoke.py", line 417\n'
            "    raise error\n"
            f"Exception: invoke of {token} failed: invocation of {token} returned an error: "
            f"invoking {token}: 1 error occurred:\n\t* Your query returned no results.\n"
        ),
    )
    assert error.message == (
        f"the program of tenant:one failed: {token}: Your query returned no results."
    )


def test_a_program_that_exits_by_itself_is_quoted() -> None:
    error = failure(
        "",
        Diagnostic("an unhandled error occurred: program exited with non-zero exit code: 1"),
        remarks=("no document",),
    )
    assert error.message.endswith("failed: program exited with non-zero exit code: 1")
    assert error.causes == ["no document"]


def test_ctrl_c_is_told_from_failures() -> None:
    error = failure("", Diagnostic("update failed"), interrupted=True)
    assert error.code.code == "KRJ307"
    assert error.details["interrupted"] is True
