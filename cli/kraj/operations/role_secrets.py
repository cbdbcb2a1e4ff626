"""The passwords of a region's roles: which there are, and one of them in the clear.

They are derived, never stored (`kraj.configure.role_secrets`); what stands says which are needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kraj.configure.inventory import roles_of
from kraj.configure.role_secrets import RegionSecrets, secret_names
from kraj.engine.passphrase import resolve_passphrase
from kraj.errors import KrajError
from kraj.model.problems import did_you_mean
from kraj.model.roles import roles_with_tasks
from kraj.operations.errors import NO_SUCH_SECRET
from kraj.operations.inventory import read_exports
from kraj.operations.stacks import TENANT_PREFIX
from kraj.operations.states import RegionStates


@dataclass(frozen=True, slots=True)
class RoleSecret:
    """A secret variable of a role on the servers of one stack."""

    stack: str  #: label
    role: str
    name: str
    meaning: str


def stack_identities(states: RegionStates) -> Mapping[str, str]:
    """What never changes about each tenant's stack: the municipality's code, by the label."""
    return {TENANT_PREFIX + slug: one.code for slug, one in states.files.tenants.items()}


def list_secrets(states: RegionStates, only: Sequence[str] = ()) -> list[RoleSecret]:
    """The secrets of the servers that stand, of all stacks or those named.

    Raises KRJ1xx, KRJ309, KRJ319, KRJ343, KRJ703 and KRJ847.
    """
    for label in only:
        states.store(label)  # one that does not exist is an error
    return [one for one in _all(states) if not only or one.stack in only]


def reveal_secret(states: RegionStates, stack: str, name: str) -> tuple[RoleSecret, str]:
    """One secret with its value. Raises as `list_secrets`, KRJ715 where there is none such."""
    there = list_secrets(states, [stack])
    found = next((one for one in there if one.name == name), None)
    if found is None:
        meant = did_you_mean(name, [one.name for one in there])
        raise KrajError(NO_SUCH_SECRET, f"no role of {stack} has a secret {name!r}{meant}")
    secrets = RegionSecrets(states.region, resolve_passphrase(states.state_dir))
    identity = stack_identities(states).get(stack, stack)
    return found, secrets(identity, found.role, found.name)


def _all(states: RegionStates) -> Iterator[RoleSecret]:
    folder = states.project.roles
    names = roles_with_tasks(folder)
    for export in read_exports(states):
        pools = sorted({server.pool for server in export.servers})
        roles = dict.fromkeys(role for pool in pools for role in roles_of(pool, names))
        for role in roles:
            for name, meaning in secret_names(folder, role).items():
                yield RoleSecret(export.stack, role, name, meaning)
