"""Passwords of roles: the same for one stack and role, others for any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from kraj.configure.errors import BAD_SECRETS_FILE
from kraj.configure.role_secrets import RegionSecrets, secret_names, secret_variables
from kraj.errors import KrajError
from kraj.secrecy import without_secrets

SECRET = RegionSecrets("liberecky", "correct horse battery staple")


def role(roles: Path, name: str, text: str) -> None:
    (roles / name / "meta").mkdir(parents=True)
    (roles / name / "meta" / "secrets.yml").write_text(text, encoding="utf-8")


def test_a_secret_is_the_same_each_time_and_in_no_other_place() -> None:
    one = SECRET("563871", "records", "records__database_password")
    assert one == SECRET("563871", "records", "records__database_password")
    others = {
        SECRET("563889", "records", "records__database_password"),
        SECRET("563871", "map", "records__database_password"),
        SECRET("563871", "records", "records__admin_password"),
        RegionSecrets("vysocina", SECRET.passphrase)("563871", "records", "records__x"),
        RegionSecrets("liberecky", "another")("563871", "records", "records__database_password"),
    }
    assert len(others) == 5
    assert one not in others


def test_a_secret_that_was_asked_for_is_shown_no_more() -> None:
    one = SECRET("563871", "records", "records__database_password")
    assert without_secrets(f"psql: password {one} refused") == "psql: password [secret] refused"


def test_a_server_gets_what_its_roles_ask_for(tmp_path: Path) -> None:
    role(tmp_path, "records", "records__database_password: Database user\n")
    role(tmp_path, "base", "base__rescue_password: For the console\n")
    (tmp_path / "map").mkdir()
    found = secret_variables(SECRET, "563871", tmp_path, ("base", "records", "map"))
    assert found == {
        "base__rescue_password": SECRET("563871", "base", "base__rescue_password"),
        "records__database_password": SECRET("563871", "records", "records__database_password"),
    }


def test_a_role_without_the_file_needs_none(tmp_path: Path) -> None:
    assert secret_names(tmp_path, "map") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- records__password\n", "names with a description each"),
        ("password: Without the role's name\n", "'password' is no variable of a role"),
        ("records__password:\n", "records__password has no description"),
        ("records__password: [\n", "cannot read it"),
    ],
)
def test_a_file_of_another_form_is_an_error_with_its_place(
    tmp_path: Path, text: str, words: str
) -> None:
    role(tmp_path, "records", text)
    with pytest.raises(KrajError, match=words) as caught:
        secret_names(tmp_path, "records")
    assert caught.value.code is BAD_SECRETS_FILE
    assert caught.value.location is not None
    assert caught.value.location.file.endswith("records/meta/secrets.yml")
