"""What a role is made of, and what is told of one that cannot be installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraj.errors import KrajError
from kraj.images.errors import NOTHING_TO_BUILD, UNKNOWN_IMAGE
from kraj.images.roles import (
    applied_roles,
    digest_of_programs,
    digest_of_role,
    with_dependencies,
)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def roles(tmp_path: Path) -> Path:
    """records needs postgresql (meta) and calls certificates (tasks); web has a card alone."""
    write(tmp_path / "base/tasks/main.yml", "[]\n")
    write(tmp_path / "records/service.yaml", "name: records\n")
    write(tmp_path / "records/meta/main.yml", "dependencies:\n  - role: postgresql\n")
    write(
        tmp_path / "records/tasks/main.yml",
        """\
- name: Files
  block:
    - name: Certificates
      ansible.builtin.include_role:
        name: certificates
""",
    )
    write(tmp_path / "postgresql/tasks/main.yml", "[]\n")
    write(tmp_path / "certificates/tasks/main.yml", "[]\n")
    write(tmp_path / "web/service.yaml", "name: web\n")
    return tmp_path


def test_a_service_stands_on_the_role_base(roles: Path) -> None:
    assert applied_roles(roles, "base") == ("base",)
    assert applied_roles(roles, "records") == ("base", "records")


def test_without_tasks_in_base_an_image_is_debian_and_the_service(roles: Path) -> None:
    (roles / "base/tasks/main.yml").unlink()
    assert applied_roles(roles, "base") == ()
    assert applied_roles(roles, "records") == ("records",)


def test_a_card_without_tasks_is_refused_with_the_file_that_is_missing(roles: Path) -> None:
    with pytest.raises(KrajError) as caught:
        applied_roles(roles, "web")
    assert caught.value.code is NOTHING_TO_BUILD
    assert caught.value.location is not None
    assert caught.value.location.file.endswith("web/tasks/main.yml")


def test_an_unknown_service_is_refused_with_a_suggestion(roles: Path) -> None:
    with pytest.raises(KrajError, match="did you mean 'records'") as caught:
        applied_roles(roles, "record")
    assert caught.value.code is UNKNOWN_IMAGE


def test_dependencies_are_found_in_meta_and_in_tasks(roles: Path) -> None:
    assert set(with_dependencies(roles, "records")) == {"records", "postgresql", "certificates"}


def test_a_role_that_is_not_there_is_named(roles: Path) -> None:
    write(roles / "records/meta/main.yml", "dependencies: [mysql]\n")
    with pytest.raises(KrajError, match="'records' uses the role 'mysql'"):
        with_dependencies(roles, "records")


@pytest.mark.parametrize(
    "file",
    [
        "records/tasks/main.yml",
        "records/files/logo.svg",
        "postgresql/defaults/main.yml",
        "certificates/templates/openssl.cnf.j2",
    ],
)
def test_every_file_of_the_role_and_of_its_dependencies_counts(roles: Path, file: str) -> None:
    before = digest_of_role(roles, "records")
    path = roles / file
    write(path, (path.read_text() if path.exists() else "") + "# changed\n")
    assert digest_of_role(roles, "records") != before


@pytest.mark.parametrize("file", ["records/tests/test_image.py", "records/README.md", "web/x"])
def test_what_is_not_installed_does_not_count(roles: Path, file: str) -> None:
    before = digest_of_role(roles, "records")
    write(roles / file, "anything\n")
    assert digest_of_role(roles, "records") == before


def test_programs_are_decided_by_the_files_that_the_role_names(roles: Path) -> None:
    assert digest_of_programs(roles, "records") is None
    write(roles / "records/tasks/programs.yml", "[]\n")
    assert digest_of_programs(roles, "records") is None
    named = "programs: [records/tasks/programs.yml, postgresql/files/*]\n"
    write(roles / "records/meta/image.yml", named)
    with pytest.raises(KrajError, match=r"'postgresql/files/\*' names no file") as caught:
        digest_of_programs(roles, "records")
    assert caught.value.location is not None
    write(roles / "postgresql/files/backup", "one")
    first = digest_of_programs(roles, "records")
    write(roles / "records/templates/page.j2", "of no matter")
    assert digest_of_programs(roles, "records") == first
    write(roles / "postgresql/files/backup", "two")
    assert digest_of_programs(roles, "records") != first
