"""What `kraj` does in one process for an action on many stacks, without a region around it.

`python worker.py ORDERS`, with the orders as JSON; started by `ways`. Fails where the steps are not
those that the action should have.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ways import PUBLIC_KEY

from kraj.engine.base import Engine, Operation, Result, StackSpec, Together
from kraj.engine.select import make_engine
from kraj.events import ignore
from kraj.operations.stacks import DEFAULT_JOBS

PROGRAM = Path(__file__).parent / "tenant"
#: The engines hand a program this environment, not the caller's.
CLOUDS = {name: os.environ[name] for name in ("OS_CLIENT_CONFIG_FILE",) if name in os.environ}
#: Resources of a tenant, and the steps that an engine counts beside them: the stack itself.
RESOURCES = 18


def main() -> None:
    """Carry out the orders."""
    orders = json.loads(sys.argv[1])
    engine = _engine(orders)
    specs = [_spec(orders, tenant) for tenant in orders["tenants"]]
    together = Together(len(specs))
    actions: dict[str, Callable[[StackSpec], Result]] = {
        "preview": lambda spec: engine.preview(spec, ignore),
        "up": lambda spec: engine.up(spec, ignore),
        "no change": lambda spec: engine.up(spec, ignore),
        "change": lambda spec: engine.up(spec, ignore),
        "refresh": lambda spec: engine.refresh(spec, ignore, together=together),
        "down": lambda spec: engine.destroy(spec, ignore),
    }
    with ThreadPoolExecutor(DEFAULT_JOBS) as pool:
        results = list(pool.map(actions[orders["action"]], specs))
    _verify(orders["action"], results)


def _engine(orders: dict[str, Any]) -> Engine:
    state = Path(orders["folder"]) / "state"
    os.environ.setdefault("PULUMI_CONFIG_PASSPHRASE", "benchmark")
    return make_engine(orders["engine"], state)


def _spec(orders: dict[str, Any], tenant: dict[str, Any]) -> StackSpec:
    return StackSpec(
        project="kraj-benchmark-tenant",
        stack=tenant["name"],
        label=tenant["name"],
        program=PROGRAM,
        config={
            "openstack:cloud": orders["cloud"],
            "benchmark:name": tenant["name"],
            "benchmark:ports": ",".join(map(str, tenant["ports"])),
            "benchmark:publicKey": PUBLIC_KEY,
        },
        environment=CLOUDS,
    )


def _verify(action: str, results: list[Result]) -> None:
    changed = [
        {step.operation for step in result.steps} - {Operation.SAME, Operation.REFRESH}
        for result in results
    ]
    if action in ("no change", "refresh"):
        assert not any(changed), changed
    elif action == "change":
        assert changed[0] == {Operation.CREATE}, changed[0]
        assert not any(changed[1:]), changed
    else:
        counts = [sum(step.type.startswith("openstack:") for step in r.steps) for r in results]
        assert min(counts) >= RESOURCES, counts


if __name__ == "__main__":
    main()
