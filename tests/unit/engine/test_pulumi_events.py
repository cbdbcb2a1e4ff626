"""The recorder of Pulumi's events, fed with what the real engine sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi.automation import EngineEvent

from kraj.engine.base import Operation, PropertyChange
from kraj.engine.pulumi_events import Recorder
from kraj.events import Event, EventKind

PREFIX = "urn:pulumi:test.one::notes::"
NETWORK = "openstack:networking/network:Network"
SUBNET = "openstack:networking/subnet:Subnet"
STACK = "pulumi:pulumi:Stack"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


class Stream:
    """Sends events to a recorder as the engine does, and keeps what it reports."""

    def __init__(self, action: str = "up") -> None:
        self.reported: list[Event] = []
        self.recorder = Recorder(action, "tenant:one", self.reported.append)

    def send(self, kind: str, body: dict[str, Any]) -> None:
        text = json.dumps({"sequence": 1, "timestamp": 1795417484, kind: body})
        self.recorder(EngineEvent.from_json(json.loads(text)))

    def step(self, event: str, op: str, type_: str, name: str, **more: Any) -> None:
        urn = f"{PREFIX}{type_}::{name}"
        state = {"type": type_, "urn": urn, "id": "", "parent": "", "provider": ""}
        metadata: dict[str, Any] = {"op": op, "urn": urn, "type": type_, "provider": ""}
        metadata["old" if op == "delete" else "new"] = {**state, **more.pop("state", {})}
        self.send(event, {"metadata": {**metadata, **more}})

    def pre(self, op: str, type_: str, name: str, **more: Any) -> None:
        self.step("resourcePreEvent", op, type_, name, **more)

    def end(self, op: str, type_: str, name: str, **more: Any) -> None:
        self.step("resOutputsEvent", op, type_, name, **more)

    def say(self, severity: str, message: str, **more: Any) -> None:
        self.send(
            "diagnosticEvent", {"message": message, "severity": severity, "color": "", **more}
        )

    def finish(self) -> None:
        self.send(
            "summaryEvent",
            {
                "maybeCorrupt": False,
                "durationSeconds": 1,
                "resourceChanges": {},
                "PolicyPacks": {},
            },
        )

    def told(self) -> list[tuple[str, str, str]]:
        return [
            (event.kind.value, event.operation, event.resource.rsplit("::", 1)[-1])
            for event in self.reported
        ]


def test_a_created_resource_is_one_step_with_its_id() -> None:
    stream = Stream()
    stream.pre("create", NETWORK, "net")
    stream.end("create", NETWORK, "net", state={"id": "17167dc6", "protect": True})
    (step,) = stream.recorder.steps
    assert (step.operation, step.name, step.id, step.protected) == (
        Operation.CREATE,
        "net",
        "17167dc6",
        True,
    )
    assert stream.told() == [("started", "create", "net"), ("done", "create", "net")]
    assert stream.reported[-1].completed == 1


def test_an_update_tells_values_and_hides_secrets() -> None:
    secret = {**SECRET, "value": "hidden"}
    stream = Stream()
    more = {
        "detailedDiff": {"name": {"diffKind": "update"}, "password": {"diffKind": "update"}},
        "old": {"type": NETWORK, "outputs": {"name": "one", "password": secret}},
        "state": {"inputs": {"name": "two", "password": secret}},
    }
    stream.pre("update", NETWORK, "net", **more)
    (step,) = stream.recorder.steps
    assert step.changes == (
        PropertyChange("name", "one", "two"),
        PropertyChange("password", "[secret]", "[secret]"),
    )


def test_a_replacement_is_one_step_that_names_what_forces_it() -> None:
    stream = Stream()
    diff = {"cidr": {"diffKind": "update-replace"}, "name": {"diffKind": "update"}}
    for op in ("delete-replaced", "replace", "create-replacement"):
        more = {} if op == "delete-replaced" else {"detailedDiff": diff, "keys": ["cidr"]}
        stream.pre(op, SUBNET, "sub", **more)
        stream.end(op, SUBNET, "sub", **more)
    (step,) = stream.recorder.steps
    assert step.operation is Operation.REPLACE
    assert list(step.changed) == ["cidr", "name"]
    assert list(step.replaced_by) == ["cidr"]
    assert stream.told() == [
        ("started", "delete", "sub"),
        ("done", "delete", "sub"),
        ("started", "replace", "sub"),
        ("done", "replace", "sub"),
    ]


def test_a_replacement_without_a_detailed_difference_names_its_keys() -> None:
    stream = Stream("preview")
    stream.pre("create-replacement", SUBNET, "sub", keys=["networkId"], detailedDiff=None)
    assert list(stream.recorder.steps[0].replaced_by) == ["networkId"]


def test_an_unchanged_resource_is_told_of_once() -> None:
    stream = Stream()
    stream.pre("same", NETWORK, "net")
    stream.end("same", NETWORK, "net")
    assert stream.told() == [("done", "same", "net")]


def test_default_providers_are_not_told_of_but_explicit_ones_are() -> None:
    stream = Stream()
    stream.pre("create", "pulumi:providers:openstack", "default_5_5_3")
    stream.end("create", "pulumi:providers:openstack", "default_5_5_3")
    stream.pre("create", "pulumi:providers:openstack", "tenant")
    stream.end("create", "pulumi:providers:openstack", "tenant")
    assert [step.name for step in stream.recorder.steps] == ["tenant"]


def test_a_refresh_counts_by_what_it_found_and_leaves_components_out() -> None:
    stream = Stream("refresh")
    old = {"type": STACK, "urn": f"{PREFIX}{STACK}::notes-test.one", "id": "", "custom": False}
    stream.pre("refresh", STACK, "notes-test.one", old=old)
    stream.end("same", STACK, "notes-test.one", old=old)
    stream.pre("refresh", NETWORK, "net", old={"custom": True, "id": "17167dc6"})
    stream.end("update", NETWORK, "net", diffs=["description"])
    (step,) = stream.recorder.steps
    assert (step.name, step.operation, list(step.changed)) == (
        "net",
        Operation.UPDATE,
        ["description"],
    )


def test_a_refresh_before_an_update_is_no_step_of_the_update() -> None:
    stream = Stream("up")
    stream.pre("refresh", NETWORK, "net", old={"custom": True, "id": "17167dc6"})
    stream.end("refresh", NETWORK, "net")
    stream.pre("same", NETWORK, "net")
    stream.end("same", NETWORK, "net")
    assert [step.operation for step in stream.recorder.steps] == [Operation.SAME]


def test_a_component_without_outputs_is_done_at_the_end() -> None:
    stream = Stream()
    stream.pre("create", "kraj:index:Network", "dmz")
    assert stream.told() == [("started", "create", "dmz")]
    stream.finish()
    assert stream.told()[-1] == ("done", "create", "dmz")


def test_a_failed_step_is_reported_with_the_providers_words() -> None:
    stream = Stream()
    urn = f"{PREFIX}{SUBNET}::bad"
    stream.pre("create", SUBNET, "bad")
    stream.say(
        "error",
        "  sdk-v2/provider2.go:571: sdk.helper_schema: Error creating subnet: 400 Bad Request: "
        "provider=openstack@5.5.3\n",
        urn=urn,
    )
    stream.say(
        "error",
        f"1 error occurred:\n\t* creating {urn}: 1 error occurred:\n"
        "\t* Error creating subnet: 400 Bad Request\n\n",
        urn=urn,
    )
    stream.step("resOpFailedEvent", "create", SUBNET, "bad", status=0, steps=1)
    assert [step.name for step in stream.recorder.failed] == ["bad"]
    assert stream.reported[-1].kind is EventKind.FAILED
    assert stream.reported[-1].message == "Error creating subnet: 400 Bad Request"
    assert {error.message for error in stream.recorder.errors} == {
        "Error creating subnet: 400 Bad Request"
    }


@pytest.mark.parametrize(
    ("severity", "kept"),
    [("warning", ["warning: careful"]), ("info", ["careful"]), ("debug", []), ("error", [])],
)
def test_remarks_are_what_people_are_to_read(severity: str, kept: list[str]) -> None:
    stream = Stream()
    stream.say(severity, "careful\n")
    assert stream.recorder.remarks == kept


def test_the_traceback_of_a_program_that_is_stopped_after_an_error_is_left_out() -> None:
    stream = Stream()
    stream.say("error", "update failed")
    stream.say("info#err", "KeyboardInterrupt\n")
    assert stream.recorder.remarks == []


def test_outputs_come_without_their_secrets() -> None:
    stream = Stream()
    outputs = {
        "id": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "password": {**SECRET, "ciphertext": "[secret]"},
        "document": {"list": [1, {**SECRET, "ciphertext": "[secret]"}]},
    }
    stream.end("same", STACK, "notes-test.one", state={"outputs": outputs})
    assert stream.recorder.outputs == {
        "id": "[unknown]",
        "password": "[secret]",
        "document": {"list": [1, "[secret]"]},
    }


def test_an_error_that_a_program_logs_without_failing_becomes_a_remark() -> None:
    stream = Stream()
    stream.say("error", "not like this")
    stream.finish()
    stream.recorder.tell_errors()
    assert stream.recorder.remarks == ["error: not like this"]


def test_a_preview_that_fails_says_at_which_resource() -> None:
    stream = Stream("preview")
    stream.pre("read", NETWORK, "net")
    stream.pre("create", STACK, "notes-test.one")
    stream.say("error", "it does not exist", urn=f"{PREFIX}{NETWORK}::net")
    stream.finish()
    assert stream.told()[2:] == [
        ("failed", "read", "net"),
        ("done", "create", "notes-test.one"),
    ]
