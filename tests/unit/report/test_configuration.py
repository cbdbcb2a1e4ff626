"""What `kraj configure` prints and writes of its results."""

from __future__ import annotations

import io
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped
from rich.console import Console

from kraj.configure.errors import TASK_FAILED
from kraj.configure.results import (
    Configuration,
    Host,
    HostResult,
    HostStatus,
    Outcome,
    Task,
    TaskResult,
    TaskTime,
)
from kraj.errors import KrajError, Location
from kraj.report.configuration import print_configuration, write_junit
from kraj.report.documents.configuration import ConfigureDocument
from tests.documents import validate_document

NOTHING = dict.fromkeys(
    ("ok", "changed", "skipped", "failed", "ignored", "rescued", "unreachable"), 0
)
TASK = Task(
    "records", "Write it", "ansible.builtin.copy", Location("roles/records/tasks/main.yml", 7, 1)
)
ERROR = KrajError(TASK_FAILED, "two: records : Write it: full", TASK.place)
DONE = Configuration(
    "liberecky",
    False,
    (
        HostResult(
            Host("one", "tenant:bela", "records", ("base", "records"), True),
            HostStatus.CHANGED,
            NOTHING | {"ok": 3, "changed": 1, "skipped": 1},
            (
                TaskResult(TASK, Outcome.CHANGED, 1.5, diff="-a\n+b"),
                TaskResult(TASK, Outcome.SKIPPED),
                TaskResult(Task("", "Look", "ansible.builtin.stat"), Outcome.OK),
            ),
            1.5,
        ),
        HostResult(
            Host("two", "tenant:bela", "records", ("records",), True),
            HostStatus.FAILED,
            NOTHING | {"failed": 1},
            (TaskResult(TASK, Outcome.FAILED, 0.5, "full"),),
            0.5,
            ERROR,
        ),
        HostResult(
            Host("three", "centre", "database", ("base",), False),
            HostStatus.UNREACHABLE,
            NOTHING | {"unreachable": 1},
            (TaskResult(TASK, Outcome.UNREACHABLE, 10.0, "no route"),),
        ),
    ),
    (TaskTime(TASK, 10.25, 3),),
    12.5,
)


def printed(*, diff: bool = False) -> str:
    console = Console(file=io.StringIO(), width=80, no_color=True)
    print_configuration(DONE, console, diff=diff)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_each_server_has_a_line_with_its_counts() -> None:
    shown = rows(printed())
    assert ["~", "one", "3", "1", "·", "1", "1.5"] in shown
    assert ["✗", "two", "·", "·", "1", "·", "0.5"] in shown
    assert ["✗", "three", "unreachable", "·", "·", "·", "·", "0.0"] in shown


def test_a_service_without_a_role_and_the_slowest_tasks_are_named() -> None:
    assert "no role yet database (1 server)" in printed()
    assert ["10.2", "3", "records", ":", "Write", "it"] in rows(printed())


def test_differences_are_shown_where_they_were_asked_for() -> None:
    assert "+b" not in printed()
    assert "one records : Write it\n-a\n+b\n" in printed(diff=True)


def test_the_document_fits_its_schema_and_lists_what_changed_or_failed() -> None:
    document = validate_document(ConfigureDocument.of(DONE).as_dict())
    assert (document["changed"], document["failed"]) == (True, True)
    assert document["without_role"] == {"database": 1}
    one, two, _three = document["hosts"]
    assert [task["outcome"] for task in one["tasks"]] == ["changed"]
    assert (one["tasks"][0]["task"]["file"], one["tasks"][0]["task"]["line"]) == (
        "roles/records/tasks/main.yml",
        7,
    )
    assert two["error"]["code"] == "KRJ843"


def test_junit_has_a_suite_per_server_and_a_case_per_task(tmp_path: Path) -> None:
    write_junit(DONE, tmp_path / "junit.xml")
    suites = {suite.name: list(suite) for suite in JUnitXml.fromfile(str(tmp_path / "junit.xml"))}
    assert {name: len(cases) for name, cases in suites.items()} == {"one": 3, "two": 1, "three": 1}
    assert [type(case.result[0]) if case.result else None for case in suites["one"]] == [
        None,
        Skipped,
        None,
    ]
    failure = suites["two"][0].result[0]
    assert isinstance(failure, Failure)
    assert failure.message == "roles/records/tasks/main.yml:7:1: full"
    assert failure.type == "KRJ843"
    assert isinstance(suites["three"][0].result[0], Error)
