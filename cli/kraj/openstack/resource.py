"""The mechanism that all resource types share: bodies, outputs, create, read, update, delete.

A type is a class of declarations (`kraj.openstack.fields`) on `Resource`; this module reads them.
Where an API is peculiar, a type overrides one of the small methods in the section "what types may
override". An instance serves one operation on one object; types hold no state.

Creation avoids every request whose answer is known already: outputs come from the answer to POST.
The base knows nothing of Pulumi's wire format (`provider`), of defaults (`checking`) or
comparison (`diffing`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from kraj.errors import KrajError
from kraj.openstack import finding
from kraj.openstack.cloud import Call, Cloud
from kraj.openstack.creating import Wanted, create
from kraj.openstack.errors import FAILING, REFUSED, PartialFailure
from kraj.openstack.fields import EMPTY, WHOLE, Field, dig, from_api, is_empty, put, text, to_api
from kraj.openstack.unfinished import Remedy
from kraj.openstack.waiter import Watch

Properties = dict[str, Any]
#: Statuses by which services say that an object is still in use, and a later attempt may succeed.
IN_USE = frozenset({409})


@dataclass(frozen=True, slots=True)
class Made:
    """A new object: its Pulumi id and its outputs."""

    identity: str
    outputs: Properties


class Resource:
    """Base of all resource types; see docs/provider.md."""

    pulumi_type: ClassVar[str] = ""  #: `openstack:networking/network:Network`
    service: ClassVar[str] = ""  #: official service type
    path: ClassVar[str] = ""  #: of the collection, below the versioned address
    singular: ClassVar[str] = ""  #: key of the object in bodies; empty: the body is the object
    microversion: ClassVar[str | None] = None
    update_method: ClassVar[str] = "PUT"
    created: ClassVar[Watch | None] = None  #: how to wait after create; None: ready at once
    updated: ClassVar[Watch | None] = None
    deleted: ClassVar[Watch | None] = None
    create_busy: ClassVar[frozenset[int]] = frozenset()  #: statuses that mean "ask again"
    update_busy: ClassVar[frozenset[int]] = frozenset()
    delete_busy: ClassVar[frozenset[int]] = frozenset()
    #: API fields that tell an object from others, should the answer to its creation be lost
    told_by: ClassVar[tuple[str, ...]] = ("name",)
    listing: ClassVar[str] = ""  #: below the collection, where objects are listed in full
    listing_parameters: ClassVar[Mapping[str, Any]] = {}  #: that show all objects there are
    #: the API tells the secret once, in the answer to a creation: what is found later is useless
    secret_once: ClassVar[str] = ""  #: the property with the secret, where a program gives none
    #: API field of which the API knows nothing and that it keeps: the creation's mark
    marked_by: ClassVar[str] = ""
    #: API fields that name to whom an object belongs, or what it is about
    owners: ClassVar[tuple[str, ...]] = ("project_id", "tenant_id")
    #: it says something about other objects, and what it says may have been true before
    relation: ClassVar[bool] = False
    timeout_seconds: ClassVar[float] = 600.0  #: of each operation, where the program sets none
    fields: ClassVar[dict[str, Field]] = {}  #: by property name; filled from the declarations

    region = text(computed=True, replaces=True, sent=False, read=False)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        declared: dict[str, Field] = {}
        for ancestor in reversed(cls.__mro__):
            own = {v.name: v for v in vars(ancestor).values() if isinstance(v, Field)}
            declared |= own
        cls.fields = declared

    def __init__(self, cloud: Cloud, timeout_seconds: float = 0.0, mark: str = "") -> None:
        self.cloud = cloud
        self.timeout = timeout_seconds or self.timeout_seconds
        self.mark = mark  #: a UUID of this creation, for types whose API has a place for it

    @classmethod
    def autonamed(cls) -> bool:
        """Whether a missing name is made from the logical name."""
        name = cls.fields.get("name")
        return name is not None and not name.output_only

    # --- the operations

    def create(self, inputs: Properties) -> Made:
        """Make the object and wait until it can be used. Raises KRJ4xx, PartialFailure."""
        found = self.send_create(inputs)
        identity = self.identity_of(found)
        try:
            found = self.settle_created(identity, found, inputs)
        except KrajError as error:
            raise PartialFailure(identity, self.outputs(identity, found, inputs), error) from error
        return Made(identity, self.outputs(identity, found, inputs))

    def read(self, identity: str, known: Properties) -> Properties | None:
        """The outputs now, or None where the object does not exist; `known` are earlier outputs."""
        found = self.fetch(identity)
        return None if found is None else self.outputs(identity, found, known)

    def update(
        self, identity: str, olds: Properties, news: Properties, changed: Collection[str]
    ) -> Properties:
        """Change the named properties in place. Raises KRJ4xx, PartialFailure."""
        found = self.send_update(identity, olds, news, changed)
        try:
            found = self.settle_updated(identity, found, olds, news, changed)
        except KrajError as error:
            raise PartialFailure(identity, olds, error) from error
        if found is None:
            found = self.must_fetch(identity)
        return self.outputs(identity, found, news)

    def finish(self, identity: str, inputs: Properties) -> Properties:
        """Do what an interrupted creation has left to do. Raises KRJ4xx, PartialFailure."""
        found = self.must_fetch(identity)
        try:
            found = self.settle_created(identity, found, inputs)
        except KrajError as error:
            raise PartialFailure(identity, self.outputs(identity, found, inputs), error) from error
        return self.outputs(identity, found, inputs)

    def delete(self, identity: str, outputs: Properties) -> None:
        """Delete and wait until it is gone; an absent object is fine."""
        existed = self.send_delete(identity, outputs)
        if existed and self.deleted is not None:
            self.cloud.waiter.wait(self.deleted, identity, self.timeout)

    # --- what types may override

    @classmethod
    def problems(cls, _inputs: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with a combination of inputs, by property; values may be unknown."""
        return {}

    @classmethod
    def refine_changes(
        cls, _olds: Mapping[str, Any], _news: Mapping[str, Any], changes: dict[str, bool]
    ) -> dict[str, bool]:
        """Correct the changes found (property → whether it forces a replacement)."""
        return changes

    @classmethod
    def refuse_update(cls, identity: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> None:
        """Raise KRJ408 for a change that the cloud is known never to make, before it is asked."""

    def identity_of(self, found: Properties) -> str:
        """The Pulumi id of an object that the API shows."""
        return str(found["id"])

    def natural_identity(self, _inputs: Properties) -> str:
        """The id that follows from the inputs; empty where only the cloud can tell it."""
        return ""

    def find_existing(self, inputs: Properties, since: float | None) -> list[str]:
        """Ids of what a creation with these inputs may have made since it began (in seconds).

        For runs that were cut off. Names need not be unique: several ids may fit.
        """
        identity = self.natural_identity(inputs)
        if not identity:
            found = finding.listed(self, self.create_body(inputs), since)
            return [self.identity_of(item) for item in found]
        existing = self.fetch(identity)
        older = existing is not None and finding.is_older(self.cloud, existing, since)
        return [] if existing is None or older else [identity]

    def is_proven(
        self, found: Properties, _inputs: Mapping[str, Any], traces: finding.Traces
    ) -> bool:
        """Whether an object that fits was made by the creation of which nobody saw the end.

        By its mark, its age, or because it belongs to something that the stack has made itself.
        """
        if self.relation:
            return True
        if self.marked_by and self.mark:
            return bool(found.get(self.marked_by) == self.mark)
        owned = any(found.get(owner) in traces.owned for owner in self.owners)
        return owned or finding.is_younger(self.cloud, found, traces.since)

    def remedy_of(self, found: Properties, inputs: Properties) -> Remedy | None:
        """What has to be done with an object of which nobody saw the creation's end."""
        lost = self.secret_once and not inputs.get(self.secret_once)
        if lost or finding.has_failed(found):
            return Remedy.REPLACE
        kind = type(self)
        follows = kind.created or kind.settle_created is not Resource.settle_created
        return Remedy.FINISH if follows else None

    def collection_path(self) -> str:
        """Where the API keeps the objects of this type."""
        return self.path

    def object_path(self, identity: str) -> str:
        """Where the API keeps the object."""
        return f"{self.collection_path()}/{identity}"

    def create_body(self, inputs: Properties) -> Properties:
        """The object to send when creating, without its envelope."""
        body: Properties = {}
        for name, declared in self.fields.items():
            if not declared.sent or declared.output_only:
                continue
            value = to_api(declared, inputs.get(name))
            if value is not None:
                put(body, declared.api, value)
        if self.marked_by and self.mark:
            body[self.marked_by] = self.mark
        body |= inputs.get("valueSpecs") or {}
        return body

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """The fields to send when changing, without the envelope; empty: nothing to send."""
        body: Properties = {}
        for name, declared in self.fields.items():
            if name not in changed or not declared.sent or declared.output_only:
                continue
            if news.get(name) is not None:
                put(body, declared.api, to_api(declared, news[name]))
            else:
                cleared = declared.empty if declared.cleared is EMPTY else declared.cleared
                put(body, declared.api, cleared)
        return body

    def send_create(self, inputs: Properties) -> Properties:
        """Ask for the object; returns it as the API shows it."""
        body = self.create_body(inputs)
        call = self.request(
            "POST",
            self.collection_path(),
            body=self.wrapped(body),
            busy=self.create_busy,
            action=self.action("create", inputs),
        )
        return self.create_once(call, body)

    def create_once(self, call: Call, body: Properties) -> Properties:
        """Send a creation; where its outcome is unclear, look before sending it again."""

        def look(criteria: Mapping[str, Any]) -> Any:
            self.cloud.tell(f"{call.title}: the outcome is not known; looking for it")
            path = f"{self.collection_path()}{self.listing}"
            listing = Call(self.service, "GET", path, parameters=criteria)
            return self.cloud.call(replace(listing, microversion=call.microversion))

        def ask() -> Properties:
            answer = self.cloud.call(call)
            if not answer.content:
                words = f"{call.title}: the answer is empty"
                raise KrajError(FAILING, words, details={"unsure": True})
            return self.unwrapped(answer.json())

        return create(
            ask,
            look,
            Wanted(body, self.told_by, lambda: self.cloud.project_id, self.marked_by),
            delays=self.cloud.policy.look_delays_seconds,
        )

    def settle_created(self, identity: str, found: Properties, _inputs: Properties) -> Properties:
        """What has to follow the creation, at least the wait; returns the object as it is then."""
        if self.created is None:
            return found
        return self.cloud.waiter.wait(self.created, identity, self.timeout)

    def send_update(
        self, identity: str, _olds: Properties, news: Properties, changed: Collection[str]
    ) -> Properties | None:
        """Ask for the changes; returns the object where the API shows it."""
        body = self.update_body(news, changed)
        return self.put_update(identity, news, body) if body else None

    def settle_updated(
        self,
        identity: str,
        found: Properties | None,
        _olds: Properties,
        _news: Properties,
        _changed: Collection[str],
    ) -> Properties | None:
        """What has to follow a change; returns the object where it is known."""
        if self.updated is None:
            return found
        return self.cloud.waiter.wait(self.updated, identity, self.timeout)

    def send_delete(self, identity: str, outputs: Properties) -> bool:
        """Ask for the deletion; False where the object did not exist."""
        return self.cloud.delete(
            self.service,
            self.object_path(identity),
            microversion=self.microversion,
            busy=self.delete_busy,
            action=self.action("delete", outputs, identity),
        )

    def fetch(self, identity: str) -> Properties | None:
        """The object as the API shows it, or None."""
        answer = self.cloud.find(
            self.service, self.object_path(identity), microversion=self.microversion
        )
        return None if answer is None else self.unwrapped(answer)

    def expected_reads(self, identity: str, _known: Properties) -> tuple[Call, ...]:
        """Requests that `read` will make, for whoever can answer those of many objects at once."""
        return (self.request("GET", self.object_path(identity)),)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Pulumi's outputs; `known` (inputs or older outputs) fills what the API does not tell."""
        result: Properties = {"id": identity}
        for name, declared in self.fields.items():
            if name == "region":
                result[name] = known.get("region") or self.cloud.region_name
            elif declared.read and _present(found, declared.api):
                result[name] = from_api(declared, dig(found, declared.api))
            elif known.get(name) is not None:
                result[name] = known[name]
            elif declared.read:
                result[name] = declared.empty
        return result

    # --- small parts

    def must_fetch(self, identity: str) -> Properties:
        """The object as the API shows it. Raises KRJ405."""
        return self.unwrapped(
            self.cloud.get(self.service, self.object_path(identity), microversion=self.microversion)
        )

    def put_update(self, identity: str, news: Properties, body: Properties) -> Properties | None:
        """Send the fields to change; returns the object where the API shows it."""
        answer = self.cloud.call(
            self.request(
                self.update_method,
                self.object_path(identity),
                body=self.wrapped(body),
                busy=self.update_busy,
                action=self.action("change", news, identity),
            )
        )
        content = answer.json() if answer.content else None
        return self.unwrapped(content) if content else None

    def identity_parts(self, identity: str, shape: str) -> list[str]:
        """The parts of an id that has several, like `<user>/<group>`. Raises KRJ408."""
        parts = identity.split("/")
        if len(parts) != len(shape.split("/")):
            raise KrajError(REFUSED, f"{identity!r} is no id of {self.pulumi_type}: it is {shape}")
        return parts

    def request(self, method: str, path: str, **options: Any) -> Call:
        """A call to this type's service with its microversion."""
        return Call(self.service, method, path, microversion=self.microversion, **options)

    def wrapped(self, body: Properties) -> Properties:
        """The body in the envelope of the API."""
        return {self.singular: body} if self.singular else body

    def unwrapped(self, content: Properties) -> Properties:
        """The object out of the envelope of the API."""
        found = content[self.singular] if self.singular else content
        return dict(found)

    def action(self, verb: str, properties: Mapping[str, Any], identity: str = "") -> str:
        """What is attempted, for messages: `create network 'records'`."""
        kind = self.singular.replace("_", " ") or self.pulumi_type.rpartition(":")[2]
        name = properties.get("name") or identity
        return f"{verb} {kind} {name!r}" if name else f"{verb} {kind}"


def _present(found: Mapping[str, Any], path: str) -> bool:
    """Whether the API tells the field at all, be it null."""
    if path in found or path == WHOLE:
        return True
    head, _, rest = path.partition(".")
    inner = found.get(head)
    return bool(rest) and isinstance(inner, dict) and _present(inner, rest)


def settable(resource: type[Resource], outputs: Mapping[str, Any]) -> Properties:
    """What a program would write to describe an object read from the cloud, for imports."""
    return {
        name: outputs[name]
        for name, declared in resource.fields.items()
        if not declared.output_only and name != "region" and not is_empty(outputs.get(name))
    }
