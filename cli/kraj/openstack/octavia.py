"""What Octavia's types share: one change of a load balancer at a time.

Octavia refuses every change while a load balancer is busy with the last one. Changes made by this
process queue up at a lock per load balancer, each until the load balancer is ready again; a change
by somebody else is waited for.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import ClassVar, Final, TypeVar

from kraj.errors import KrajError
from kraj.openstack.errors import FAILED_STATE, NOT_FOUND, status_of
from kraj.openstack.fields import Kind
from kraj.openstack.resource import Made, Properties, Resource
from kraj.openstack.waiter import Watch

Answer = TypeVar("Answer")

BALANCERS: Final = "lbaas/loadbalancers"
#: How Octavia words that it is at work: on the load balancer, or on deleting it.
_BUSY: Final = re.compile(r"immutable|state PENDING_")
_BEING_DELETED: Final = "PENDING_DELETE"
_STATE: Final = "provisioning_status"
_MAY_BE_EMPTY: Final = frozenset({"name", "description"})
#: Kinds whose empty value means something else than "none" to Octavia.
_NULLED: Final = frozenset({Kind.TEXT, Kind.INTEGER, Kind.RECORD})

_CHANGED: Final = Watch(
    service="load-balancer",
    path=BALANCERS,
    singular="loadbalancer",
    state=_STATE,
    action="change",
    first_look_seconds=0.3,
)
_RELEASED: Final = replace(
    _CHANGED,
    gone=True,
    is_ready=lambda seen: seen[_STATE] in ("ACTIVE", "ERROR"),
    failed=frozenset(),
    action="release",
)


class OctaviaResource(Resource):
    """Base of Octavia's types."""

    service: ClassVar[str] = "load-balancer"

    balancer: str = ""  #: the load balancer that this operation changes

    # --- what types say

    def balancer_of(self, properties: Properties) -> str:
        """The load balancer that the object belongs to; empty where its parent is gone."""
        raise NotImplementedError

    # --- the operations, each alone on its load balancer

    def create(self, inputs: Properties) -> Made:
        """Make the object when the load balancer is free."""
        balancer = self.balancer_of(inputs)
        if not balancer:
            words = f"{self.action('create', inputs)}: its parent does not exist"
            raise KrajError(NOT_FOUND, words)
        with self.alone_on(balancer):
            return super().create(inputs)

    def update(
        self, identity: str, olds: Properties, news: Properties, changed: Collection[str]
    ) -> Properties:
        """Change the object when the load balancer is free."""
        with self.alone_on(self.balancer_of({**olds, "id": identity})):
            return super().update(identity, olds, news, changed)

    def finish(self, identity: str, inputs: Properties) -> Properties:
        """Finish the creation when the load balancer is free."""
        with self.alone_on(self.balancer_of({**inputs, "id": identity})):
            return super().finish(identity, inputs)

    def delete(self, identity: str, outputs: Properties) -> None:
        """Delete the object when the load balancer is free; without a parent it is gone."""
        balancer = self.balancer_of({**outputs, "id": identity})
        if not balancer:
            return
        with self.alone_on(balancer):
            if self.send_delete(identity, outputs):
                self.cloud.waiter.wait(self._gone(), identity, self.timeout)
                self.cloud.waiter.wait(_RELEASED, balancer, self.timeout)

    @contextmanager
    def alone_on(self, balancer: str) -> Iterator[None]:
        """Hold the load balancer for the time of a change."""
        self.balancer = balancer
        with self.cloud.lock(f"load balancer {balancer}"):
            yield

    # --- the requests, repeated while somebody else changes the load balancer

    def send_create(self, inputs: Properties) -> Properties:
        """Ask for the object."""
        return self.when_free(lambda: Resource.send_create(self, inputs))

    def put_update(self, identity: str, news: Properties, body: Properties) -> Properties | None:
        """Ask for the changes."""
        return self.when_free(lambda: Resource.put_update(self, identity, news, body))

    def send_delete(self, identity: str, outputs: Properties) -> bool:
        """Ask for the deletion; it may be under way by a request whose answer was lost."""
        try:
            return self.when_free(lambda: Resource.send_delete(self, identity, outputs))
        except KrajError as error:
            if status_of(error) == 409 and _BEING_DELETED in error.message:
                return True
            if error.code is not FAILED_STATE or self.fetch(identity) is not None:
                raise
            return False

    def when_free(self, send: Callable[[], Answer]) -> Answer:
        """Send, and send again when the load balancer is done with another change."""
        deadline = time.monotonic() + self.timeout
        while True:
            try:
                return send()
            except KrajError as error:
                busy = status_of(error) == 409 and _BUSY.search(error.message)
                if not busy or time.monotonic() > deadline:
                    raise
            self.cloud.waiter.wait(_CHANGED, self.balancer, self.timeout)

    # --- the waits

    def settle_created(self, identity: str, found: Properties, _inputs: Properties) -> Properties:
        """Wait for the load balancer, then for the object."""
        return self.settle(identity) or found

    def settle_updated(
        self,
        identity: str,
        found: Properties | None,
        _olds: Properties,
        _news: Properties,
        _changed: Collection[str],
    ) -> Properties | None:
        """Wait where something was changed."""
        return None if found is None else self.settle(identity)

    def settle(self, identity: str) -> Properties:
        """Wait for the load balancer, then for the object, which is ready then or soon."""
        self.cloud.waiter.wait(_CHANGED, self.balancer, self.timeout)
        watch = replace(
            _CHANGED,
            path=self.collection_path(),
            singular=self.singular,
            action="settle",
            first_look_seconds=0.0,
        )
        return self.cloud.waiter.wait(watch, identity, self.timeout)

    def _gone(self) -> Watch:
        return Watch(
            service=self.service,
            path=self.collection_path(),
            singular=self.singular,
            state=_STATE,
            gone=True,
            is_ready=lambda seen: seen[_STATE] == "DELETED",
            failed=frozenset(),
            action="delete",
            first_look_seconds=0.3,
        )

    # --- bodies

    def create_body(self, inputs: Properties) -> Properties:
        """What is empty is left out."""
        return {key: value for key, value in super().create_body(inputs).items() if value != ""}

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """What the program no longer says becomes null."""
        body = super().update_body(news, changed)
        for name in changed:
            declared = self.fields[name]
            if declared.api not in body or declared.api in _MAY_BE_EMPTY:
                continue
            if declared.kind in _NULLED and not news.get(name):
                body[declared.api] = None
        return body

    # --- parents

    def behind_listener(self, listener: str) -> str:
        """The load balancer of a listener; empty where there is no such listener."""
        return self._behind(f"lbaas/listeners/{listener}", "listener")

    def behind_pool(self, pool: str) -> str:
        """The load balancer of a pool; empty where there is no such pool."""
        return self._behind(f"lbaas/pools/{pool}", "pool")

    def _behind(self, path: str, singular: str) -> str:
        answer = self.cloud.find(self.service, path)
        balancers = [] if answer is None else answer[singular]["loadbalancers"]
        return str(balancers[0]["id"]) if balancers else ""
