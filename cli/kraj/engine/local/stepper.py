"""What happens to one registered resource: nothing, create, update, replace or read.

The decision is Pulumi's (pkg/resource/deploy/step_generator.go): check the inputs, compare with the
previous state by the provider's Diff, honour ignoreChanges, replaceOnChanges, protect and
deleteBeforeReplace. Deletions are in `kraj.engine.local.deletion`.
"""

from __future__ import annotations

import dataclasses
import threading

from kraj.engine.base import Operation, Step
from kraj.engine.changes import property_changes
from kraj.engine.errors import DUPLICATE_RESOURCE, PROTECTED, RESOURCE_MISSING
from kraj.engine.local.deletion import Deleter
from kraj.engine.local.goals import Goal, alias_urns
from kraj.engine.local.packages import Packages, raise_failures
from kraj.engine.local.paths import keep_ignored, matches
from kraj.engine.local.providers import Difference, Provider, ProviderError
from kraj.engine.local.run import Run, step_of
from kraj.engine.local.state import PendingOperation, ResourceState, now
from kraj.engine.local.urns import is_provider, make_urn
from kraj.engine.local.values import (
    UNKNOWN,
    Properties,
    changed_paths,
    mark_secrets,
)
from kraj.errors import KrajError


class Stepper:
    """Takes the registrations of one run, from many threads at once."""

    def __init__(self, run: Run, packages: Packages, deleter: Deleter) -> None:
        self._run = run
        self._packages = packages
        self._deleter = deleter
        self._claimed: set[str] = set()
        self._aliases: dict[str, tuple[str, ...]] = {}
        self._forced: dict[str, tuple[str, ...]] = {}  #: URN → what forces its replacement
        self._lock = threading.Lock()

    # -- entrances

    def register(self, goal: Goal) -> ResourceState:
        """Bring a resource to what the program wants. Raises Stopped or KrajError."""
        self._run.ensure_going()
        goal = self._inherit_options(goal)
        urn = self._claim(goal)
        old = self._previous(goal, urn)
        if is_provider(goal.type):
            return self._packages.register(goal, urn, old)
        if not goal.custom:
            return self._register_component(goal, urn, old)
        return self._register_custom(goal, urn, old)

    def read(self, goal: Goal, identifier: str | None) -> ResourceState:
        """Take an existing resource into the program's view. `identifier` None is unknown yet."""
        self._run.ensure_going()
        urn = self._claim(goal)
        old = self._previous(goal, urn)
        reference, provider = self._packages.for_goal(goal)
        state = goal.state(urn, reference, goal.inputs)
        state.external, state.id = True, identifier or ""
        state.created = state.modified = now()
        with self._run.step(step_of(Operation.READ, state)):
            if identifier is not None and provider.configured:
                found = provider.read(
                    urn, identifier, {}, goal.inputs, timeout=goal.custom_timeouts.get("read", 0)
                )
                if found is None:
                    raise KrajError(
                        RESOURCE_MISSING, f"{goal.type} {goal.name!r}: there is no {identifier!r}"
                    )
                state.id = found.id
                state.outputs = mark_secrets(
                    found.outputs, goal.inputs, goal.additional_secret_outputs
                )
        if old is not None and not old.external:
            old.delete = True  # was managed, is only read from now on: its own copy goes
            old = None
        self._run.journal.end(None, add=state, drop=old)
        return state

    def set_outputs(self, urn: str, outputs: Properties) -> None:
        """Outputs of a component or of the stack, registered when its children are known."""
        state = self._run.journal.registered(urn)
        if state is not None and not self._run.stopping:
            state.outputs = outputs

    # -- names

    def _inherit_options(self, goal: Goal) -> Goal:
        parent = self._run.journal.registered(goal.parent) if goal.parent else None
        if parent is None:
            return goal
        retain = goal.retain_on_delete
        return dataclasses.replace(
            goal,
            protect=parent.protect if goal.protect is None else goal.protect,
            retain_on_delete=parent.retain_on_delete if retain is None else retain,
            deleted_with=goal.deleted_with or parent.deleted_with,
        )

    def _claim(self, goal: Goal) -> str:
        spec = self._run.spec
        urn = make_urn(spec.stack, spec.project, goal.parent, goal.type, goal.name)
        with self._lock:
            if urn in self._claimed:
                raise KrajError(
                    DUPLICATE_RESOURCE,
                    f"the program registers {goal.type} {goal.name!r} twice under one parent",
                    details={"urn": urn},
                )
            self._claimed.add(urn)
            self._aliases[urn] = alias_urns(
                goal, spec.stack, spec.project, self._aliases.get(goal.parent, ())
            )
        return urn

    def _previous(self, goal: Goal, urn: str) -> ResourceState | None:
        """The resource in the previous state, under its name or under an alias."""
        journal = self._run.journal
        old = journal.previous(urn)
        for alias in self._aliases[urn]:
            if old is None and (old := journal.previous(alias)) is not None:
                journal.rename(alias, urn)
                old.urn, old.type = urn, goal.type
        return old

    # -- components

    def _register_component(self, goal: Goal, urn: str, old: ResourceState | None) -> ResourceState:
        self._packages.inherit(urn, goal)
        state = goal.state(urn, "", goal.inputs)
        changed = changed_paths(old.inputs, goal.inputs) if old else []
        operation = Operation.CREATE
        if old is not None:
            operation = Operation.UPDATE if changed else Operation.SAME
            state.outputs, state.created = old.outputs, old.created
        state.created = state.created or now()
        state.modified = old.modified if old and not changed else now()
        changes = property_changes(changed, (old.inputs,) if old else (), goal.inputs)
        self._run.instant(step_of(operation, state, changed, changes=changes))
        self._run.journal.end(None, add=state, drop=old)
        return state

    # -- resources

    def _register_custom(self, goal: Goal, urn: str, old: ResourceState | None) -> ResourceState:
        reference, provider = self._packages.for_goal(goal)
        wanted = goal
        if old is not None and not old.external:
            inputs = keep_ignored(goal.inputs, old.inputs, goal.ignore_changes)
            wanted = dataclasses.replace(goal, inputs=inputs)
        state = wanted.state(urn, reference, {})
        state.inputs = self._check(provider, wanted, state, old)
        if old is None or old.external:
            return self._create(provider, state, step_of(Operation.CREATE, state), drop=old)
        if old.pending_replacement:
            step = step_of(Operation.REPLACE, state, replaced_by=self._forced.get(urn, ()))
            return self._create(provider, state, step, drop=old)
        difference = self._compare(wanted, provider, reference, old, state)
        if difference.replaces:
            return self._replace(wanted, provider, state, old, difference)
        if difference.changes or old.init_errors:
            return self._update(provider, state, old, difference)
        return self._keep(state, old)

    def _check(
        self, provider: Provider, goal: Goal, state: ResourceState, old: ResourceState | None
    ) -> Properties:
        if not provider.configured:
            return goal.inputs
        olds = old.inputs if old is not None and not old.external else {}
        try:
            inputs, failures = provider.check(state.urn, olds, goal.inputs)
            raise_failures(failures, goal.type, goal.name)
        except (ProviderError, KrajError) as error:
            with self._run.step(
                step_of(Operation.CREATE if old is None else Operation.UPDATE, state)
            ):
                raise error
        return mark_secrets(inputs, goal.inputs, ())

    def _compare(
        self,
        goal: Goal,
        provider: Provider,
        reference: str,
        old: ResourceState,
        state: ResourceState,
    ) -> Difference:
        own = tuple(changed_paths(old.inputs, state.inputs))
        found = Difference(None, (), False, ())
        if provider.configured:
            try:
                found = provider.diff(old, state.inputs, goal.ignore_changes)
                if self._packages.replaces_resources(old, reference):
                    found = dataclasses.replace(found, replaces=(*found.replaces, "provider"))
            except (ProviderError, KrajError) as error:
                with self._run.step(step_of(Operation.UPDATE, old)):
                    raise error
        changes = bool(own) if found.changes is None else found.changes
        changed = (found.changed or own) if changes else ()
        forced = tuple(path for path in changed if matches(path, goal.replace_on_changes))
        replaces = tuple(dict.fromkeys((*found.replaces, *forced)))
        return Difference(changes, replaces, found.delete_before_replace, changed)

    def _keep(self, state: ResourceState, old: ResourceState) -> ResourceState:
        state.id, state.created, state.modified = old.id, old.created, old.modified
        state.outputs = mark_secrets(old.outputs, state.inputs, state.additional_secret_outputs)
        self._run.record(step_of(Operation.SAME, state))
        self._run.journal.end(None, add=state, drop=old)
        return state

    def _create(
        self,
        provider: Provider,
        state: ResourceState,
        step: Step,
        *,
        drop: ResourceState | None,
        replaces: ResourceState | None = None,
    ) -> ResourceState:
        run, journal = self._run, self._run.journal
        state.created = state.modified = now()
        with run.step(step):
            operation = None if run.preview else journal.begin("creating", state)
            try:
                state.id, outputs = self._ask_to_create(provider, state)
            except ProviderError as error:
                self._end_failed(operation, state, drop, error, replaces=replaces)
                raise
            self._set_outputs(state, outputs)
            journal.end(operation, add=state, drop=drop, replaces=replaces)
        return state

    def _ask_to_create(self, provider: Provider, state: ResourceState) -> tuple[str, Properties]:
        preview = self._run.preview
        if preview and not (provider.configured and provider.supports_preview):
            return "", state.inputs
        identifier, outputs = provider.create(
            state.urn,
            state.inputs,
            timeout=state.custom_timeouts.get("create", 0),
            preview=preview,
            mark=state.mark,
        )
        return ("" if preview else identifier), outputs

    def _update(
        self, provider: Provider, state: ResourceState, old: ResourceState, difference: Difference
    ) -> ResourceState:
        run, journal = self._run, self._run.journal
        state.id, state.created, state.modified = old.id, old.created, now()
        changes = property_changes(difference.changed, (old.outputs, old.inputs), state.inputs)
        with run.step(step_of(Operation.UPDATE, state, difference.changed, changes=changes)):
            operation = None if run.preview else journal.begin("updating", old)
            try:
                outputs = self._ask_to_update(provider, state, old)
            except ProviderError as error:
                self._end_failed(operation, state, old, error)
                raise
            self._set_outputs(state, outputs)
            journal.end(operation, add=state, drop=old)
        return state

    def _ask_to_update(
        self, provider: Provider, state: ResourceState, old: ResourceState
    ) -> Properties:
        preview = self._run.preview
        if preview and not (provider.configured and provider.supports_preview):
            return {**state.inputs}
        return provider.update(
            old,
            state.inputs,
            ignored=state.ignore_changes,
            timeout=state.custom_timeouts.get("update", 0),
            preview=preview,
        )

    def _end_failed(
        self,
        operation: PendingOperation | None,
        state: ResourceState,
        old: ResourceState | None,
        error: ProviderError,
        *,
        replaces: ResourceState | None = None,
    ) -> None:
        """A step failed: keep what the provider says is there all the same.

        A step whose outcome is open stays on record: the next run looks what came of it.
        """
        if error.partial is None:
            if not error.unsure:
                self._run.journal.end(operation)
                self._look_again_for(state.urn)
            return
        state.id = error.partial.id or state.id
        state.init_errors = list(error.partial.reasons)
        self._set_outputs(state, error.partial.outputs)
        self._run.journal.end(operation, add=state, drop=old, replaces=replaces)

    def _look_again_for(self, urn: str) -> None:
        """Put an earlier run's creation back on record: what it made may be in this one's way."""
        earlier = self._run.absent.get(urn)
        if earlier is not None and not self._run.preview:
            self._run.journal.begin("creating", earlier)

    def _set_outputs(self, state: ResourceState, outputs: Properties) -> None:
        state.outputs = mark_secrets(outputs, state.inputs, state.additional_secret_outputs)

    # -- replacement

    def _replace(
        self,
        goal: Goal,
        provider: Provider,
        state: ResourceState,
        old: ResourceState,
        difference: Difference,
    ) -> ResourceState:
        changes = property_changes(difference.changed, (old.outputs, old.inputs), state.inputs)
        step = step_of(Operation.REPLACE, old, difference.changed, difference.replaces, changes)
        if old.protect:
            with self._run.step(step):
                raise KrajError(
                    PROTECTED,
                    f"{goal.type} {goal.name!r} is protected and would be replaced because of "
                    f"{', '.join(difference.replaces)}",
                )
        state.inputs = self._check(provider, goal, state, None)
        first = goal.delete_before_replace
        if difference.delete_before_replace if first is None else first:
            victims = [*self._dependents(old), old]
            self._deleter.delete_for_replacement(victims)
            return self._create(provider, state, step, drop=old)
        return self._create(provider, state, step, drop=None, replaces=old)

    def _dependents(self, root: ResourceState) -> list[ResourceState]:
        """Resources that cannot stay while `root` is away: those that its replacement replaces."""
        replaced, dependents = {root.urn}, []
        for old in self._run.journal.remaining():
            if old is root or not old.custom or old.delete or old.external:
                continue
            if replaces := self._falls_with(old, replaced):
                self._forced[old.urn] = replaces
                replaced.add(old.urn)
                dependents.append(old)
        return dependents

    def _falls_with(self, old: ResourceState, replaced: set[str]) -> tuple[str, ...]:
        """What forces the replacement of a resource when others are replaced; empty: it stays."""
        if old.provider.rpartition("::")[0] in replaced:
            return ("provider",)
        hit = {key for key, urns in old.property_dependencies.items() if replaced & {*urns}}
        if not hit & old.inputs.keys():
            return ()
        news = {key: UNKNOWN if key in hit else value for key, value in old.inputs.items()}
        return self._packages.for_state(old).diff(old, news).replaces
