"""Keystone: projects, users, role assignments, application credentials, and look-ups of them."""

from __future__ import annotations

from kraj.openstack.fields import (
    flag,
    text,
    text_set,
)
from kraj.openstack.resource import Resource


class Project(Resource):
    """A project: the owner of resources and quotas."""

    pulumi_type = "openstack:identity/project:Project"
    service = "identity"
    path = "projects"
    singular = "project"
    update_method = "PATCH"

    name = text()
    description = text()
    domain_id = text(computed=True)
    enabled = flag(default=True)
    is_domain = flag(default=False, replaces=True)
    parent_id = text(computed=True, replaces=True)
    tags = text_set()
