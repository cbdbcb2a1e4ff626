"""Which provider serves which resource: explicit, inherited from a parent, or the default one.

Each provider resource gets an instance of its package of its own, configured with that resource's
inputs. Default providers are registered as Pulumi names them (`default_5_5_3`), with the
package's part of the stack configuration. Providers of the previous state are made when a
resource of it has to be read or deleted.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from kraj.engine.base import Operation, Together
from kraj.engine.errors import INVALID_INPUTS, STATE_UNREADABLE
from kraj.engine.local.goals import Goal, unsupported
from kraj.engine.local.providers import Failure, Provider, ProviderError, ProviderFactory
from kraj.engine.local.run import Run, step_of
from kraj.engine.local.state import ResourceState, now
from kraj.engine.local.urns import (
    PROVIDER_PREFIX,
    is_provider,
    make_urn,
    name_of,
    package_of,
    split_reference,
)
from kraj.engine.local.values import (
    UNKNOWN_SENTINEL,
    Properties,
    changed_paths,
    has_unknown,
    mark_secrets,
)
from kraj.errors import KrajError

BUILTIN: Final = "pulumi"  #: the package that needs no plugin
_INTERNAL_KEY: Final = "__internal"
_INTERNAL: Final = (
    "version",
    _INTERNAL_KEY,
)  #: inputs of a provider resource that are the engine's


class Packages:
    """The providers of one run. Thread-safe."""

    def __init__(
        self,
        run: Run,
        factories: Mapping[str, ProviderFactory],
        config: Mapping[str, Properties],
    ) -> None:
        self._run = run
        self._factories = factories
        self._config = config  #: package → inputs of its default provider
        self._without_default = _disabled(config.get(BUILTIN, {}))
        self._current: dict[str, tuple[str, Provider]] = {}  #: URN → id, provider of this run
        self._former: dict[str, Provider] = {}  #: reference → provider of the previous state
        self._inherited: dict[str, dict[str, str]] = {}  #: component → package → reference
        self._lock = threading.RLock()

    # -- for resources of this run

    def inherit(self, urn: str, goal: Goal) -> None:
        """Remember what a component passes on to its children."""
        passed = {**self._inherited.get(goal.parent, {}), **goal.providers}
        with self._lock:
            self._inherited[urn] = passed

    def for_goal(self, goal: Goal) -> tuple[str, Provider]:
        """Reference and provider for a resource. Raises KRJ301 for a package that is not there."""
        package = package_of(goal.type)
        reference = goal.provider or self._inherited.get(goal.parent, {}).get(package, "")
        return self.resolve(package, reference, goal.version, goal.plugin_url)

    def resolve(
        self, package: str, reference: str, version: str, plugin_url: str
    ) -> tuple[str, Provider]:
        """A provider by reference, or the package's default provider for a version."""
        if reference:
            urn, _identifier = split_reference(reference)
            with self._lock:
                if urn not in self._current:
                    raise unsupported(f"providers of other programs ({urn})")
                identifier, provider = self._current[urn]
            return f"{urn}::{identifier or UNKNOWN_SENTINEL}", provider
        with self._lock:
            return self._default(package, version, plugin_url.rstrip("/"))

    def _default(self, package: str, version: str, plugin_url: str) -> tuple[str, Provider]:
        parts = ["default", *filter(None, re.split(r"[^A-Za-z0-9]+", version))]
        name = "_".join([*parts, _name_part(plugin_url)] if plugin_url else parts)
        spec = self._run.spec
        goal = Goal(
            type=PROVIDER_PREFIX + package,
            name=name,
            custom=True,
            inputs=dict(self._config.get(package, {})),
            version=version,
            plugin_url=plugin_url,
        )
        urn = make_urn(spec.stack, spec.project, "", goal.type, name)
        if package != BUILTIN and self._without_default & {package, "*"}:
            raise KrajError(
                INVALID_INPUTS,
                f"the stack's configuration disables the default provider of {package!r}",
                hint="Give the resource or function a provider, or take the package out of "
                "`pulumi:disable-default-providers`.",
            )
        if urn not in self._current:
            self.register(goal, urn, self._run.journal.previous(urn))
        identifier, provider = self._current[urn]
        return f"{urn}::{identifier or UNKNOWN_SENTINEL}", provider

    # -- provider resources

    def register(self, goal: Goal, urn: str, old: ResourceState | None) -> ResourceState:
        """Make, change or keep a provider resource, and configure its provider."""
        run = self._run
        provider = self._make(package_of(goal.type))
        bookkeeping: Properties = {"version": goal.version} if goal.version else {}
        internal = {"pluginDownloadURL": goal.plugin_url} if goal.plugin_url else {}
        inputs, failures = provider.check_config(urn, _own(old.inputs if old else {}), goal.inputs)
        raise_failures(failures, goal.type, goal.name)
        inputs = mark_secrets({**_own(inputs), **bookkeeping}, goal.inputs, ())
        own = {} if package_of(goal.type) == BUILTIN else {_INTERNAL_KEY: internal}
        state = goal.state(urn, "", {**inputs, **own})
        changed = changed_paths(_visible(old.inputs), inputs) if old else []
        replaces: tuple[str, ...] = ()
        operation = Operation.CREATE
        if old is not None and not old.pending_replacement:
            operation = Operation.UPDATE if changed else Operation.SAME
            if changed and not has_unknown(inputs):
                difference = provider.diff_config(urn, old.id, old, _own(inputs))
                if difference.replaces:
                    operation, replaces = Operation.REPLACE, difference.replaces
        self._identify(state, operation, old)
        step = step_of(operation, state, changed, replaces)
        with run.step(step, told=not is_default(urn)):
            if not has_unknown(inputs):
                provider.configure(urn, state.id, _own(inputs))
        if operation is Operation.REPLACE and old is not None:
            old.delete = True
            old = None
        with self._lock:
            self._current[urn] = (state.id, provider)
        run.journal.end(None, add=state, drop=old)
        return state

    def _identify(
        self, state: ResourceState, operation: Operation, old: ResourceState | None
    ) -> None:
        state.outputs = _visible(state.inputs)
        if old is not None and operation in (Operation.SAME, Operation.UPDATE):
            state.id, state.created, state.modified = old.id, old.created, old.modified
        elif not self._run.preview:
            state.id, state.created = str(uuid.uuid4()), now()
        if operation is not Operation.SAME:
            state.modified = now()

    def _make(self, package: str) -> Provider:
        factory = self._factories.get(package)
        if factory is None:
            known = ", ".join(sorted(self._factories))
            raise unsupported(f"the package {package!r} (it has {known})")
        environment = {**os.environ, **self._run.spec.environment}
        return Provider(package, factory(self._run.emit, environment))

    def cancel(self) -> None:
        """Ask all providers to end their waits."""
        with self._lock:
            providers = [*(p for _, p in self._current.values()), *self._former.values()]
        for provider in providers:
            provider.cancel()

    # -- for resources of the previous state

    def for_state(self, resource: ResourceState) -> Provider:
        """The provider that a resource of the previous state was made with. Raises KRJ309."""
        urn, identifier = split_reference(resource.provider)
        with self._lock:
            current = self._current.get(urn)
            if current is not None and current[0] == identifier:
                return current[1]
            if resource.provider not in self._former:
                self._former[resource.provider] = self._revive(urn, identifier)
            return self._former[resource.provider]

    def _revive(self, urn: str, identifier: str) -> Provider:
        for state in self._run.journal.resources():
            if state.urn == urn and state.id == identifier and is_provider(state.type):
                package = package_of(state.type)
                provider = self._make(package)
                # Credentials of a default provider come from the stack's configuration of today.
                today = self._config.get(package, {}) if is_default(urn) else {}
                provider.configure(urn, identifier, {**_own(state.inputs), **today})
                return provider
        raise KrajError(STATE_UNREADABLE, f"the state has no provider {urn}::{identifier}")

    @contextlib.contextmanager
    def reading(
        self, resources: Sequence[ResourceState], together: Together | None
    ) -> Iterator[None]:
        """Let providers know what will be read of them, so that they can read it at once."""
        wanted: dict[int, tuple[Provider, list[ResourceState]]] = {}
        for resource in resources:
            # What is wrong with a provider is told with the reading of the resource.
            with contextlib.suppress(KrajError, ProviderError):
                provider = self.for_state(resource)
                wanted.setdefault(id(provider), (provider, []))[1].append(resource)
        with contextlib.ExitStack() as scopes:
            for provider, own in wanted.values():
                scopes.enter_context(provider.reading(own, together))
            yield

    def replaces_resources(self, old: ResourceState, reference: str) -> bool:
        """Whether a resource has to be made anew because it comes from another provider now."""
        old_urn, old_id = split_reference(old.provider)
        urn, identifier = split_reference(reference)
        if old_urn == urn:
            return old_id != identifier
        if is_default(old_urn) and is_default(urn):
            return False
        former = next((s for s in self._run.journal.resources() if s.urn == old_urn), None)
        current = self._run.journal.registered(urn)
        if former is None or current is None or not self._current[urn][1].configured:
            return former is None
        provider = self._current[urn][1]
        return bool(provider.diff_config(urn, old_id, former, _own(current.inputs)).replaces)


