"""Octavia provider that accepts everything and settles it: PENDING_* becomes ACTIVE or is deleted.

Octavia's own noop driver leaves objects PENDING for ever. Load balancers get a real address from
neutron; where servers boot, the lab's network agent is called, and serves them with haproxy.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from octavia.api.drivers.driver_agent import driver_updater
from octavia.api.drivers.noop_driver import driver as noop
from octavia.db import api as database
from octavia.db import models
from octavia_lib.api.drivers import exceptions
from oslo_log import log

from kraj_lab_drivers.calls import BALANCERS, call_agent

LOG = log.getLogger(__name__)

#: Children before parents, in the order in which their states are told to Octavia.
KINDS = (
    ("members", models.Member),
    ("healthmonitors", models.HealthMonitor),
    ("l7rules", models.L7Rule),
    ("l7policies", models.L7Policy),
    ("listeners", models.Listener),
    ("pools", models.Pool),
    ("loadbalancers", models.LoadBalancer),
)
SWEEP_SECONDS = 0.25
#: A sweeper without work for so long ends; the next change starts another.
IDLE_SECONDS = 3.0


def settle() -> int:
    """Settle whatever is pending; returns how many objects were."""
    session = database.get_session()
    with session.begin():
        pending = _pending(session)
    updater = driver_updater.DriverUpdater()
    for kind, _model in KINDS:
        for row in pending[kind]:
            answer = updater.update_loadbalancer_status({kind: [dict(row)]})
            if answer and answer.get("status_code") != 200:
                LOG.error("cannot settle %s %s: %s", kind, row, answer)
    return sum(len(rows) for rows in pending.values())


def _pending(session: Any) -> dict[str, list[dict[str, str]]]:
    dying = _dying(session)
    found: dict[str, list[dict[str, str]]] = {}
    # Read parents first: a parent must never be settled before a child that was made after it.
    for kind, model in reversed(KINDS):
        rows = []
        for row in session.query(model):
            if row.provisioning_status == "PENDING_DELETE" or _parent_dies(kind, row, dying):
                rows.append({"id": row.id, "provisioning_status": "DELETED"})
            elif row.provisioning_status in ("PENDING_CREATE", "PENDING_UPDATE"):
                rows.append(
                    {
                        "id": row.id,
                        "provisioning_status": "ACTIVE",
                        "operating_status": "ONLINE",
                    }
                )
        found[kind] = rows
    return found


def _dying(session: Any) -> dict[str, set[str]]:
    """Ids of what goes with a load balancer that is deleted with all that it holds (cascade)."""

    def ids(model: Any, condition: Any) -> set[str]:
        return {row.id for row in session.query(model.id).filter(condition)}

    balancers = ids(
        models.LoadBalancer, models.LoadBalancer.provisioning_status == "PENDING_DELETE"
    )
    listeners = ids(models.Listener, models.Listener.load_balancer_id.in_(balancers))
    return {
        "listeners": listeners,
        "pools": ids(models.Pool, models.Pool.load_balancer_id.in_(balancers)),
        "l7policies": ids(models.L7Policy, models.L7Policy.listener_id.in_(listeners)),
    }


def _parent_dies(kind: str, row: Any, dying: dict[str, set[str]]) -> bool:
    if kind in ("listeners", "pools"):
        return row.id in dying[kind]
    if kind in ("members", "healthmonitors"):
        return row.pool_id in dying["pools"]
    if kind == "l7policies":
        return row.id in dying["l7policies"]
    if kind == "l7rules":
        return row.l7policy_id in dying["l7policies"]
    return False


class LabProviderDriver(noop.NoopProviderDriver):
    """Every change starts the sweeper, which settles it within a quarter of a second."""

    _lock = threading.Lock()
    _sweeper: threading.Thread | None = None
    _idle_after = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.wake()

    @classmethod
    def wake(cls) -> None:
        with cls._lock:
            cls._idle_after = time.monotonic() + IDLE_SECONDS
            if cls._sweeper is None:
                cls._sweeper = threading.Thread(target=cls._sweep, daemon=True)
                cls._sweeper.start()

    @classmethod
    def _sweep(cls) -> None:
        while True:
            time.sleep(SWEEP_SECONDS)
            try:
                busy = settle() > 0
                if busy:
                    call_agent(about=BALANCERS)
            except Exception:
                # The API process must live on; the next change tries again.
                LOG.exception("settling failed")
                busy = False
            with cls._lock:
                if busy:
                    cls._idle_after = time.monotonic() + IDLE_SECONDS
                elif time.monotonic() > cls._idle_after:
                    cls._sweeper = None
                    return

    def create_vip_port(self, *args: Any, **kwargs: Any) -> None:
        raise exceptions.NotImplementedError(
            user_fault_string="neutron gives the address",
            operator_fault_string="neutron gives the address",
        )


def _waking(name: str) -> Any:
    inherited = getattr(noop.NoopProviderDriver, name)

    def method(self: LabProviderDriver, *args: Any, **kwargs: Any) -> Any:
        answer = inherited(self, *args, **kwargs)
        self.wake()
        return answer

    method.__name__ = name
    return method


for _kind in (
    "loadbalancer",
    "listener",
    "pool",
    "member",
    "health_monitor",
    "l7policy",
    "l7rule",
):
    for _verb in ("create", "delete", "update", "failover", "batch_update"):
        _name = f"{_kind}_{_verb}"
        if hasattr(noop.NoopProviderDriver, _name):
            setattr(LabProviderDriver, _name, _waking(_name))
