"""A project with its limits, the user that owns what is in it, and that user's provider.

The administrator makes the project, the user, the role assignments and the quotas. Everything else
is made by the service user itself, so that nothing in a tenant's environment needs, or could use,
rights beyond the tenant's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_openstack as openstack

from kraj.planning import documents
from kraj.planning.limits import LIMITS, type_limit
from stacks.components.base import Component

#: Settings that the provider would otherwise take from `OS_*` variables of whoever runs kraj.
_NOT_FROM_ENVIRONMENT: dict[str, Any] = dict.fromkeys(
    (
        "application_credential_id",
        "application_credential_name",
        "application_credential_secret",
        "cloud",
        "domain_id",
        "domain_name",
        "project_domain_id",
        "project_domain_name",
        "tenant_name",
        "token",
        "user_domain_name",
        "user_id",
    ),
    "",
)


#: Roles that come with others: those that Keystone's bootstrap makes imply each other
#: (keystone/cmd/bootstrap.py).
_IMPLIED: dict[str, tuple[str, ...]] = {
    "admin": ("manager", "member", "reader"),
    "manager": ("member", "reader"),
    "member": ("reader",),
}


class TenantProject(Component):
    """A project, its service user and quotas; `provider` acts as that user inside the project.

    The centre has one too. `requires` are resources that the project's contents mention by name
    only (flavours, volume types): they are made before the first and deleted after the last of
    the contents.
    """

    module = "project"

    def __init__(
        self,
        name: str,
        document: documents.CentreDocument | documents.TenantDocument,
        *,
        password: pulumi.Input[str],
        description: str,
        requires: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self._name, self._requires = name, requires
        self.project = openstack.identity.Project(
            name,
            name=document.project,
            description=description,
            enabled=True,
            tags=list(document.tag_list),
            opts=self.child(),
        )
        self.id: pulumi.Output[str] = self.project.id
        self.user = openstack.identity.User(
            f"{name}/service-user",
            name=document.service_user,
            description=f"Owns what is in project {document.project}",
            default_project_id=self.id,
            enabled=True,
            password=password,
            opts=self.child(),
        )
        #: What must be there before anything is made in the project.
        self.limits = [*self._assign(name, document.roles), *self._quotas(name, document.quota)]
        self.provider = self._own_provider(name, document.cloud, password, self.limits)
        self.register_outputs({"id": self.id})

    def shared_image(self, name: str, image_id: pulumi.Input[str]) -> pulumi.Output[str]:
        """The id of an image of the administrator's, known once the project may use it.

        The administrator also accepts for the project, which would not see the image otherwise.
        """
        access = openstack.images.ImageAccess(
            f"{self._name}/{name.replace(' ', '-')}",
            image_id=image_id,
            member_id=self.id,
            status="accepted",
            opts=self.child(),
        )
        return access.image_id

    def application_credential(
        self,
        name: str,
        document: documents.TenantDocument,
        after: Sequence[pulumi.Resource],
    ) -> openstack.identity.ApplicationCredential:
        """A credential with the service user's roles that cannot make further credentials.

        Implied roles are named, because Keystone shows them and a change of roles is a new
        credential.

        It comes after what it gives access to, and goes first: automation loses its access before
        its environment is taken apart. Later is also safer: beside other requests Keystone may
        refuse a role as not assigned that is (docs/reliability.md).
        """
        return openstack.identity.ApplicationCredential(
            name,
            name=document.application_credential,
            description=f"Automation in project {document.project}",
            roles=_effective(document.roles),
            unrestricted=False,
            opts=pulumi.ResourceOptions.merge(
                self.child(after=after, exclusive=True),
                pulumi.ResourceOptions(provider=self.provider),
            ),
        )

    def _assign(self, name: str, roles: Sequence[str]) -> list[pulumi.Resource]:
        return [
            openstack.identity.RoleAssignment(
                f"{name}/{role}",
                project_id=self.id,
                user_id=self.user.id,
                role_id=openstack.identity.get_role_output(name=role).id,
                opts=self.child(),
            )
            for role in roles
        ]

    def _quotas(self, name: str, quota: documents.Quota) -> list[pulumi.Resource]:
        """The limits of each service, set before anything is made in the project.

        A change that takes something away is applied twice, so that they are lowered after what
        they were for is gone; see kraj/planning/transition.py.
        """
        per_type = {"volume_type_quota": self._volume_type_quota(quota)}
        return [
            self._quota(name, openstack.compute.QuotaSetV2, quota),
            self._quota(name, openstack.networking.QuotaV2, quota),
            self._quota(
                name, openstack.blockstorage.QuoteSetV3, quota, per_type, after=self._requires
            ),
        ]

    def _quota(
        self,
        name: str,
        kind: Any,
        quota: documents.Quota,
        more: Mapping[str, Any] | None = None,
        after: Sequence[pulumi.Resource] = (),
    ) -> pulumi.Resource:
        """One service's part of the limits, and `more` of its own."""
        arguments = {
            argument: getattr(quota, field) for argument, field in LIMITS[kind.pulumi_type].items()
        }
        made: pulumi.Resource = kind(
            name, project_id=self.id, **arguments, **(more or {}), opts=self.child(after=after)
        )
        return made

    def _volume_type_quota(self, quota: documents.Quota) -> pulumi.Output[dict[str, str]]:
        """Limits of all volume types of the cloud: -1 (none) where the document has none.

        Pulumi's provider keeps what Cinder shows, which are all types; with fewer, each plan would
        show a change.
        """
        known = openstack.blockstorage.get_quotaset_v3_output(
            project_id=self.id,
            opts=pulumi.InvokeOutputOptions(parent=self, depends_on=list(self._requires)),
        ).volume_type_quota
        limits = {
            type_limit(volume_type): str(size)
            for volume_type, size in quota.volume_types_gib.items()
        }
        return known.apply(lambda keys: {**dict.fromkeys(keys, "-1"), **limits})

    def _own_provider(
        self,
        name: str,
        cloud: documents.Cloud,
        password: pulumi.Input[str],
        limits: Sequence[pulumi.Resource],
    ) -> openstack.Provider:
        return openstack.Provider(
            name,
            auth_url=cloud.auth_url,
            region=cloud.region_name,
            endpoint_type=cloud.interface,
            cacert_file=cloud.cacert or "",
            user_name=self.user.name,
            user_domain_id=self.user.domain_id,
            password=password,
            tenant_id=self.id,
            **_NOT_FROM_ENVIRONMENT,
            opts=self.child(after=[*limits, *self._requires]),
        )


def _effective(roles: Sequence[str]) -> list[str]:
    """The roles with those that they imply, in order."""
    implied = {other for role in roles for other in _IMPLIED.get(role, ())}
    return sorted({*roles, *implied})
