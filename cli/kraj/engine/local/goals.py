"""What a program asks for: one resource, as a plain value from Pulumi's RegisterResourceRequest.

Everything that the local engine does not do is refused here, by name, before it has any effect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from kraj.engine.errors import UNSUPPORTED
from kraj.engine.local.state import ResourceState
from kraj.engine.local.urns import STACK_TYPE, make_urn, name_of, type_of
from kraj.engine.local.values import Properties, UnsupportedValueError, from_struct
from kraj.errors import KrajError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

#: Fields of a registration that the engine does not do, and what people call them.
_UNSUPPORTED_FIELDS = {
    "remote": "components of provider plugins (remote components)",
    "importId": "the resource option `import_`",
    "transforms": "resource transforms",
    "hooks": "resource hooks",
    "replace_with": "the resource option `replace_with`",
    "replacement_trigger": "the resource option `replacement_trigger`",
    "packageRef": "parameterised packages",
    "envVarMappings": "the resource option `env_var_mappings`",
    "state_migrations": "state migrations",
    "snippetId": "snippets",
}


@dataclass(frozen=True, slots=True)
class Goal:
    """A resource as the program wants it."""

    type: str
    name: str
    custom: bool
    inputs: Properties
    parent: str = ""
    provider: str = ""  #: reference to an explicit provider, or empty
    providers: dict[str, str] = field(default_factory=dict)  #: package → reference, for children
    version: str = ""
    plugin_url: str = ""  #: where the program says that the package's plugin can be had
    dependencies: tuple[str, ...] = ()
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool | None = None
    delete_before_replace: bool | None = None
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    additional_secret_outputs: tuple[str, ...] = ()
    aliases: tuple[Any, ...] = ()
    custom_timeouts: dict[str, float] = field(default_factory=dict)
    retain_on_delete: bool | None = None
    deleted_with: str = ""
    hide_diffs: tuple[str, ...] = ()

    def state(self, urn: str, provider: str, inputs: Properties) -> ResourceState:
        """The state that the resource will have, without id and outputs."""
        return ResourceState(
            urn=urn,
            type=self.type,
            custom=self.custom,
            inputs=inputs,
            parent=self.parent,
            provider=provider,
            dependencies=sorted(self.dependencies),
            property_dependencies={key: sorted(v) for key, v in self.property_dependencies.items()},
            protect=bool(self.protect),
            additional_secret_outputs=self.additional_secret_outputs,
            custom_timeouts=self.custom_timeouts,
            retain_on_delete=bool(self.retain_on_delete),
            deleted_with=self.deleted_with,
            ignore_changes=self.ignore_changes,
            replace_on_changes=self.replace_on_changes,
            extra={"hideDiff": list(self.hide_diffs)} if self.hide_diffs else {},
        )


def goal_from_request(request: Any) -> Goal:
    """The goal in a RegisterResourceRequest. Raises KRJ301 and KRJ303."""
    where = f"{request.type} {request.name!r}"
    _refuse_unsupported(request, where)
    timeouts = request.customTimeouts
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        inputs=properties_of(request.object, where),
        parent=request.parent,
        provider=request.provider,
        providers=dict(request.providers),
        version=request.version,
        plugin_url=request.pluginDownloadURL,
        dependencies=tuple(request.dependencies),
        property_dependencies={
            key: list(item.urns) for key, item in request.propertyDependencies.items()
        },
        protect=request.protect if request.HasField("protect") else None,
        delete_before_replace=(
            request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None
        ),
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        aliases=tuple(request.aliases) + tuple(request.aliasURNs),
        custom_timeouts={
            name: parse_duration(getattr(timeouts, name), where)
            for name in ("create", "update", "delete", "read")
            if getattr(timeouts, name)
        },
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        deleted_with=request.deletedWith,
        hide_diffs=tuple(request.hideDiffs),
    )


def _refuse_unsupported(request: Any, where: str) -> None:
    for descriptor, _value in request.ListFields():
        if descriptor.name in _UNSUPPORTED_FIELDS:
            if descriptor.name == "hooks" and not request.hooks.ListFields():
                continue
            raise unsupported(_UNSUPPORTED_FIELDS[descriptor.name], where)


def unsupported(feature: str, where: str = "") -> KrajError:
    """The error for a feature that the local engine does not have."""
    place = f"{where}: " if where else ""
    return KrajError(UNSUPPORTED, f"{place}the local engine does not support {feature}")


def properties_of(struct: Any, where: str) -> Properties:
    """Properties from their wire form. Raises KRJ301 for kinds of values that are not carried."""
    try:
        return from_struct(struct)
    except UnsupportedValueError as error:
        raise unsupported(str(error), where) from error


def parse_duration(text: str, where: str) -> float:
    """Seconds of a duration such as `1h30m`, as Go writes it."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise unsupported(f"the timeout {text!r} (write `90s`, `5m` or `1h30m`)", where)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def alias_urns(
    goal: Goal, stack: str, project: str, parent_aliases: tuple[str, ...]
) -> tuple[str, ...]:
    """All URNs that the resource may have had: its own aliases and those through its parent."""
    own = [_resolve_alias(alias, goal, stack, project, goal.parent) for alias in goal.aliases]
    inherited = []
    for parent in parent_aliases:
        name = _renamed(goal.name, goal.parent, parent)
        inherited.append(make_urn(stack, project, parent, goal.type, name))
        inherited += [
            make_urn(
                stack, project, parent, type_of(urn), _renamed(name_of(urn), goal.parent, parent)
            )
            for urn in own
        ]
    return tuple(dict.fromkeys([*own, *inherited]))


def _renamed(name: str, parent: str, parent_alias: str) -> str:
    """A child named after its parent was named after the parent's former name."""
    now = name_of(parent)
    return name_of(parent_alias) + name[len(now) :] if name.startswith(now) else name


def _resolve_alias(alias: Any, goal: Goal, stack: str, project: str, parent: str) -> str:
    if isinstance(alias, str):
        return alias
    if alias.WhichOneof("alias") == "urn":
        return str(alias.urn)
    spec = alias.spec
    above = spec.parentUrn or ("" if spec.noParent else parent)
    if above and type_of(above) == STACK_TYPE:
        above = ""
    return make_urn(
        spec.stack or stack,
        spec.project or project,
        above,
        spec.type or goal.type,
        spec.name or goal.name,
    )
