"""All recorded pairs of old and new values, put to kraj's own provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pulumi.runtime.proto import provider_pb2

from kraj.openstack.provider import OpenStackProvider
from kraj.openstack.semantics import Case, Rule, cases
from kraj.openstack.semantics_source import answer
from kraj.openstack.types import supported_types
from kraj.openstack.values import decode_struct, encode_struct


class InThisProcess:
    """The provider's own Check and Diff, called as a stub is."""

    def __init__(self) -> None:
        self.provider = OpenStackProvider()

    def Diff(self, request: Any, **_options: Any) -> Any:
        return self.provider.Diff(request, None)

    def checked(self, token: str, case: Case) -> Case:
        """The pair with defaults filled in; what a pair lacks beside them is no matter here."""
        given = {key: value for key, value in case.news.items() if not key.startswith("__")}
        request = provider_pb2.CheckRequest(
            urn=f"urn:pulumi:a::b::{token}::one", type=token, name="one", news=encode_struct(given)
        )
        inputs = decode_struct(self.provider.Check(request, None).inputs)
        filled = inputs.pop("__defaults")
        if "name" in filled:
            del inputs["name"]
        return Case(case.name, case.property, case.olds, {**case.news, **inputs})


def answers(rules: dict[str, list[Rule]]) -> Iterator[tuple[str, Rule, Case, str, str]]:
    """Type, rule and pair, with kraj's answer and the recorded one of Pulumi's provider."""
    ours = InThisProcess()
    for token in supported_types():
        for rule in rules[token]:
            for case in cases(rules[token], rule) if rule.settable else ():
                said = answer(ours, token, ours.checked(token, case))
                yield token, rule, case, said, getattr(rule, case.name)
