"""`kraj secret`: which passwords roles get, and one of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kraj.engine.passphrase import derive_secret
from tests.unit.cli.conftest import Outcome
from tests.unit.configure.exports import CENTRE, TENANT, write_state

PASSPHRASE = "a passphrase of the region"


@pytest.fixture
def applied(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose one tenant has servers with a role that asks for two secrets."""
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE)
    write_state(project, "kraj-centre", "liberecky", CENTRE)
    write_state(project, "kraj-tenant", "liberecky.t563871", TENANT)
    for part, text in (
        ("tasks/main.yml", "[]\n"),
        ("meta/secrets.yml", "records__first: One [thing]\nrecords__second: Another\n"),
    ):
        file = project / "roles" / "records" / part
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return project


def test_secrets_are_listed_without_their_values(
    kraj: Callable[..., Outcome], applied: Path
) -> None:
    outcome = kraj("secret", "list")
    assert outcome.code == 0
    assert "records__first" in outcome.out
    assert "One [thing]" in outcome.out
    found = kraj("secret", "list", "--json").json["secrets"]
    assert [(one["stack"], one["role"], one["name"]) for one in found] == [
        ("tenant:zelezny-brod", "records", "records__first"),
        ("tenant:zelezny-brod", "records", "records__second"),
    ]
    assert kraj("secret", "list", "--only", "centre", "--json").json["secrets"] == []
    assert "KRJ703" in kraj("secret", "list", "--only", "tenant:nowhere").err


def test_one_secret_is_what_the_role_gets(kraj: Callable[..., Outcome], applied: Path) -> None:
    """It is derived from the municipality's code, which stays when its name changes."""
    value = derive_secret(PASSPHRASE, "liberecky/563871/records/records__second")
    stack = "tenant:zelezny-brod"
    assert kraj("secret", "show", stack, "records__second").out == f"{value}\n"
    document = kraj("secret", "show", stack, "records__second", "--json").json
    assert document["value"] == value
    assert document["secret"]["meaning"] == "Another"


def test_a_secret_that_nobody_asks_for_is_an_error(
    kraj: Callable[..., Outcome], applied: Path
) -> None:
    outcome = kraj("secret", "show", "tenant:zelezny-brod", "records__secnd")
    assert outcome.code == 1
    assert "KRJ715" in outcome.err
    assert "did you mean 'records__second'?" in outcome.err
    assert "KRJ715" in kraj("secret", "show", "centre", "records__second").err
