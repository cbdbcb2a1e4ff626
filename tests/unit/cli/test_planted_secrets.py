"""Plants the administrator's password and the passphrase, and searches what commands leave."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.canaries import found_in
from tests.unit.cli.conftest import ROOT, Outcome
from tests.unit.cli.keystone import serving


def test_no_command_shows_or_leaves_the_passphrase_or_the_administrators_password(
    kraj: Callable[..., Outcome], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passphrase, password = (f"canary-{secrets.token_hex(12)}" for _ in range(2))
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", passphrase)
    (project / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(project / "temporary"))
    (project / "stacks").symlink_to(ROOT / "stacks")
    clouds = project / "clouds.yaml"
    said = ""
    with serving() as address:
        clouds.write_text(
            f"clouds: {{lab: {{auth: {{auth_url: '{address}', username: admin,"
            f" password: {password}, project_name: admin, user_domain_name: Default,"
            " project_domain_name: Default}}}\n",
            encoding="utf-8",
        )
        failures = 0
        for command in (
            ("plan", "--only", "centre"),
            ("up", "--only", "centre", "--yes", "--events", "events.jsonl"),  # it has no services
            ("outputs",),
            ("status",),
            ("state", "list"),
            ("state", "verify"),
        ):
            for form in ((), ("--json",)):
                done = kraj(*command, *form)
                said += done.out + done.err
                failures += done.code == 1
    assert failures == 4  # plan and up, in both forms: what follows meets no state
    assert said
    left = [path for path in project.rglob("*") if path.is_file() and path != clouds]
    assert found_in(said.encode(), [passphrase, password]) == []
    assert [path for path in left if found_in(path.read_bytes(), [passphrase, password])] == []