def _disabled(settings: Properties) -> frozenset[str]:
    """Packages without default providers, by `pulumi:disable-default-providers` (`*` is all).

    Raises KRJ301 for other settings of Pulumi's engine.
    """
    for key in settings:
        if key not in ("disable-default-providers", "tags"):
            raise unsupported(f"the setting `pulumi:{key}` of Pulumi's engine")
    try:
        packages = json.loads(settings.get("disable-default-providers", "[]"))
        return frozenset(packages)
    except (TypeError, ValueError) as error:
        raise KrajError(
            INVALID_INPUTS, "`pulumi:disable-default-providers` is no JSON list of packages"
        ) from error


def _name_part(url: str) -> str:
    """An address as part of a name, as Pulumi makes it (tokens.IntoQName)."""
    parts = (re.sub(r"[^A-Za-z0-9_.-]", "_", part) for part in url.split("/"))
    return "/".join(filter(None, parts))


def _visible(inputs: Properties) -> Properties:
    return {key: value for key, value in inputs.items() if key != _INTERNAL_KEY}


def _own(inputs: Properties) -> Properties:
    return {key: value for key, value in inputs.items() if key not in _INTERNAL}


def is_default(urn: str) -> bool:
    """Whether a URN is that of a default provider, which no program has registered."""
    name = name_of(urn)
    return name == "default" or name.startswith("default_")


def raise_failures(failures: list[Failure], type_: str, name: str) -> None:
    """Raises KRJ304 for what a provider's check refused."""
    if not failures:
        return
    texts = [
        f"{item.property}: {item.reason}" if item.property else item.reason for item in failures
    ]
    raise KrajError(
        INVALID_INPUTS,
        f"{type_} {name!r}: {texts[0]}",
        causes=texts[1:],
        details={"properties": [item.property for item in failures if item.property]},
    )
