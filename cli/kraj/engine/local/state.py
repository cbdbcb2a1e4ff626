"""The state of a stack in memory, and its form as Pulumi's deployment of version 3.

Field names and their meaning are those of Pulumi's `apitype.ResourceV3` and `DeploymentV3`
(sdk/go/common/apitype/core.go). Files and locks are not here (`kraj.engine.local.store`).
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from kraj.engine.errors import STATE_UNREADABLE
from kraj.engine.local.crypto import Crypter, KeyRing, decode, encode
from kraj.engine.local.values import Properties
from kraj.errors import KrajError

DEPLOYMENT_VERSION: Final = 3

#: Fields that are kept as they are: they describe a resource and change nothing about its steps.
_PASSED_THROUGH: Final = ("sourcePosition", "stackTrace", "hideDiff", "importID")
#: Fields whose meaning would be lost: a state that uses them is refused.
_REFUSED: Final = ("taint", "refreshBeforeUpdate", "viewOf", "resourceHooks", "replaceWith")
_REFUSED_TOO: Final = ("replacementTrigger", "extensionRef", "snippetID")


@dataclass(slots=True)
class ResourceState:
    """One resource as it was last seen. Mutable: the journal owns it."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""  #: `urn::id` of the provider resource
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    external: bool = False  #: read, not managed
    delete: bool = False  #: replaced; waits for its deletion
    pending_replacement: bool = False  #: deleted for its replacement, not made again yet
    init_errors: list[str] = field(default_factory=list)
    additional_secret_outputs: tuple[str, ...] = ()
    custom_timeouts: dict[str, float] = field(default_factory=dict)  #: seconds by operation
    retain_on_delete: bool = False
    deleted_with: str = ""
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    created: str = ""
    modified: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """A UUID of this very creation, to be left on what it makes; the same after a crash."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.urn} {self.created}"))

    def needs(self) -> set[str]:
        """URNs of all that must exist as long as this exists."""
        urns = {*self.dependencies, self.parent, self.deleted_with}
        urns.update(urn for urns in self.property_dependencies.values() for urn in urns)
        urns.add(self.provider.rpartition("::")[0])
        return urns - {""}

    def rename(self, old: str, new: str) -> None:
        """Point every reference to `old` to `new` (an alias was followed)."""

        def fix(urn: str) -> str:
            return new if urn == old else urn

        self.parent, self.deleted_with = fix(self.parent), fix(self.deleted_with)
        self.dependencies = [fix(urn) for urn in self.dependencies]
        self.property_dependencies = {
            key: [fix(urn) for urn in urns] for key, urns in self.property_dependencies.items()
        }
        if self.provider.rpartition("::")[0] == old:
            self.provider = f"{new}::{self.provider.rpartition('::')[2]}"

    def forget(self, gone: set[str]) -> None:
        """Drop references to resources that do not exist any more."""
        self.dependencies = [urn for urn in self.dependencies if urn not in gone]
        self.property_dependencies = {
            key: [urn for urn in urns if urn not in gone]
            for key, urns in self.property_dependencies.items()
        }
        self.parent = "" if self.parent in gone else self.parent
        self.deleted_with = "" if self.deleted_with in gone else self.deleted_with


@dataclass(slots=True)
class PendingOperation:
    """A step that had begun and whose end was not seen."""

    resource: ResourceState
    type: str  #: creating, updating, deleting, reading


@dataclass(slots=True)
class StackState:
    """All that is known of a stack."""

    resources: list[ResourceState]
    pending: list[PendingOperation]
    crypter: Crypter


def now() -> str:
    """The time, as Go's RFC 3339 parser reads it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


# --- from JSON ----------------------------------------------------------------------------------


def load_deployment(deployment: Mapping[str, Any] | None, crypter: Crypter) -> StackState:
    """The state in a deployment of version 3; None is an empty state. Raises KRJ309, KRJ310."""
    state = read_deployment(deployment, crypter)
    fault = next(integrity_faults(state.resources), None)
    if fault is not None:
        raise KrajError(STATE_UNREADABLE, fault)
    return state


