"""Plants the administrator's password and the passphrase, and searches what commands leave."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kraj.engine.passphrase import resolve_passphrase
from kraj.operations.states import RegionStates
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


def test_a_broken_clouds_yaml_is_told_without_quoting_it(
    kraj: Callable[..., Outcome], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(project))
    password = f"canary-{secrets.token_hex(12)}"
    (project / "clouds.yaml").write_text(
        f"clouds:\n  lab:\n    auth: {{password: {password}: *{password}}}\n", encoding="utf-8"
    )
    for form in ((), ("--json",)):
        done = kraj("plan", *form)
        said = done.out + done.err
        assert done.code == 1
        assert "KRJ412" in said
        assert "clouds.yaml" in said
        assert found_in(said.encode(), [password]) == []
    assert not list(project.glob("kraj-*.log"))


@pytest.mark.parametrize("debug", ["", "1"])
def test_the_report_of_a_defect_has_no_secret_and_is_for_its_owner_alone(
    kraj: Callable[..., Outcome], project: Path, monkeypatch: pytest.MonkeyPatch, debug: str
) -> None:
    passphrase = f"canary-{secrets.token_hex(12)}"
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", passphrase)
    monkeypatch.setenv("KRAJ_DEBUG", debug)
    monkeypatch.setattr(tempfile, "tempdir", str(project))

    def fail(states: RegionStates) -> None:
        raise ValueError(f"no {resolve_passphrase(states.state_dir)} here")

    monkeypatch.setattr(RegionStates, "summaries", fail)
    for form in ((), ("--json",)):
        done = kraj("state", "list", *form)
        assert done.code == 1
        assert "ValueError: no [secret] here" in done.out + done.err
        assert ("Traceback" in done.err) == bool(debug)
        assert found_in((done.out + done.err).encode(), [passphrase]) == []
    reports = list(project.glob("kraj-*.log"))
    assert len(reports) == 2
    for report in reports:
        assert report.stat().st_mode & 0o777 == 0o600
        assert "in fail" in report.read_text(encoding="utf-8")
        assert found_in(report.read_bytes(), [passphrase]) == []
