"""Progress where the output is a file: whole lines, no control characters."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from kraj.events import Event, EventKind
from kraj.report.progress import ConsoleProgress

URN = "urn:pulumi:liberecky::kraj-centre::openstack:networking/network:Network::management"


def run(events: list[Event], events_file: Path | None = None) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=80, no_color=True)
    with ConsoleProgress(console, events_file) as view:
        for event in events:
            view.report(event)
    return stream.getvalue()


def test_a_log_gets_one_line_for_each_finished_resource() -> None:
    text = run(
        [
            Event(EventKind.STARTED, "up", "centre", "applying"),
            Event(EventKind.STARTED, "up", "centre", resource=URN, operation="create"),
            Event(
                EventKind.DONE,
                "up",
                "centre",
                resource=URN,
                resource_type="openstack:networking/network:Network",
                operation="create",
                seconds=0.42,
            ),
        ]
    )
    assert text.splitlines() == [
        "centre applying",
        "centre + create Network management (0.4 s)",
    ]
    assert "\x1b" not in text


def test_a_failure_is_marked() -> None:
    text = run([Event(EventKind.FAILED, "up", "tenant:liberec", "quota refused")])
    assert text == "tenant:liberec failed quota refused\n"


def test_the_events_file_holds_every_event_as_a_json_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    run([Event(EventKind.PROGRESS, "lab up", "lab"), Event(EventKind.DONE, "lab up", "lab")], path)
    kinds = [json.loads(line)["kind"] for line in path.read_text(encoding="utf-8").splitlines()]
    assert kinds == ["progress", "done"]
