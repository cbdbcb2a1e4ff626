"""Keystone: projects, roles, users, groups and look-ups of them.

Who may do what is in `identity_access`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from kraj.openstack.cloud import Call
from kraj.openstack.datasource import DataSource
from kraj.openstack.fields import flag, record_list, reference, text, text_list, text_map, text_set
from kraj.openstack.finding import Traces
from kraj.openstack.resource import Properties, Resource


class IdentityResource(Resource):
    """Base of Keystone's types."""

    service: ClassVar[str] = "identity"
    update_method: ClassVar[str] = "PATCH"


class Project(IdentityResource):
    """A project: the owner of resources and quotas."""

    pulumi_type = "openstack:identity/project:Project"
    path = "projects"
    singular = "project"
    marked_by = "kraj_mark"

    name = text()
    description = text()
    domain_id = text(computed=True, replaces=True)
    enabled = flag(default=True)
    is_domain = flag(default=False, replaces=True)
    parent_id = text(computed=True, replaces=True)
    tags = text_set()

    def send_delete(self, identity: str, outputs: Properties) -> bool:
        """Disable a domain first: Keystone deletes only disabled ones."""
        if outputs.get("isDomain"):
            body = self.wrapped({"enabled": False})
            path = self.object_path(identity)
            self.cloud.call(self.request("PATCH", path, body=body, accepted=frozenset({404})))
        existed = super().send_delete(identity, outputs)
        # Also where it is gone already: by an earlier request whose answer was lost.
        if self.cloud.has_service("network"):
            self._delete_default_groups(identity)
        return existed

    def _delete_default_groups(self, project: str) -> None:
        """Take away the security group that Neutron makes unasked and would keep for ever.

        Neutron makes it at the latest when it is asked for the project's groups, as here.
        """
        criteria = {"project_id": project, "name": "default", "fields": "id"}
        answer = self.cloud.get("network", "security-groups", parameters=criteria)
        for group in answer["security_groups"]:
            # Who may not delete it, or whose ports still use it, leaves it.
            accepted = frozenset({403, 404, 409})
            path = f"security-groups/{group['id']}"
            self.cloud.call(Call("network", "DELETE", path, accepted=accepted))


class Role(IdentityResource):
    """A role, which policies give a meaning to."""

    pulumi_type = "openstack:identity/role:Role"
    path = "roles"
    singular = "role"
    marked_by = "kraj_mark"

    name = text()
    domain_id = text(computed=True)


class GroupV3(IdentityResource):
    """A group of users."""

    pulumi_type = "openstack:identity/groupV3:GroupV3"
    path = "groups"
    singular = "group"
    marked_by = "kraj_mark"

    name = text()
    description = text()
    domain_id = text(computed=True, replaces=True)


def _rules(value: Any) -> list[list[str]]:
    return [rule["rules"] for rule in value or []]


def _rules_from_api(value: Any) -> list[dict[str, list[str]]]:
    return [{"rules": list(rule)} for rule in value or []]


