"""Keystone's types on a real cloud."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.lab

PROJECT = "openstack:identity/project:Project"


def test_a_project_lives_and_changes_in_place(things):
    project = things.create(PROJECT, description="first", tags=["a", "b"])
    project.assert_settled()
    project.update(name="kraj-test-renamed", description="second", tags=["b"], enabled=False)
    project.assert_settled()
    assert project.outputs["name"] == "kraj-test-renamed"
    assert project.diff(isDomain=True).replaces == ["isDomain"]
    things.delete(project)
