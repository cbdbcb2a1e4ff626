"""`python -m kraj.configure.authority_command`: what the role `certificates` runs beside Ansible.

Standard input is one JSON document: the host's request and present certificate, who it is and what
the authority is. Standard output is one: certificate and chain for the host, and why. Not a command
for people, and so not below `kraj`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kraj.configure.authority import Authority, Charter, Wanted
from kraj.configure.authority_parts import Address, Network
from kraj.engine.passphrase import resolve_passphrase
from kraj.errors import KrajError


class Order(BaseModel):
    """What the role asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_directory: Path  #: where the passphrase is, unless the environment says
    directory: Path  #: of the authority
    name: str = Field(min_length=1)
    zones: tuple[str, ...] = Field(min_length=1)
    networks: tuple[Network, ...]
    authority_days: int = Field(gt=0)
    dns_names: tuple[str, ...] = Field(min_length=1)
    addresses: tuple[Address, ...]
    days: int = Field(gt=0)
    renew_days: int = Field(ge=0)
    request: str  #: of the host, PEM
    present: str  #: the host's certificate, PEM; empty where there is none
    check: bool = False  #: say what would be done, and do nothing


def answer(order: Order) -> dict[str, Any]:
    """What the role reads: `reason` is empty where the host's certificate is kept."""
    authority = Authority(order.directory, lambda: resolve_passphrase(order.state_directory))
    wanted = Wanted(order.dns_names, order.addresses, order.days, order.renew_days)
    request, present = order.request.encode(), order.present.encode()
    if order.check:
        reason = authority.foresee(request, present, wanted)
        return {"reason": reason, "certificate": "", "chain": ""}
    charter = Charter(order.name, order.zones, order.networks, order.authority_days)
    issued = authority.issue(charter, request, present, wanted)
    return {"reason": issued.reason, "certificate": issued.certificate, "chain": issued.chain}


def main() -> int:
    try:
        print(json.dumps(answer(Order.model_validate_json(sys.stdin.buffer.read()))))
    except ValidationError as error:
        print(f"the order is wrong: {error}", file=sys.stderr)
        return 1
    except KrajError as error:
        print(f"{error}\nhint: {error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
