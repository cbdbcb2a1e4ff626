"""What reading an object leaves as it stands in the state, so that only real changes show.

Pulumi's own provider keeps values in the state that no cloud tells: keys with two underscores, and
nothing at all where this package has an empty value. A state that it has written is read here
without a trace. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from kraj.openstack.checking import DEFAULTS
from kraj.openstack.fields import Field, Kind, equal, is_empty
from kraj.openstack.resource import Resource, settable
from kraj.openstack.values import reveal

#: How Pulumi's bridge turns the outputs back into Terraform's state; true for those outputs alone
#: (pulumi-terraform-bridge: unstable/propertyvalue, pkg/tfbridge/rawstate.go).
_FOR_THESE_OUTPUTS: Final = "__pulumi_raw_state_delta"


def as_kept(
    kind: type[Resource], outputs: Mapping[str, Any], state: Mapping[str, Any]
) -> dict[str, Any]:
    """The outputs of an object just read, in the form that its outputs in the state have.

    What a program says of an object that it only reads is no state: that has an id.
    """
    if "id" not in state:
        return dict(outputs)
    found = {
        name: state.get(name) if _same(kind.fields.get(name), value, state.get(name)) else value
        for name, value in outputs.items()
        if name in state or not is_empty(reveal(value))
    }
    # Also what only Pulumi's provider tells of the object.
    kept = {name: value for name, value in state.items() if name not in outputs}
    if any(reveal(value) != reveal(state.get(name)) for name, value in found.items()):
        kept.pop(_FOR_THESE_OUTPUTS, None)
    return {**found, **kept}


def refreshed_inputs(
    kind: type[Resource], inputs: Mapping[str, Any], outputs: Mapping[str, Any]
) -> dict[str, Any]:
    """The program's inputs with what has changed in the cloud; all inputs for an import."""
    given = {name: value for name, value in inputs.items() if name in kind.fields}
    if not given:
        return {**settable(kind, outputs), DEFAULTS: []}
    changed = {
        name: outputs[name]
        for name, value in given.items()
        if outputs.get(name) is not None and not equal(kind.fields[name], outputs[name], value)
    }
    return {**inputs, **changed}


def _same(declared: Field | None, one: Any, other: Any) -> bool:
    """Whether two values differ in nothing but how absence or the order of a set is told."""
    one, other = reveal(one), reveal(other)
    if is_empty(one) and is_empty(other):
        return True
    if declared is None or declared.kind is not Kind.SET or not other or len(one) != len(other):
        return False
    return sorted(map(_text, one)) == sorted(map(_text, other))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
