"""Where the passphrase comes from, and what is derived from it."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kraj.engine.passphrase import derive_secret, resolve_passphrase
from kraj.errors import KrajError


def test_the_environment_comes_before_the_files(tmp_path: Path) -> None:
    file = tmp_path / "given"
    file.write_text("from the file\n")
    (tmp_path / "passphrase").write_text("own")
    environ = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}
    assert resolve_passphrase(tmp_path, environ) == "from the file"
    assert resolve_passphrase(tmp_path, {**environ, "PULUMI_CONFIG_PASSPHRASE": ""}) == ""
    assert resolve_passphrase(tmp_path, {}) == "own"


def test_a_passphrase_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    state = tmp_path / "deep/state"
    first = resolve_passphrase(state, {})
    assert len(first) >= 40
    assert resolve_passphrase(state, {}) == first
    assert (state / "passphrase").stat().st_mode & 0o777 == 0o600
    assert [p.name for p in state.iterdir()] == ["passphrase"]
    assert resolve_passphrase(tmp_path / "other", {}) != first


def test_an_empty_or_missing_passphrase_file_is_an_error(tmp_path: Path) -> None:
    environ = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "none")}
    with pytest.raises(KrajError, match="cannot read the passphrase file"):
        resolve_passphrase(tmp_path, environ)
    (tmp_path / "passphrase").write_text("\n")
    with pytest.raises(KrajError, match="is empty"):
        resolve_passphrase(tmp_path, {})


@given(st.text(min_size=1), st.text())
def test_derived_secrets_are_stable_and_meet_password_rules(phrase: str, purpose: str) -> None:
    secret = derive_secret(phrase, purpose)
    assert secret == derive_secret(phrase, purpose)
    assert len(secret) == 40
    for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.+"):
        assert any(letter in kind for letter in secret)
    assert secret != derive_secret(phrase, purpose + "x")
    assert secret != derive_secret(phrase + "x", purpose)


def test_the_derivation_never_changes() -> None:
    # Service users' passwords are derived: another result would lock them out.
    assert (
        derive_secret("passphrase", "tenant/563889/service-user")
        == "iX2_Vq65XCmNTjiorfRyLJWtCx9KnKrojcYrx4zi"
    )
