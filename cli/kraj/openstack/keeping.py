"""What reading an object leaves as it stands in the state, so that only real changes show.

Pulumi's own provider keeps values in the state that no cloud tells: keys with two underscores, and
nothing at all where this package has an empty value. A state that it has written is read here
without a trace. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kraj.openstack.fields import is_empty
from kraj.openstack.values import reveal

#: How Pulumi's bridge turns the outputs back into Terraform's state; true for those outputs alone
#: (pulumi-terraform-bridge: unstable/propertyvalue, pkg/tfbridge/rawstate.go).
_FOR_THESE_OUTPUTS: Final = "__pulumi_raw_state_delta"


def as_kept(outputs: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of an object just read, in the form that its outputs in the state have.

    What a program says of an object that it only reads is no state: that has an id.
    """
    if "id" not in state:
        return dict(outputs)
    found = {
        name: state.get(name) if _both_empty(value, state.get(name)) else value
        for name, value in outputs.items()
        if name in state or not is_empty(reveal(value))
    }
    own = {name: value for name, value in state.items() if name.startswith("__")}
    told = {name: value for name, value in state.items() if name not in own}
    if reveal(found) != reveal(told):
        own.pop(_FOR_THESE_OUTPUTS, None)
    return {**found, **own}


def _both_empty(one: Any, other: Any) -> bool:
    return is_empty(reveal(one)) and is_empty(reveal(other))
