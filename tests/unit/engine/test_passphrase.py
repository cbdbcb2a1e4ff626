"""Where the passphrase comes from, and what is derived from it."""

from __future__ import annotations

import string
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyrings.alt.file import PlaintextKeyring

from kraj.engine.keyrings import VARIABLE
from kraj.engine.passphrase import (
    derive_secret,
    own_place,
    resolve_passphrase,
    source_of_passphrase,
)
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


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[keyring.backend.KeyringBackend]:
    """A keyring that needs no desktop, with a file of the test's own."""
    before = keyring.get_keyring()
    made = PlaintextKeyring()
    made.file_path = str(tmp_path / "keyring")
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def test_the_keyring_comes_after_what_pulumi_knows_and_before_krajs_own_file(
    tmp_path: Path, desk: keyring.backend.KeyringBackend
) -> None:
    desk.set_password("kraj", "liberecky", "from the keyring")
    (tmp_path / "passphrase").write_text("own")
    environ = {VARIABLE: "kraj/liberecky"}
    assert resolve_passphrase(tmp_path, environ) == "from the keyring"
    assert source_of_passphrase(environ) == "keyring entry kraj/liberecky"
    given = {**environ, "PULUMI_CONFIG_PASSPHRASE": "given"}
    assert resolve_passphrase(tmp_path, given) == "given"
    assert source_of_passphrase(given) == "PULUMI_CONFIG_PASSPHRASE"
    assert source_of_passphrase({}) == ""


def test_another_passphrase_goes_into_the_keyring_and_the_old_one_stays(
    tmp_path: Path, desk: keyring.backend.KeyringBackend
) -> None:
    desk.set_password("kraj", "liberecky", "first")
    place = own_place(tmp_path, {VARIABLE: "kraj/liberecky"})
    assert place is not None
    assert place.replace("second") == "keyring entry kraj/liberecky.old"
    assert place.read() == "second"
    assert desk.get_password("kraj", "liberecky.old") == "first"


def test_the_keyring_is_asked_once_and_again_after_another_passphrase(
    tmp_path: Path, desk: keyring.backend.KeyringBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.set_password("kraj", "liberecky", "first")
    asked: list[str] = []
    look = desk.get_password

    def counted(service: str, name: str) -> str | None:
        asked.append(name)
        return look(service, name)

    monkeypatch.setattr(desk, "get_password", counted)
    environ = {VARIABLE: "kraj/liberecky"}
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda _: resolve_passphrase(tmp_path, environ), range(8))
        assert set(found) == {"first"}
    assert asked == ["liberecky"]
    place = own_place(tmp_path, environ)
    assert place is not None
    desk.set_password("kraj", "liberecky", "another process's")
    assert place.read() == "another process's"  # who changes the passphrase looks for himself
    place.replace("second")
    assert resolve_passphrase(tmp_path, environ) == "second"


@pytest.mark.parametrize("entry", ["kraj", "/liberecky", "kraj/"])
def test_an_entry_has_a_service_and_a_name(tmp_path: Path, entry: str) -> None:
    with pytest.raises(KrajError, match=r"KRJ328.*not SERVICE/NAME"):
        resolve_passphrase(tmp_path, {VARIABLE: entry})


def test_what_the_keyring_does_not_have_is_an_error_that_says_how_to_put_it_there(
    tmp_path: Path, desk: keyring.backend.KeyringBackend
) -> None:
    with pytest.raises(KrajError, match=r"KRJ328.*holds no passphrase") as caught:
        resolve_passphrase(tmp_path, {VARIABLE: "kraj/nobody"})
    assert "keyring set kraj nobody" in caught.value.hint
    assert not (tmp_path / "passphrase").exists()


def test_a_machine_without_a_keyring_is_told_so(tmp_path: Path) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    try:
        with pytest.raises(KrajError, match="KRJ328 cannot read keyring entry") as caught:
            resolve_passphrase(tmp_path, {VARIABLE: "kraj/liberecky"})
    finally:
        keyring.set_keyring(before)
    assert caught.value.causes[0].startswith("No recommended backend was available")


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