def read_deployment(deployment: Mapping[str, Any] | None, crypter: Crypter) -> StackState:
    """As `load_deployment`, for whoever looks himself whether the state is sound."""
    if not deployment:
        return StackState([], [], crypter)
    if deployment.get("snippets") or deployment.get("extensions"):
        raise KrajError(STATE_UNREADABLE, "the state uses snippets or extensions of Pulumi")
    try:
        resources = [_load_resource(item, crypter) for item in deployment.get("resources") or ()]
        pending = [
            PendingOperation(_load_resource(item["resource"], crypter), item["type"])
            for item in deployment.get("pending_operations") or ()
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise KrajError(
            STATE_UNREADABLE,
            f"the state is not a deployment of version 3: {type(error).__name__}: {error}",
        ) from error
    return StackState(resources, pending, crypter)


def crypter_of(deployment: Mapping[str, Any] | None, keys: KeyRing) -> Crypter:
    """What encrypts a deployment's secrets. Raises KRJ309 for other ways than a passphrase."""
    provider = (deployment or {}).get("secrets_providers")
    if not provider or not provider.get("type"):
        return Crypter(keys)
    if provider["type"] != "passphrase":
        raise KrajError(
            STATE_UNREADABLE,
            f"the state's secrets are kept by {provider['type']!r}, not by a passphrase",
            hint="Change it with `pulumi stack change-secrets-provider passphrase`, or use "
            "`--engine pulumi`.",
        )
    return Crypter(keys, provider["state"]["salt"])


def _load_resource(item: Mapping[str, Any], crypter: Crypter) -> ResourceState:
    for name in _REFUSED + _REFUSED_TOO:
        if item.get(name):
            raise KrajError(STATE_UNREADABLE, f"{item['urn']}: the state uses {name!r}")
    scope = item["urn"]
    return ResourceState(
        urn=item["urn"],
        type=item["type"],
        custom=item["custom"],
        id=item.get("id", ""),
        inputs=decode(item.get("inputs") or {}, crypter, scope),
        outputs=decode(item.get("outputs") or {}, crypter, scope),
        parent=item.get("parent", ""),
        provider=item.get("provider", ""),
        dependencies=list(item.get("dependencies") or ()),
        property_dependencies={
            key: list(urns or ()) for key, urns in (item.get("propertyDependencies") or {}).items()
        },
        protect=item.get("protect", False),
        external=item.get("external", False),
        delete=item.get("delete", False),
        pending_replacement=item.get("pendingReplacement", False),
        init_errors=list(item.get("initErrors") or ()),
        additional_secret_outputs=tuple(item.get("additionalSecretOutputs") or ()),
        custom_timeouts=dict(item.get("customTimeouts") or {}),
        retain_on_delete=item.get("retainOnDelete", False),
        deleted_with=item.get("deletedWith", ""),
        ignore_changes=tuple(item.get("ignoreChanges") or ()),
        replace_on_changes=tuple(item.get("replaceOnChanges") or ()),
        created=item.get("created", ""),
        modified=item.get("modified", ""),
        extra={key: item[key] for key in _PASSED_THROUGH if key in item},
    )


# --- to JSON ------------------------------------------------------------------------------------


@functools.cache
def engine_version() -> str:
    """The version in a state's manifest: that of Pulumi's contracts, marked as written by kraj."""
    return f"v{importlib.metadata.version('pulumi')}+kraj"


def dump_deployment(
    resources: Sequence[ResourceState], pending: Sequence[PendingOperation], crypter: Crypter
) -> dict[str, Any]:
    """The deployment of version 3."""
    version = engine_version()
    deployment: dict[str, Any] = {
        "manifest": {
            "time": now(),
            "magic": hashlib.sha256(version.encode()).hexdigest(),
            "version": version,
        },
        "secrets_providers": {"type": "passphrase", "state": {"salt": crypter.salt_state}},
        "resources": [_dump_resource(resource, crypter) for resource in resources],
    }
    if pending:
        deployment["pending_operations"] = [
            {"resource": _dump_resource(item.resource, crypter), "type": item.type}
            for item in pending
        ]
    deployment["metadata"] = {}
    return deployment


def _dump_resource(resource: ResourceState, crypter: Crypter) -> dict[str, Any]:
    scope = resource.urn
    item = {
        "urn": resource.urn,
        "custom": resource.custom,
        "delete": resource.delete,
        "id": resource.id,
        "type": resource.type,
        "inputs": encode(resource.inputs, crypter, scope),
        "outputs": encode(resource.outputs, crypter, scope),
        "parent": resource.parent,
        "protect": resource.protect,
        "external": resource.external,
        "dependencies": resource.dependencies,
        "initErrors": resource.init_errors,
        "provider": resource.provider,
        "propertyDependencies": resource.property_dependencies,
        "pendingReplacement": resource.pending_replacement,
        "additionalSecretOutputs": list(resource.additional_secret_outputs),
        "customTimeouts": resource.custom_timeouts,
        "retainOnDelete": resource.retain_on_delete,
        "deletedWith": resource.deleted_with,
        "created": resource.created,
        "modified": resource.modified,
        "ignoreChanges": list(resource.ignore_changes),
        "replaceOnChanges": list(resource.replace_on_changes),
        **resource.extra,
    }
    return {
        key: value
        for key, value in item.items()
        if key == "custom" or value not in ("", False, [], {})
    }


# --- integrity ----------------------------------------------------------------------------------


def integrity_faults(resources: Sequence[ResourceState]) -> Iterator[str]:
    """What breaks Pulumi's own rules for a sound state: everything comes after what it needs."""
    seen: set[str] = set()
    live: set[str] = set()
    for resource in resources:
        missing = resource.needs() - seen
        if resource.pending_replacement:
            missing.discard(resource.provider.rpartition("::")[0])
        if missing:
            needed = min(missing)
            yield f"{resource.urn} needs {needed}, which does not stand before it in the state"
        if not resource.delete:
            if resource.urn in live:
                yield f"{resource.urn} stands twice in the state"
            live.add(resource.urn)
        seen.add(resource.urn)
