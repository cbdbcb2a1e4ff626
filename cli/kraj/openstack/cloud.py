"""One cloud as the resource types see it: requests to its services, with one Keystone session.

Addresses come from the token's catalogue; no service is asked for its versions. A `Cloud` may be
used by many threads at once. It knows requests and answers, not resources.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from kraj.errors import KrajError
from kraj.events import Event, EventKind, Reporter
from kraj.openstack import retry
from kraj.openstack.answers import Refusal, content_of, translated, whole
from kraj.openstack.configuration import Settings, cloud_region_of
from kraj.openstack.errors import (
    CLOUD_UNREACHABLE,
    NO_SERVICE,
    UNSURE,
    from_response,
)
from kraj.openstack.sessions import log_in_lock, with_shared_session
from kraj.openstack.traffic import Gate, gate_of
from kraj.openstack.waiter import Waiter

if TYPE_CHECKING:
    import requests
    from openstack.config import cloud_region

    from kraj.openstack.batching import Lists

#: Version that a catalogue's address is completed with where it names none; the same versions that
#: the OpenStack documentation gives as current for each API.
_VERSIONS: Final = {
    "identity": "v3",
    "network": "v2.0",
    "image": "v2",
    "load-balancer": "v2",
    "dns": "v2",
    "key-manager": "v1",
    "compute": "v2.1",
    "block-storage": "v3",
    "placement": "",
    "object-store": "",
}
_HAS_VERSION: Final = re.compile(r"/v\d+(\.\d+)?(/|$)")

_UNAUTHORIZED: Final = 401
#: Moments of the past by this machine's clock may seem to be so far ahead.
_SLACK_SECONDS: Final = 2.0

Parameters = Mapping[str, Any] | Sequence[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as the resource types describe it."""

    service: str  #: official service type: `network`, `compute`, …
    method: str
    path: str  #: below the versioned address of the service
    body: Any = None  #: sent as JSON
    data: Any = None  #: sent as it is: bytes or a file
    parameters: Parameters | None = None
    headers: Mapping[str, str] | None = None
    microversion: str | None = None
    action: str = ""  #: what is attempted, for errors: `create network 'a'`
    accepted: frozenset[int] = frozenset()  #: statuses ≥ 400 that are an answer, not an error
    busy: frozenset[int] = frozenset()  #: statuses that here mean "not yet, ask again"
    idempotent: bool | None = None  #: None: as the method says

    @property
    def changes(self) -> bool:
        """Whether it is there to change something, so that its outcome may be open."""
        return self.method.upper() not in ("GET", "HEAD")

    @property
    def title(self) -> str:
        return self.action or f"{self.method} {self.path}"