class User(IdentityResource):
    """A user who logs in with a password."""

    pulumi_type = "openstack:identity/user:User"
    path = "users"
    singular = "user"
    owners = ("default_project_id",)

    name = text()
    description = text()
    default_project_id = reference(computed=True)
    domain_id = text(computed=True)
    enabled = flag(default=True)
    extra = text_map(sent=False, read=False)
    password = text(secret=True, read=False)
    ignore_change_password_upon_first_use = flag(
        api="options.ignore_change_password_upon_first_use"
    )
    ignore_lockout_failure_attempts = flag(api="options.ignore_lockout_failure_attempts")
    ignore_password_expiry = flag(api="options.ignore_password_expiry")
    multi_factor_auth_enabled = flag(api="options.multi_factor_auth_enabled")
    multi_factor_auth_rules = record_list(
        {"rules": text_list(required=True)},
        api="options.multi_factor_auth_rules",
        to_api=_rules,
        from_api=_rules_from_api,
    )

    def create_body(self, inputs: Properties) -> Properties:
        """Extra values stand beside Keystone's own fields."""
        return {**super().create_body(inputs), **(inputs.get("extra") or {})}

    def update_body(self, news: Properties, changed: Collection[str]) -> Properties:
        """Extra values stand beside Keystone's own fields."""
        body = super().update_body(news, changed)
        return {**body, **(news.get("extra") or {})} if "extra" in changed else body

    def is_proven(self, found: Properties, inputs: Mapping[str, Any], traces: Traces) -> bool:
        """Nobody else's user takes the password that the program gave.

        A mark among the extra values would be a change to Pulumi's own provider, which reads them.
        """
        return super().is_proven(found, inputs, traces) or self._takes(
            str(found["id"]), inputs.get("password") or ""
        )

    def _takes(self, user: str, password: str) -> bool:
        """Whether one can log in so."""
        if not password:
            return False
        who = {"methods": ["password"], "password": {"user": {"id": user, "password": password}}}
        body = {"auth": {"identity": who, "scope": "unscoped"}}
        refused = frozenset({400, 401, 403})
        call = Call(self.service, "POST", "auth/tokens", body, accepted=refused)
        return bool(self.cloud.call(call).status_code not in refused)

    def outputs(self, identity: str, found: Properties, known: Properties) -> Properties:
        """Show the extra values that the program has set."""
        result = super().outputs(identity, found, known)
        extra = known.get("extra") or {}
        result["extra"] = {name: found[name] for name in extra if name in found}
        return result


class UserMembershipV3(IdentityResource):
    """A user's place in a group; its id is `<user>/<group>`."""

    pulumi_type = "openstack:identity/userMembershipV3:UserMembershipV3"
    relation = True

    group_id = text(required=True, replaces=True)
    user_id = text(required=True, replaces=True)

    def identity_of(self, found: Properties) -> str:
        """User and group name the membership."""
        return f"{found['user_id']}/{found['group_id']}"

    def object_path(self, identity: str) -> str:
        """Where Keystone keeps the membership."""
        user, group = self.identity_parts(identity, "<user>/<group>")
        return f"groups/{group}/users/{user}"

    def natural_identity(self, inputs: Properties) -> str:
        """User and group."""
        return self.identity_of(self.create_body(inputs))

    def send_create(self, inputs: Properties) -> Properties:
        """Put the user into the group."""
        found = self.create_body(inputs)
        self.cloud.put(self.service, self.object_path(self.identity_of(found)))
        return found

    def fetch(self, identity: str) -> Properties | None:
        """Keystone says only whether there is a membership."""
        user, group = self.identity_parts(identity, "<user>/<group>")
        there = self.cloud.exists(self.service, self.object_path(identity))
        return {"user_id": user, "group_id": group} if there else None


class GetProject(DataSource):
    """One project by its properties."""

    pulumi_function = "openstack:identity/getProject:getProject"
    resource = Project
    plural = "projects"
    identity_argument = "projectId"
    criteria: ClassVar = {"name": "name", "domainId": "domain_id", "parentId": "parent_id"}


class GetRole(DataSource):
    """One role by its name."""

    pulumi_function = "openstack:identity/getRole:getRole"
    resource = Role
    plural = "roles"
    criteria: ClassVar = {"name": "name", "domainId": "domain_id"}


class GetUser(DataSource):
    """One user by its properties."""

    pulumi_function = "openstack:identity/getUser:getUser"
    resource = User
    plural = "users"
    criteria: ClassVar = {
        "name": "name",
        "domainId": "domain_id",
        "idpId": "idp_id",
        "protocolId": "protocol_id",
        "uniqueId": "unique_id",
        "passwordExpiresAt": "password_expires_at",
    }


class GetGroup(DataSource):
    """One group by its name."""

    pulumi_function = "openstack:identity/getGroup:getGroup"
    resource = GroupV3
    plural = "groups"
    criteria: ClassVar = {"name": "name", "domainId": "domain_id"}
