"""Keystone: who may do what. Role assignments and application credentials."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from kraj.errors import KrajError
from kraj.openstack.cloud import Call
from kraj.openstack.errors import status_of
from kraj.openstack.fields import flag, record_set, text, text_set
from kraj.openstack.identity import IdentityResource
from kraj.openstack.resource import Properties
from kraj.openstack.spelling import same_time

_PARTS: Final = ("domain_id", "project_id", "group_id", "user_id", "role_id")


#: Keystone's words for a credential with a role that the token has not (keystone/api/users.py).
_UNASSIGNED: Final = "with unassigned role"
_BAD_REQUEST: Final = 400


class RoleAssignment(IdentityResource):
    """A role of a user or group in a project or domain.

    Its id is `<domain>/<project>/<group>/<user>/<role>`, with nothing for what does not apply.
    """

    pulumi_type = "openstack:identity/roleAssignment:RoleAssignment"
    relation = True
    path_suffix: ClassVar[str] = ""

    domain_id = text(replaces=True, conflicts=("projectId",))
    project_id = text(replaces=True, conflicts=("domainId",))
    group_id = text(replaces=True, conflicts=("userId",))
    user_id = text(replaces=True, conflicts=("groupId",))
    role_id = text(required=True, replaces=True)

    @classmethod
    def problems(cls, inputs: Mapping[str, Any]) -> dict[str, str]:
        """Somebody must get the role, somewhere."""
        found = {}
        if inputs.get("projectId") is None and inputs.get("domainId") is None:
            found["projectId"] = "projectId or domainId is required"
        if inputs.get("userId") is None and inputs.get("groupId") is None:
            found["userId"] = "userId or groupId is required"
        return found

    def identity_of(self, found: Properties) -> str:
        """All five parts."""
        return "/".join(found.get(part) or "" for part in _PARTS)

    def object_path(self, identity: str) -> str:
        """Where Keystone keeps the assignment."""
        parts = self.identity_parts(identity, "<domain>/<project>/<group>/<user>/<role>")
        domain, project, group, user, role = parts
        scope = f"domains/{domain}" if domain else f"projects/{project}"
        actor = f"groups/{group}" if group else f"users/{user}"
        inherited = "OS-INHERIT/" if self.path_suffix else ""
        return f"{inherited}{scope}/{actor}/roles/{role}{self.path_suffix}"

    def natural_identity(self, inputs: Properties) -> str:
        """All five parts."""
        return self.identity_of(self.create_body(inputs))

    def send_create(self, inputs: Properties) -> Properties:
        """Give the role."""
        found = self.create_body(inputs)
        path = self.object_path(self.identity_of(found))
        self.cloud.put(self.service, path, action="assign role")
        return found

    def fetch(self, identity: str) -> Properties | None:
        """Keystone says only whether there is an assignment."""
        if not self.cloud.exists(self.service, self.object_path(identity)):
            return None
        return dict(zip(_PARTS, identity.split("/"), strict=True))

    def expected_reads(self, identity: str, _known: Properties) -> tuple[Call, ...]:
        """Keystone has no body to show."""
        return (self.request("HEAD", self.object_path(identity)),)


class InheritRoleAssignment(RoleAssignment):
    """A role that all projects below a domain or project inherit."""

    pulumi_type = "openstack:identity/inheritRoleAssignment:InheritRoleAssignment"
    path_suffix = "/inherited_to_projects"


def _time_to_api(value: Any) -> str:
    """Keystone takes times in UTC without a zone."""
    moment = datetime.fromisoformat(value).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")


def _time_from_api(value: Any) -> str:
    return "" if not value else f"{str(value).partition('.')[0].rstrip('Z')}Z"


class ApplicationCredential(IdentityResource):
    """A credential for programs, of the user and project that the provider is configured with.

    Keystone tells the secret once, in the answer to its creation; the state keeps it encrypted.
    """

    pulumi_type = "openstack:identity/applicationCredential:ApplicationCredential"
    singular = "application_credential"
    secret_once = "secret"  # noqa: S105 - the name of a property

    name = text(replaces=True)
    description = text(replaces=True)
    access_rules = record_set(
        {
            "id": text(output_only=True),
            "path": text(required=True),
            "method": text(required=True),
            "service": text(required=True),
        },
        replaces=True,
    )
    expires_at = text(replaces=True, same=same_time, to_api=_time_to_api, from_api=_time_from_api)
    project_id = text(output_only=True)
    roles = text_set(
        computed=True,
        replaces=True,
        to_api=lambda names: [{"name": name} for name in names],
        from_api=lambda roles: sorted(role["name"] for role in roles or []),
    )
    secret = text(computed=True, replaces=True, secret=True)
    unrestricted = flag(default=False, replaces=True)

    def collection_path(self) -> str:
        """Credentials belong to the user who makes them."""
        return f"users/{self.cloud.user_id}/application_credentials"

    def send_create(self, inputs: Properties) -> Properties:
        """Ask for the credential; again where Keystone denies a role that the token has.

        A Keystone that serves several requests in one process at the same time may judge one of
        them by another's token: its middleware keeps the token where all of its threads see it
        (AuthContextMiddleware.token). The refusal then says nothing about this request.
        """
        for pause in self.cloud.policy.look_delays_seconds:
            try:
                return super().send_create(inputs)
            except KrajError as error:
                if not self._is_contradicted(error, inputs):
                    raise
                self.cloud.tell(f"{error.message}: the token has it; again in {pause:.1f} s")
            time.sleep(pause)
        return super().send_create(inputs)

    def _is_contradicted(self, error: KrajError, inputs: Properties) -> bool:
        """Whether the token has every role of the credential that was refused for one."""
        refused = status_of(error) == _BAD_REQUEST and _UNASSIGNED in error.message
        return refused and self.cloud.has_roles(inputs.get("roles") or ())

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Keystone adds the roles that a given one implies; they are no difference."""
        result = super().outputs(identity, found, known)
        given = known.get("roles") or []
        if given and set(given) <= set(result["roles"]):
            result["roles"] = given
        return result

    def send_delete(self, identity: str, outputs: Properties) -> bool:
        """Delete the credential, then the access rules that were made with it."""
        existed = super().send_delete(identity, outputs)
        for rule in outputs.get("accessRules") or []:
            if rule.get("id"):
                path = f"users/{self.cloud.user_id}/access_rules/{rule['id']}"
                # A rule that another credential uses stays: Keystone answers 403.
                accepted = frozenset({403, 404})
                self.cloud.call(self.request("DELETE", path, accepted=accepted))
        return existed
