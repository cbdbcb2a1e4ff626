"""What becomes of ansible-runner's events: results, our events, errors with place and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kraj.configure.errors import HOST_KEY_CHANGED, HOST_KEY_UNKNOWN, TASK_FAILED, UNREACHABLE
from kraj.configure.following import Follower
from kraj.configure.results import Host, HostStatus, Outcome
from kraj.errors import KrajError
from kraj.events import Event
from kraj.secrecy import keep_secret

HOSTS = {name: Host(name, "tenant:bela", "records", ("records",), True) for name in ("one", "two")}
CHANGED = (
    "@@@@@@@@@@@@@\r\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\n@@@@@@@@@@@@@\r\n"
    "Host key for two has changed and you have requested strict checking.\r\n"
    "Host key verification failed."
)
UNKNOWN = (
    "No ED25519 host key is known for lib-centre-bastion-1 and you have requested strict "
    "checking.\r\nHost key verification failed."
)


def ended(kind: str, host: str = "one", **more: Any) -> dict[str, Any]:
    """An event with which a task ends on a host, as ansible-runner tells it."""
    data = {
        "host": host,
        "task": "Write the configuration",
        "role": "records",
        "task_path": "/srv/roles/records/tasks/configure.yml:12",
        "task_uuid": "u1",
        "task_action": "copy",
        "resolved_action": "ansible.builtin.copy",
        "start": "2026-11-30T10:00:00.000000+00:00",
        "end": "2026-11-30T10:00:02.500000+00:00",
        "duration": 2.5,
        "res": {},
    }
    return {"event": kind, "event_data": data | more}


def stats(**counts: dict[str, int]) -> dict[str, Any]:
    return {"event": "playbook_on_stats", "event_data": counts}


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def follower(told: list[Event]) -> Follower:
    return Follower(HOSTS, told.append, Path("/state/known_hosts"))


def error_of(follower: Follower, name: str) -> KrajError:
    error = next(one.error for one in follower.results() if one.host.name == name)
    assert error is not None
    return error


def test_each_task_on_each_server_is_told_with_what_became_of_it(
    follower: Follower, told: list[Event]
) -> None:
    follower.take({"event": "runner_on_start", "event_data": {"host": "one", "task": "Look"}})
    follower.take(ended("runner_on_ok", res={"changed": True}))
    follower.take(ended("runner_on_ok", "two"))
    follower.take(ended("runner_on_skipped", "two", task="Only elsewhere"))
    assert [(one.kind.value, one.subject, one.operation) for one in told] == [
        ("started", "one", ""),
        ("done", "one", "changed"),
        ("done", "two", "ok"),
        ("done", "two", "skipped"),
    ]
    assert told[1].resource == "records : Write the configuration"
    assert told[1].resource_type == "ansible.builtin.copy"
    assert told[1].details == {"place": "/srv/roles/records/tasks/configure.yml:12:1"}
    assert told[1].seconds == 2.5


def test_ansible_counts_and_the_result_says_which_server_is_how(follower: Follower) -> None:
    follower.take(ended("runner_on_ok", res={"changed": True}))
    follower.take(ended("runner_on_ok", "two"))
    follower.take(stats(ok={"one": 1, "two": 1}, changed={"one": 1}))
    one, two = follower.results()
    assert (one.status, one.counts["changed"]) == (HostStatus.CHANGED, 1)
    assert (two.status, two.counts["changed"]) == (HostStatus.OK, 0)
    assert [task.task.name for task in one.changes] == ["Write the configuration"]


def test_a_server_that_ansible_never_came_to_is_not_called_right(follower: Follower) -> None:
    """All bastions lost: Ansible ends with their play, and what lies behind was not touched."""
    follower.take(ended("runner_on_unreachable", res={"msg": "Connection timed out"}))
    follower.take(stats(dark={"one": 1}))
    one, two = follower.results()
    assert (one.status, two.status) == (HostStatus.UNREACHABLE, HostStatus.NOT_RUN)
    assert two.error is None


def test_a_failed_task_is_named_with_server_place_reason_and_output(follower: Follower) -> None:
    answer = {"msg": "non-zero return code", "stderr": "first\nno such table"}
    follower.take(ended("runner_on_failed", res=answer))
    follower.take(stats(failures={"one": 1}))
    error = error_of(follower, "one")
    assert error.code is TASK_FAILED
    assert error.message == "one: records : Write the configuration: non-zero return code"
    assert str(error.location) == "/srv/roles/records/tasks/configure.yml:12:1"
    assert error.causes == ("first", "no such table")


def test_of_a_loop_the_failed_item_is_named(follower: Follower) -> None:
    items = [
        {"item": "a", "msg": "fine"},
        {"item": "b", "failed": True, "msg": "no", "_ansible_item_label": "b"},
    ]
    answer = {"msg": "One or more items failed", "results": items}
    follower.take(ended("runner_on_failed", res=answer))
    follower.take(stats(failures={"one": 1}))
    assert error_of(follower, "one").message.endswith("item b: no")


def test_a_failure_that_the_role_ignores_or_rescues_is_none(follower: Follower) -> None:
    follower.take(ended("runner_on_failed", ignore_errors=True, res={"msg": "well"}))
    follower.take(ended("runner_on_failed", "two", res={"msg": "well"}))
    follower.take(stats(ok={"one": 1, "two": 1}, ignored={"one": 1}, rescued={"two": 1}))
    one, two = follower.results()
    assert (one.status, one.error, one.tasks[0].outcome) == (HostStatus.OK, None, Outcome.IGNORED)
    assert (two.status, two.error) == (HostStatus.OK, None)


def test_what_a_task_with_secrets_says_is_not_shown(follower: Follower) -> None:
    answer = {"censored": "the output has been hidden …", "changed": False}
    follower.take(ended("runner_on_failed", res=answer))
    follower.take(stats(failures={"one": 1}))
    assert "no_log" in error_of(follower, "one").message


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (
            "ssh: connect to host 10.64.0.9 port 22: No route to host",
            UNREACHABLE,
            "two: ssh: connect to host 10.64.0.9 port 22: No route to host",
        ),
        (
            "channel 0: open failed: connect failed: No route to host\r\n"
            "stdio forwarding failed\r\nConnection closed by UNKNOWN port 65535",
            UNREACHABLE,
            "two: channel 0: open failed: connect failed: No route to host",
        ),
        (CHANGED, HOST_KEY_CHANGED, "server two shows another host key"),
        (UNKNOWN, HOST_KEY_UNKNOWN, "two: no host key of lib-centre-bastion-1"),
    ],
)
def test_a_server_that_ssh_does_not_reach_is_told_in_its_words(
    follower: Follower, told: list[Event], words: str, code: object, message: str
) -> None:
    answer = {"msg": f"Task failed: Failed to connect to the host via ssh: {words}"}
    follower.take(ended("runner_on_unreachable", "two", res=answer | {"unreachable": True}))
    follower.take(stats(dark={"two": 1}))
    error = error_of(follower, "two")
    assert error.code is code
    assert error.message.startswith(message)
    assert follower.results()[1].status is HostStatus.UNREACHABLE
    assert told[0].kind.value == "failed"
    assert "Task failed" not in told[0].message


def test_the_slowest_tasks_come_first_from_their_first_start_to_their_last_end(
    follower: Follower,
) -> None:
    later = {"start": "2026-11-30T10:00:01+00:00", "end": "2026-11-30T10:00:06+00:00"}
    follower.take(ended("runner_on_ok", task="Quick", task_uuid="u2"))
    follower.take(ended("runner_on_ok", "one"))
    follower.take(ended("runner_on_ok", "two", **later))
    first, second = follower.slowest()
    assert (first.task.name, first.seconds, first.hosts) == ("Write the configuration", 6.0, 2)
    assert (second.task.name, second.seconds, second.hosts) == ("Quick", 2.5, 1)


def test_a_difference_is_kept_without_the_secrets_in_it(follower: Follower) -> None:
    keep_secret("correct-horse-battery")
    change = {"before": "a\nb\n", "after": "a\npassword correct-horse-battery\n"}
    follower.take(ended("runner_on_ok", res={"changed": True, "diff": [change]}))
    follower.take(stats(ok={"one": 1}, changed={"one": 1}))
    diff = follower.results()[0].changes[0].diff
    assert "-b\n+password [secret]" in diff


def test_without_its_count_ansible_has_not_come_to_its_end(follower: Follower) -> None:
    follower.take({"event": "verbose", "event_data": {}, "stdout": "[ERROR]: no role 'x'\n"})
    assert not follower.complete
    assert follower.last_words == ("[ERROR]: no role 'x'",)
