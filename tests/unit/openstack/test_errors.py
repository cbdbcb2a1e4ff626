"""Answers of OpenStack services become errors that say what to do."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from kraj.openstack.errors import PartialFailure, from_response
from kraj.openstack.unfinished import Remedy, mark, remedy_for


@dataclass
class Answer:
    status_code: int
    text: str


NOVA = {"forbidden": {"code": 403, "message": "Quota exceeded for cores: Requested 2, used 4 of 4"}}
CINDER = {"overLimit": {"code": 413, "message": "VolumeSizeExceedsAvailableQuota: quota is 16384G"}}
NEUTRON = {
    "NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['port']"}
}
OCTAVIA = {"faultcode": "Client", "faultstring": "Quota has been met for resources: listener"}
POLICY = {"error": {"code": 403, "message": "You are not authorized: identity:create_project"}}
CONFLICT = {"NeutronError": {"type": "NetworkInUse", "message": "There are ports in use"}}
DESIGNATE = {"code": 400, "type": "invalid_object", "errors": {"errors": [{"message": "no dot"}]}}


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, NOVA, "KRJ404 make it: Quota exceeded for cores: Requested 2, used 4 of 4"),
        (413, CINDER, "KRJ404 make it: VolumeSizeExceedsAvailableQuota: quota is 16384G"),
        (409, NEUTRON, "KRJ404 make it: Quota exceeded for resources: ['port']"),
        (403, OCTAVIA, "KRJ404 make it: Quota has been met for resources: listener"),
        (403, POLICY, "KRJ403 make it: You are not authorized: identity:create_project"),
        (409, CONFLICT, "KRJ406 make it: There are ports in use"),
        (400, DESIGNATE, "KRJ408 make it: no dot"),
        (404, {"message": "gone"}, "KRJ405 make it: gone"),
        (401, {"error": {"message": "no"}}, "KRJ402 make it: no"),
        (429, {"error": {"message": "slow down"}}, "KRJ407 make it: slow down"),
        (500, {}, "KRJ407 make it: HTTP 500 without a message"),
    ],
)
def test_each_service_is_understood(status, body, words):
    text = json.dumps(body) if body else ""
    error = from_response(Answer(status, text), "make it")
    assert str(error) == words
    assert error.details["status"] == status
    assert error.hint


def test_a_page_of_html_is_told_as_text():
    error = from_response(Answer(502, "<html><h1>Bad\n Gateway</h1></html>"), "make it")
    assert str(error) == "KRJ407 make it: Bad Gateway"


def test_a_long_message_is_cut():
    assert len(from_response(Answer(400, "x" * 9000), "make it").message) < 600


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(400, "replace"), (403, "replace"), *[(s, "finish") for s in (401, 409, 429, 500, 503)]],
)
def test_a_failure_that_says_nothing_of_the_object_has_it_finished_and_not_replaced(status, remedy):
    failure = PartialFailure("1", {}, from_response(Answer(status, ""), "set tags"))
    mark(failure)
    assert remedy_for(failure.outputs) is Remedy(remedy)