class Cloud:
    """Requests to one cloud. Connects with the first request."""

    def __init__(
        self, settings: Settings, report: Reporter, policy: retry.Policy | None = None
    ) -> None:
        self._settings = settings
        self._report = report
        self.policy = policy or retry.Policy()
        self._lock = threading.RLock()
        self._endpoints: dict[str, str] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._region: cloud_region.CloudRegion | None = None
        self._session: Any = None
        self._ahead_seconds = 0.0  #: by how much the clock of the service is ahead of ours
        self._gate = Gate(1)  # the cloud's own one takes its place on connecting
        self.waiter = Waiter(self)
        self.lists: Lists | None = None  #: while a refresh reads: what it lists

    # --- connection

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that the settings are completed from."""
        return self._settings.environment

    @property
    def region_name(self) -> str:
        """The OpenStack region that resources are made in."""
        return str(self._connected().region_name or "")

    @property
    def session_key(self) -> tuple[str, int]:
        """Equal for clouds of this process that share a session: with the same credentials."""
        return ("openstack", id(self._connected()))

    @cached_property
    def project_id(self) -> str:
        """The project that the credentials are scoped to."""
        return str(self._access().project_id or "")

    @cached_property
    def user_id(self) -> str:
        """The user whose credentials are used."""
        return str(self._access().user_id or "")

    @cached_property
    def project_domain_id(self) -> str:
        """The domain of the project that the credentials are scoped to."""
        return str(self._access().project_domain_id or "")

    def _connected(self) -> cloud_region.CloudRegion:
        with self._lock:
            if self._region is None:
                region = with_shared_session(cloud_region_of(self._settings))
                self._gate = gate_of(region, self._settings.environment)
                self._region = region
                self._session = self._region.get_session()
            return self._region

    def _access(self) -> Any:
        """The token with its catalogue; asks Keystone at most once at a time."""
        session = self._connected().get_session()
        with log_in_lock(session):
            holder: list[Any] = []

            def authenticate() -> retry.Response:
                holder[:] = [translated(lambda: session.auth.get_access(session))]
                answer = holder[0]
                return answer if isinstance(answer, Refusal) else Refusal(200, {}, "")

            answer = self._sent(authenticate, "log in", idempotent=True)
            if answer.status_code >= 400:
                raise from_response(answer, "log in")
            self._distrust_clock(session.auth, holder[0])
            return holder[0]

    def _distrust_clock(self, auth: Any, access: Any) -> None:
        """Keep a token until the cloud refuses it where our clock takes a new one for old.

        The plugin would log in anew for each request.
        """
        if auth.reauthenticate and access.will_expire_soon(auth.MIN_TOKEN_LIFE_SECONDS):
            auth.reauthenticate = False
            self.tell("new tokens of the cloud have expired already by the clock of this machine")

    def _renew(self, token: str) -> None:
        """Log in again, unless another thread has done so since the token was used."""
        with log_in_lock(self._session):
            if self._access().auth_token == token:
                self._session.invalidate()

    def has_roles(self, names: Collection[str]) -> bool:
        """Whether the token has these roles; logs in anew where it has not, for later grants."""
        access = self._access()
        if not set(names) <= set(access.role_names):
            self._renew(str(access.auth_token))
            access = self._access()
        return set(names) <= set(access.role_names)

    def endpoint(self, service: str) -> str:
        """The service's versioned address. Raises KRJ413 where the catalogue has none."""
        with self._lock:
            if service not in self._endpoints:
                self._endpoints[service] = self._find_endpoint(service)
            return self._endpoints[service]

    def has_service(self, service: str) -> bool:
        """Whether the cloud's catalogue has the service."""
        try:
            return bool(self.endpoint(service))
        except KrajError as error:
            if error.code is NO_SERVICE:
                return False
            raise

    def _find_endpoint(self, service: str) -> str:
        region = self._connected()
        overrides = self._settings.get("endpointOverrides") or {}
        url = overrides.get(service) or region.get_endpoint(service)
        url = url or self._catalogued(region, service)
        if not url:
            raise KrajError(
                NO_SERVICE, f"the cloud's catalogue has no {service} in {region.region_name!r}"
            )
        url = str(url).rstrip("/")
        version = _VERSIONS.get(service, "")
        return url if not version or _HAS_VERSION.search(url) else f"{url}/{version}"

    def lock(self, name: str) -> threading.Lock:
        """A lock shared by all operations that must not touch one object at the same time."""
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())

    def _catalogued(self, region: cloud_region.CloudRegion, service: str) -> str:
        """The address in the token's catalogue, or nothing."""
        from keystoneauth1.exceptions import CatalogException  # noqa: PLC0415 - slow to import

        try:
            url = self._access().service_catalog.url_for(
                service_type=service,
                interface=region.get_interface(service) or "public",
                region_name=region.region_name or None,
            )
        except CatalogException:
            return ""
        return str(url or "")

    # --- requests

    def call(self, call: Call) -> requests.Response:
        """Send, repeat where that is right, and return the answer. Raises KRJ4xx."""
        url = f"{self._endpoint_or_error(call)}/{call.path.lstrip('/')}"
        options = self._request_options(call)
        idempotent = retry.is_idempotent(call.method)
        if call.idempotent is not None:
            idempotent = call.idempotent

        answer: requests.Response = self._sent(
            lambda: self._attempt(url, call.method, options),
            call.title,
            idempotent=idempotent,
            changes=call.changes,
            busy=call.busy,
        )
        if answer.status_code >= 400 and answer.status_code not in call.accepted:
            error = from_response(answer, call.title)
            error.details["unsure"] = call.changes and answer.status_code >= 500
            raise error
        return answer

    def _attempt(self, url: str, method: str, options: Mapping[str, Any]) -> requests.Response:
        """Send once; twice where the cloud does not take the token any more.

        Logging in has retries of its own: its failures leave no doubt about this request.
        """
        for last_try in (False, True):
            token = str(self._access().auth_token)
            headers = {**options["headers"], "X-Auth-Token": token}
            known = {**options, "headers": headers, "authenticated": False}
            answer = translated(lambda known=known: self._sent_once(url, method, known))
            if answer.status_code != _UNAUTHORIZED or last_try:
                break
            self._renew(token)
        self._note_time(answer)
        return whole(answer, method)

    def _note_time(self, answer: Refusal | requests.Response) -> None:
        told = retry.http_date(answer.headers.get("Date", ""))
        if told is not None:
            self._ahead_seconds = told - time.time()

    def service_time(self, moment: float) -> float | None:
        """A moment by this machine's clock, in seconds, by that of the service last asked.

        None where the moment is still to come: this machine's clock was set back since.
        """
        if moment > time.time() + _SLACK_SECONDS:
            return None
        return moment + self._ahead_seconds

    def _sent_once(self, url: str, method: str, options: Mapping[str, Any]) -> requests.Response:
        # An upload may take an hour, of which the cloud's services see little.
        turn = contextlib.nullcontext() if "data" in options else self._gate.turn(self)
        with turn:
            answer: requests.Response = self._session.request(url, method, **options)
            return answer

    def _endpoint_or_error(self, call: Call) -> str:
        try:
            return self.endpoint(call.service)
        except KrajError as error:
            error.causes = (*error.causes, call.title)
            raise

    def _request_options(self, call: Call) -> dict[str, Any]:
        options: dict[str, Any] = {"raise_exc": False, "headers": dict(call.headers or {})}
        options["headers"].setdefault("Accept", "application/json")
        if call.body is not None:
            options["json"] = call.body
        if call.data is not None:
            options["data"] = call.data
        if call.parameters:
            options["params"] = call.parameters
        if call.microversion:
            options |= {
                "microversion": call.microversion,
                "microversion_service_type": call.service,
            }
        return options

    def _sent(
        self,
        request: Any,
        title: str,
        *,
        idempotent: bool,
        changes: bool = False,
        busy: frozenset[int] = frozenset(),
    ) -> Any:
        try:
            return retry.send(
                request,
                idempotent=idempotent,
                policy=self.policy,
                notify=lambda again: self._notify(again, title),
                retry_statuses=busy,
            )
        except retry.ConnectionLostError as error:
            raise KrajError(
                CLOUD_UNREACHABLE,
                f"{title}: {error}",
                hint=UNSURE if error.taken and not idempotent else "",
                details={"unsure": error.taken and changes},
            ) from error

    def _notify(self, again: retry.Again, title: str) -> None:
        self.tell(f"{title}: {again.reason}; again in {again.delay_seconds:.1f} s")

    def tell(self, message: str) -> None:
        """Report that something takes longer than it should."""
        self._report(Event(EventKind.PROGRESS, "retry", "cloud", message))

    # --- conveniences over `call`, each with a JSON object as its result

    def get(self, service: str, path: str, **options: Any) -> dict[str, Any]:
        """The object at a path."""
        return self._json(Call(service, "GET", path, **options))

    def find(self, service: str, path: str, **options: Any) -> dict[str, Any] | None:
        """The object at a path, or None where it does not exist."""
        return self._read(Call(service, "GET", path, **options))

    def exists(self, service: str, path: str, **options: Any) -> bool:
        """Whether there is what a path names, for APIs that tell no more."""
        return self._read(Call(service, "HEAD", path, **options)) is not None

    def answer(self, call: Call) -> dict[str, Any] | None:
        """The content of an answer; None where what is asked for does not exist."""
        answer = self.call(replace(call, accepted=call.accepted | {404}))
        return None if answer.status_code == 404 else content_of(answer)

    def _read(self, call: Call) -> dict[str, Any] | None:
        lists = self.lists
        return self.answer(call) if lists is None else lists.answer(self, call)

    def post(self, service: str, path: str, body: Any, **options: Any) -> dict[str, Any]:
        """Create, or start an action."""
        return self._json(Call(service, "POST", path, body, **options))

    def put(self, service: str, path: str, body: Any = None, **options: Any) -> dict[str, Any]:
        """Set or replace."""
        return self._json(Call(service, "PUT", path, body, **options))

    def patch(self, service: str, path: str, body: Any, **options: Any) -> dict[str, Any]:
        """Change in part."""
        return self._json(Call(service, "PATCH", path, body, **options))

    def delete(self, service: str, path: str, **options: Any) -> bool:
        """Delete; False where it did not exist."""
        answer = self.call(Call(service, "DELETE", path, accepted=frozenset({404}), **options))
        return bool(answer.status_code != 404)

    def _json(self, call: Call) -> dict[str, Any]:
        return content_of(self.call(call))
