"""Rules of Keystone's types."""

from __future__ import annotations

PROJECT = "openstack:identity/project:Project"


def test_a_project_without_a_name_gets_one_that_stays(rules_of):
    project = rules_of(PROJECT)
    name = project.inputs()["name"]
    assert name.startswith("one-")
    assert len(name) == len("one-") + 7
    assert project.updates({"name": name, "enabled": True}) == set()


def test_a_project_moves_to_another_parent_by_replacement_only(rules_of):
    olds = {"name": "a", "enabled": True, "parentId": "p", "description": ""}
    project = rules_of(PROJECT)
    assert project.replaces(olds, name="a", parentId="q") == {"parentId"}
    assert project.updates(olds, name="b", description="x") == {"name", "description"}
    assert project.updates(olds, name="a") == set()
