"""What is made of a creation whose outcome is not known."""

from __future__ import annotations

import email.utils
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from kraj.errors import KrajError
from kraj.openstack.creating import Wanted, create
from kraj.openstack.errors import CLOUD_UNREACHABLE, CONFLICT, FAILING, REFUSED, UNSURE

BEGUN = 1_800_000_000.0  #: seconds, on the service's clock
BODY = {"name": "records", "description": "of Bělá", "admin_state_up": True}


@dataclass
class Service:
    """A service that makes an object each time, and whose first answers are lost."""

    lost: int = 1
    makes: bool = True  #: whether it makes the object although the answer is lost
    there: list[dict[str, Any]] = field(default_factory=list)
    unsure: bool = True
    changes: dict[str, Any] = field(default_factory=dict)  #: fields of what it makes
    calls: int = 0
    criteria: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    def send(self) -> dict[str, Any]:
        self.calls += 1
        lost = self.calls <= self.lost
        made = {**BODY, "id": f"made-{self.calls}", "created_at": at(self.seconds)}
        made = {**made, "project_id": "ours", **self.changes}
        if self.makes or not lost:
            self.there.append(made)
        if lost:
            code = CLOUD_UNREACHABLE if self.unsure else REFUSED
            raise KrajError(code, "create network", details={"unsure": self.unsure})
        return made

    def look(self, criteria: dict[str, Any]) -> Service:
        self.criteria.append(criteria)
        return self

    @property
    def headers(self) -> dict[str, str]:
        return {"Date": email.utils.formatdate(BEGUN + self.seconds, usegmt=True)}

    def json(self) -> dict[str, Any]:
        return {"networks_links": [{"rel": "next"}], "networks": self.there}

    def create(self, body: dict[str, Any] = BODY, keys: tuple[str, ...] = ("name",)) -> Any:
        wanted = Wanted(body, keys, lambda: "ours", "mark")
        return create(
            self.send, self.look, wanted, sleep=self.sleep, clock=lambda: 50.0 + self.seconds
        )

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def at(seconds: float) -> str:
    """A time as services tell it: whole seconds, without a zone."""
    return datetime.fromtimestamp(BEGUN + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_what_was_made_unheard_is_taken_and_not_made_twice() -> None:
    service = Service()
    assert service.create()["id"] == "made-1"
    assert service.calls == 1
    assert service.criteria == [{"name": "records"}]


def test_what_was_not_made_is_asked_for_again_until_it_is_there() -> None:
    service = Service(lost=4, makes=False)
    assert service.create()["id"] == "made-5"
    assert len(service.there) == 1


def test_a_failure_without_end_is_raised_after_a_minute() -> None:
    service = Service(lost=99, makes=False)
    with pytest.raises(KrajError, match="create network"):
        service.create()
    assert service.seconds == pytest.approx(60.0)


def test_a_clear_refusal_is_raised_at_once() -> None:
    service = Service(makes=False, unsure=False)
    with pytest.raises(KrajError, match="create network"):
        service.create()
    assert (service.calls, service.criteria) == (1, [])


@pytest.mark.parametrize(
    "other",
    [
        {"created_at": at(-60)},
        {"project_id": "theirs"},
        {"description": "of somebody else"},
        {"name": "records-2"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_others_have_made_is_never_taken(other: dict[str, Any]) -> None:
    theirs = {**BODY, "id": "other", "created_at": at(0), "project_id": "ours", **other}
    service = Service(makes=False, there=[theirs])
    assert service.create()["id"] == "made-2"


@pytest.mark.parametrize("copies", [1, 2], ids=["without a time", "two of them"])
def test_what_cannot_be_told_apart_is_neither_taken_nor_made_again(copies: int) -> None:
    twin = {**BODY, "id": "twin", "created_at": at(0), "project_id": "ours"}
    service = Service(there=[twin] * (copies - 1))
    if copies == 1:
        service.changes = {"created_at": None}
    with pytest.raises(KrajError, match="create network") as caught:
        service.create()
    assert service.calls == 1
    assert caught.value.hint.startswith(UNSURE)
    assert "made-1" in caught.value.hint


def test_without_a_name_nothing_is_looked_for() -> None:
    service = Service()
    with pytest.raises(KrajError, match="create network"):
        service.create({"description": "of Bělá"})
    assert (service.calls, service.criteria) == (1, [])


def test_a_key_that_was_not_asked_for_must_be_empty() -> None:
    narrower = {**BODY, "id": "other", "created_at": at(0), "remote_ip_prefix": "10.0.0.0/8"}
    service = Service(makes=False, there=[narrower])
    assert service.create(keys=("name", "remote_ip_prefix"))["id"] == "made-2"


def test_a_conflict_with_what_may_have_been_made_unheard_leaves_the_outcome_open() -> None:
    service = Service(makes=False)
    first = service.send

    def send() -> dict[str, Any]:
        if service.calls:
            raise KrajError(CONFLICT, "create network: it exists", details={"status": 409})
        return first()

    service.send = send  # type: ignore[method-assign]
    with pytest.raises(KrajError, match="it exists") as caught:
        service.create()
    assert caught.value.details["unsure"]
    assert service.seconds < 5


def test_a_look_that_fails_leaves_the_outcome_open() -> None:
    service = Service()

    def look(_criteria: dict[str, Any]) -> Service:
        raise KrajError(FAILING, "GET networks: down")

    service.look = look  # type: ignore[method-assign]
    with pytest.raises(KrajError, match="down") as caught:
        service.create()
    assert caught.value.details["unsure"]
    assert caught.value.hint.startswith(UNSURE)


def test_a_mark_proves_what_no_time_does() -> None:
    body = {**BODY, "mark": "of this creation"}
    service = Service(changes={"created_at": None, "mark": "of this creation"})
    assert service.create(body)["id"] == "made-1"
    twin = {**BODY, "id": "twin", "project_id": "ours", "mark": "of another one"}
    service = Service(makes=False, there=[twin], changes={"created_at": None})
    assert service.create(body)["id"] == "made-2"
